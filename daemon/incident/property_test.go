package incident

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"peervane/bgp"
	"peervane/daemon/notice"
)

// drawn is a random condition as it stands: where it shows, and how it is told.
type drawn struct {
	bad      []string
	since    time.Time // of the detector, which may begin anew
	began    time.Time // since when it holds without a break
	severity string
	quiet    bool
}

// life is what has been told of one fingerprint.
type life struct {
	id   string
	open bool
}

// run is a book under random findings, a twin that is restored from what the first one stored, and a record of lives.
type run struct {
	*rapid.T
	book, twin *Book
	now        time.Time
	sight      map[string]Sight
	good       bool
	conditions map[uint32]*drawn // by culprit
	stored     map[string]Record
	lives      map[string]*life
	ids        map[string]bool
}

const hold = 30 * time.Second

var vantageNames = []string{"e1", "e2", "e3", "e4"}

func derived() Options {
	return Options{NewID: func(fingerprint string, at time.Time, _ int) string {
		return fmt.Sprintf("%s/%d", fingerprint[:4], at.UnixNano())
	}}
}

func (r *run) world() World {
	return World{Sight: func(v string) Sight { return r.sight[v] }, Good: r.good}
}

// findings gives what the detectors would: only vantages that are up show anything.
func (r *run) findings() []bgp.Finding {
	var out []bgp.Finding
	for culprit := uint32(65550); culprit < 65552; culprit++ {
		c := r.conditions[culprit]
		if c == nil {
			continue
		}
		f := hijack(c.bad...)
		f.Culprit, f.Since, f.Severity, f.Quiet, f.Hold = culprit, c.since, c.severity, c.quiet, hold
		out = append(out, f)
	}
	return out
}

// change draws what happens next in the world.
func (r *run) change() {
	r.now = r.now.Add(rapid.SampledFrom([]time.Duration{0, time.Second, hold, time.Minute, time.Hour}).Draw(r.T, "pass"))
	r.good = rapid.Bool().Draw(r.T, "good")
	v := rapid.SampledFrom(vantageNames).Draw(r.T, "vantage")
	r.sight[v] = rapid.SampledFrom([]Sight{InSync, InSync, Lost, Gone}).Draw(r.T, "sight")
	culprit := rapid.Uint32Range(65550, 65551).Draw(r.T, "culprit")
	if bad := rapid.SliceOfNDistinct(rapid.SampledFrom(vantageNames), 0, 3, rapid.ID[string]).Draw(r.T, "bad"); len(bad) == 0 {
		delete(r.conditions, culprit)
	} else {
		slices.Sort(bad)
		c := &drawn{bad: bad, since: r.now, began: r.now}
		if was := r.conditions[culprit]; was != nil {
			c.began = was.began
		}
		c.severity = rapid.SampledFrom([]string{"warning", "critical"}).Draw(r.T, "severity")
		c.quiet = rapid.Bool().Draw(r.T, "quiet")
		r.conditions[culprit] = c
	}
	for culprit, c := range r.conditions {
		c.bad = slices.DeleteFunc(c.bad, func(v string) bool { return r.sight[v] != InSync })
		if len(c.bad) == 0 {
			delete(r.conditions, culprit)
		}
	}
}

// step lets the book see the world, and holds what it tells against the rules.
func (r *run) step() {
	before := map[string][]Witness{}
	for _, rec := range r.book.Records() {
		before[rec.ID()] = rec.Bad
	}
	findings := r.findings()
	told := r.book.Reconcile(routing, findings, r.now, r.world())
	for _, n := range told {
		r.check(n, before[n.Incident])
	}
	for _, rec := range r.book.Changed() {
		r.stored[rec.ID()] = stored(r.T, rec)
	}
	if r.twin != nil {
		if again := r.twin.Reconcile(routing, findings, r.now, r.world()); !reflect.DeepEqual(bodies(told), bodies(again)) {
			r.Fatalf("restored, the book tells\n%s\nand not\n%s", bodies(again), bodies(told))
		}
	}
	r.checkFiring()
}

