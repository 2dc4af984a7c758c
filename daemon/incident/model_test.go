package incident

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"peervane/bgp"
	"peervane/daemon/notice"
)

// receiver is what somebody who gets every notice knows: which incidents stand, by what was told alone. That is the simple
// model that the book is held to.
type receiver struct {
	open map[string]notice.Notice // by fingerprint
	ids  map[string]bool
}

// hear takes a notice in, and says what is wrong with it.
func (v *receiver) hear(n notice.Notice) error {
	if n.Held != "" {
		return nil // to the log alone
	}
	before, stands := v.open[n.Fingerprint]
	switch n.Status {
	case notice.Firing:
		if stands || v.ids[n.Incident] {
			return fmt.Errorf("%s fires twice", n.Incident)
		}
		v.ids[n.Incident] = true
	default:
		if !stands || before.Incident != n.Incident {
			return fmt.Errorf("%s is %s and was never told as firing", n.Incident, n.Status)
		}
	}
	v.open[n.Fingerprint] = n
	if n.Status == notice.Resolved {
		delete(v.open, n.Fingerprint)
	}
	return nil
}

// theatre is a book under random conditions, silences, acknowledgements, an uplink that fails, and restarts.
type theatre struct {
	*rapid.T
	book     *Book
	now      time.Time
	holds    map[int]string // the severity of each condition that holds, by number
	down     bool           // the session of the only vantage
	cutOff   bool
	silences []Silence
	stored   map[string]Record
	receiver receiver
	serial   int
}

func newTheatre(t *rapid.T) *theatre {
	return &theatre{
		T: t, book: NewBook(derivedSerial()), now: epoch, holds: map[int]string{}, stored: map[string]Record{},
		receiver: receiver{map[string]notice.Notice{}, map[string]bool{}},
	}
}

func derivedSerial() Options {
	return Options{NewID: func(fingerprint string, at time.Time, n int) string {
		return fmt.Sprintf("%s/%d/%d", fingerprint[:8], at.UnixNano(), n)
	}}
}

// numbered gives prefix i of many.
func numbered(i int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24)
}

// finding is condition i: most are hijacks by one AS, every fifth is a withdrawal.
func (th *theatre) finding(i int) bgp.Finding {
	p := numbered(i)
	f := bgp.Finding{
		Type: "subprefix", Severity: th.holds[i], Prefix: p, Offending: p, Culprit: 65550, Since: th.now,
		Bad: []string{"e1"}, Total: 1, Summary: fmt.Sprintf("%s is taken: e1 sees it", p),
	}
	if i%5 == 0 {
		f.Type, f.Culprit = notice.Withdrawn, 0
	}
	return f
}

func scopeOf(i int) Scope { return Scope{Kind: Routing, Prefix: numbered(i), Offending: numbered(i)} }

func (th *theatre) hear(notices []notice.Notice) {
	for _, n := range notices {
		if err := th.receiver.hear(n); err != nil {
			th.Fatalf("%s: %v", th.now, err)
		}
		if rec := th.book.Record(n.Incident); rec != nil && n.Held == "" && n.Status != notice.Resolved && th.allHeldBack(rec) {
			th.Fatalf("%s is told as %s, though the model holds it back: %+v", n.Incident, n.Status, n)
		}
	}
}

// judge has a condition judged as it stands.
func (th *theatre) judge(i int) {
	var findings []bgp.Finding
	if th.holds[i] != "" {
		findings = append(findings, th.finding(i))
	}
	sight := Lost
	if !th.down {
		sight = InSync
	}
	th.hear(th.book.Reconcile(scopeOf(i), findings, th.now, World{Sight: func(string) Sight { return sight }}))
}

func (th *theatre) judgeSession() {
	var findings []bgp.Finding
	if th.down {
		findings = append(findings, bgp.Finding{Type: notice.SessionDown, Severity: "error", Peer: "e1", Since: th.now, Summary: "session e1 is down"})
	}
	th.hear(th.book.Reconcile(Scope{Kind: Session, Subject: "e1"}, findings, th.now, World{}))
}

// pass lets time go by, ringing every alarm.
func (th *theatre) pass(d time.Duration) {
	end := th.now.Add(d)
	for at := th.book.Next(); !at.IsZero() && !at.After(end); at = th.book.Next() {
		if at.After(th.now) {
			th.now = at
		}
		notices, _ := th.book.Tick(th.now)
		th.hear(notices)
	}
	th.now = end
	th.silences = slices.DeleteFunc(th.silences, func(s Silence) bool { return !s.Until.After(end) })
}

const conditions = 40

func (th *theatre) act() {
	i := rapid.IntRange(1, conditions).Draw(th.T, "condition")
	switch rapid.SampledFrom([]string{"fire", "fire", "clear", "clear", "burst", "calm", "severity", "session", "silence", "unsilence", "ack", "uplink", "restart"}).Draw(th.T, "act") {
	case "fire":
		if !th.down {
			th.holds[i] = "error"
			th.judge(i)
		}
	case "clear":
		delete(th.holds, i)
		th.judge(i)
	case "burst":
		for j := i; j <= conditions && !th.down; j++ {
			th.holds[j] = "warning"
			th.judge(j)
		}
	case "calm":
		for j := 1; j <= i; j++ {
			delete(th.holds, j)
			th.judge(j)
		}
	case "severity":
		if th.holds[i] != "" {
			th.holds[i] = rapid.SampledFrom([]string{"info", "critical"}).Draw(th.T, "severity")
			th.judge(i)
		}
	case "session":
		th.session()
	case "silence":
		th.silence(i)
	case "unsilence":
		if len(th.silences) > 0 {
			notices, found := th.book.Unsilence(th.silences[0].ID, th.now)
			if !found {
				th.Fatal("a silence that holds is not known")
			}
			th.silences = th.silences[1:]
			th.hear(notices)
		}
	case "ack":
		th.ack(i)
	case "uplink":
		th.cutOff = !th.cutOff
		th.hear(th.book.HoldBack(th.cutOff, th.now))
	case "restart":
		th.restart()
	}
}

// session loses the only vantage, or brings it back with all that it shows.
func (th *theatre) session() {
	th.down = !th.down
	th.judgeSession()
	for i := 1; i <= conditions; i++ {
		if th.down {
			delete(th.holds, i)
		}
		th.judge(i)
	}
}

func (th *theatre) silence(i int) {
	th.serial++
	text := rapid.SampledFrom([]string{"prefix=10.0.0.0/8", "type=subprefix", "type=withdrawn", "severity=warning", "prefix=" + numbered(i).String()}).Draw(th.T, "matcher")
	m, err := ParseMatcher(text)
	if err != nil {
		th.Fatal(err)
	}
	s := Silence{ID: fmt.Sprint("s", th.serial), Matchers: []Matcher{m}, Since: th.now, Until: th.now.Add(10 * time.Minute), By: "anna", Why: "work"}
	th.silences = append(th.silences, s)
	th.hear(th.book.Silence(s, th.now))
}

func (th *theatre) ack(i int) {
	if p := th.book.find(scopeOf(i)); p != nil {
		for _, rec := range p.sorted() {
			notices, err := th.book.Ack(rec.ID(), Ack{By: "anna", At: th.now}, th.now)
			if err != nil {
				th.Fatal(err)
			}
			th.hear(notices)
		}
	}
}

// restart goes on in a new book with what was written by then.
func (th *theatre) restart() {
	th.keep()
	var records []Record
	for _, text := range th.stored {
		records = append(records, text)
	}
	th.book = NewBook(derivedSerial())
	th.book.ordinal = len(th.stored)
	var silences []Silence
	text, err := json.Marshal(th.silences)
	if err != nil {
		th.Fatal(err)
	}
	if err := json.Unmarshal(text, &silences); err != nil {
		th.Fatal(err)
	}
	th.book.Restore(records, silences)
	th.hear(th.book.HoldBack(th.cutOff, th.now))
	th.pass(0)
	th.judgeSession()
	for i := 1; i <= conditions; i++ {
		th.judge(i)
	}
}

func (th *theatre) keep() {
	for _, rec := range th.book.Changed() {
		th.stored[rec.ID()] = stored(th.T, rec)
	}
}