func (r *run) check(n notice.Notice, witnesses []Witness) {
	l := r.lives[n.Fingerprint]
	if l == nil {
		l = &life{}
		r.lives[n.Fingerprint] = l
	}
	c := r.conditions[n.CulpritASN]
	switch n.Status {
	case notice.Firing:
		if l.open || r.ids[n.Incident] {
			r.Fatalf("%s fires twice", n.Incident)
		}
		if c == nil || c.quiet || r.now.Before(c.began.Add(hold)) {
			r.Fatalf("%s fires at %s, when %+v", n.Incident, r.now, c)
		}
		if !n.StartedAt.Equal(notice.At(c.began).Time) {
			r.Fatalf("%s started at %s, not at %s", n.Incident, n.StartedAt, c.began)
		}
		*l = life{id: n.Incident, open: true}
		r.ids[n.Incident] = true
	case notice.Updated:
		if !l.open || l.id != n.Incident {
			r.Fatalf("%s is updated, while %+v", n.Incident, l)
		}
	case notice.Resolved:
		if !l.open || l.id != n.Incident || c != nil {
			r.Fatalf("%s resolves, while %+v and %+v", n.Incident, l, c)
		}
		r.checkSeen(n, witnesses)
		l.open = false
	}
}

// checkSeen: blindness is not recovery.
func (r *run) checkSeen(n notice.Notice, witnesses []Witness) {
	for _, w := range witnesses {
		if r.sight[w.Vantage] != Lost {
			continue
		}
		if w.Lost.IsZero() || !r.good || r.now.Before(w.Lost.Add(time.Hour)) || n.Reason != notice.ReasonVantageLost {
			r.Fatalf("%s resolves, while %+v is out of sight", n.Incident, w)
		}
	}
}

// checkFiring: what has held long enough at enough vantages is firing now.
func (r *run) checkFiring() {
	for _, f := range r.findings() {
		c := r.conditions[f.Culprit]
		l := r.lives[fingerprint(&f)]
		if !c.quiet && !r.now.Before(c.began.Add(hold)) && (l == nil || !l.open) {
			r.Fatalf("%+v does not fire at %s", c, r.now)
		}
	}
}

// restart makes a twin of what was stored. The first judgement after it is that of the same moment.
func (r *run) restart() {
	if p := r.book.find(routing); p != nil && len(p.pending) > 0 {
		return // a hold that runs begins anew
	}
	r.twin = NewBook(derived())
	var records []Record
	for _, rec := range r.stored {
		records = append(records, rec)
	}
	r.twin.Restore(records, nil)
	r.step()
}

func stored(t *rapid.T, r Record) (back Record) {
	body, state, err := r.Encode()
	if err != nil {
		t.Fatalf("store: %v", err)
	}
	if back, err = Decode(body, state); err != nil {
		t.Fatalf("read %s and %s: %v", body, state, err)
	}
	return back
}

// bodies are notices as they are told, and what is not told of them.
func bodies(notices []notice.Notice) string {
	var b strings.Builder
	for _, n := range notices {
		body, err := n.Body()
		fmt.Fprintf(&b, "%s %v %q %v %v\n", body, n.Audience, n.Held, n.Known, err)
	}
	return b.String()
}

// Each incident fires once, resolves once, keeps its id, respects its hold and its vantages; and a restart changes nothing.
func TestLives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := &run{
			T: t, book: NewBook(derived()), now: epoch, sight: map[string]Sight{},
			conditions: map[uint32]*drawn{}, stored: map[string]Record{}, lives: map[string]*life{}, ids: map[string]bool{},
		}
		for _, v := range vantageNames {
			r.sight[v] = InSync
		}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			r.change()
			r.step()
			if rapid.IntRange(0, 4).Draw(t, "restart") == 0 {
				r.restart()
			}
		}
	})
}