// check holds what the receiver knows to what is.
func (th *theatre) check() {
	th.keep()
	grouped := map[string]int{}
	for rec := range th.book.All() {
		n := &rec.Notice
		_, told := th.receiver.open[n.Fingerprint]
		switch silent := th.heldBack(rec); {
		case rec.Group != "":
			grouped[rec.Group]++
			if told {
				th.Fatalf("%s is told singly and by a group", rec.ID())
			}
		case told == rec.untold():
			th.Fatalf("%s: told %v, the book says %v", rec.ID(), told, !rec.untold())
		case !told && !silent && rec.Cleared.IsZero():
			th.Fatalf("%s stands, nothing holds it back (%q), and nobody was told", rec.ID(), rec.Held)
		case (rec.Held != "") != silent:
			th.Fatalf("%s: held back by %q, the model says %v", rec.ID(), rec.Held, silent)
		}
	}
	th.checkStanding()
	th.checkGroups(grouped)
}

// allHeldBack says it of an incident, or of all that a group tells of.
func (th *theatre) allHeldBack(rec *Record) bool {
	members := th.book.Members(rec.ID())
	return th.heldBack(rec) || len(members) > 0 && !slices.ContainsFunc(members, func(r *Record) bool { return !th.heldBack(r) })
}

// heldBack is what the model thinks.
func (th *theatre) heldBack(rec *Record) bool {
	silenced := slices.ContainsFunc(th.silences, func(s Silence) bool { return s.Until.After(th.now) && s.matches(rec) })
	inhibited := th.down && rec.Notice.Type == notice.Withdrawn && len(rec.Bad) > 0
	return silenced || th.cutOff || inhibited
}

// checkStanding: what holds is open, and what is gone is not, but for what flaps or is out of sight.
func (th *theatre) checkStanding() {
	for i := 1; i <= conditions; i++ {
		open := 0
		if p := th.book.find(scopeOf(i)); p != nil {
			open = len(p.open)
			for _, rec := range p.open {
				if th.holds[i] == "" && rec.Cleared.IsZero() && len(rec.lost()) == 0 {
					th.Fatalf("%s is open, and does not hold", rec.ID())
				}
			}
		}
		if th.holds[i] != "" && open != 1 {
			th.Fatalf("condition %d holds, and %d incidents of it are open", i, open)
		}
	}
	for fingerprint, n := range th.receiver.open {
		if rec := th.book.Record(n.Incident); rec == nil {
			th.Fatalf("%s (%s) is over, and its end was not told", n.Incident, fingerprint)
		}
	}
}

// checkGroups: each counts its members, and one that is told has some, or flaps.
func (th *theatre) checkGroups(members map[string]int) {
	for id, g := range th.book.groupOf {
		if in := g.rec.Notice.Evidence.Group; in.Open != members[id] || in.Total < in.Open {
			th.Fatalf("group %s says %+v, and has %d members", id, in, members[id])
		}
		if members[id] == 0 && g.rec.Cleared.IsZero() {
			th.Fatalf("group %s stands for nothing", id)
		}
		audible := slices.ContainsFunc(th.book.Members(id), func(r *Record) bool { return !th.heldBack(r) })
		_, told := th.receiver.open[g.rec.Notice.Fingerprint]
		if audible && !told && !th.heldBack(g.rec) {
			th.Fatalf("group %s stands, not all of it is held back (%q), and nobody was told", id, g.rec.Held)
		}
	}
	for id, n := range members {
		if th.book.groupOf[id] == nil {
			th.Fatalf("%d are in group %s, which is not there", n, id)
		}
	}
}

// What was told and what is owed agree with the model at any time, whatever holds, flaps, is acknowledged, silenced, inhibited or
// told as one, and across restarts; and when all is over nothing stands at whoever was told.
func TestTellingAgreesWithTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		th := newTheatre(t)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			th.act()
			th.check()
			th.pass(rapid.SampledFrom([]time.Duration{0, time.Second, 6 * time.Second, 2 * time.Minute, 20 * time.Minute}).Draw(t, "pass"))
			th.check()
		}
		if th.down {
			th.session()
		}
		for i := 1; i <= conditions; i++ {
			delete(th.holds, i)
			th.judge(i)
		}
		th.cutOff = false
		th.hear(th.book.HoldBack(false, th.now))
		th.pass(24 * time.Hour)
		if len(th.receiver.open) > 0 || len(th.book.byID) > 0 || len(th.book.groups) > 0 {
			t.Fatalf("all is over, and told as standing are %v; in the book %v", th.receiver.open, th.book.Records())
		}
	})
}
