package incident

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"peervane/bgp"
	"peervane/daemon/notice"
)

var (
	epoch   = time.Date(2026, 11, 22, 10, 0, 0, 123456789, time.UTC)
	prefix  = netip.MustParsePrefix("203.0.113.0/24")
	routing = Scope{Kind: Routing, Prefix: prefix, Offending: prefix}
)

// desk is a book with one scope, a clock and the sight of its vantages.
type desk struct {
	*testing.T
	book  *Book
	now   time.Time
	sight map[string]Sight
	world World
	told  []notice.Notice
}

func newDesk(t *testing.T) *desk {
	d := &desk{T: t, now: epoch, sight: map[string]Sight{"e1": InSync, "e2": InSync, "e3": InSync, "e4": InSync}}
	d.book = NewBook(options(nil))
	return d
}

func options(severity map[string]string) Options {
	return Options{
		Source: "host7", OurASN: 64512, Severity: severity,
		NewID: func(fingerprint string, at time.Time, ordinal int) string { return fmt.Sprintf("incident-%d", ordinal) },
	}
}

// see gives findings to the book, and returns what it tells: "firing critical 2/4", with the reason.
func (d *desk) see(findings ...bgp.Finding) []string {
	d.world.Sight = func(v string) Sight { return d.sight[v] }
	return d.keep(d.book.Reconcile(routing, findings, d.now, d.world))
}

func (d *desk) keep(notices []notice.Notice) []string {
	d.told = append(d.told, notices...)
	out := []string{}
	for _, n := range notices {
		line := fmt.Sprintf("%s %s %s %d/%d", n.Incident, n.Status, n.Severity, n.Vantages.Bad, n.Vantages.Total)
		if n.Reason != "" {
			line += " " + n.Reason
		}
		out = append(out, line)
	}
	return out
}

func (d *desk) expect(sentence string, got []string, want ...string) {
	d.Helper()
	if !slices.Equal(got, append([]string{}, want...)) {
		d.Errorf("%s\n got %q\nwant %q", sentence, got, want)
	}
}

// restart goes on in a new book with what was stored.
func (d *desk) restart(severity map[string]string) {
	var stored []Record
	for _, r := range d.book.Records() {
		body, state, err := r.Encode()
		if err != nil {
			d.Fatalf("store a record: %v", err)
		}
		back, err := Decode(body, state)
		if err != nil {
			d.Fatalf("read the record %s and %s: %v", body, state, err)
		}
		back.NotAfter(d.now)
		stored = append(stored, back)
	}
	d.book = NewBook(options(severity))
	d.book.Restore(stored, nil)
}

// hijack is what the detector says of a hijack seen at some vantages of four.
func hijack(vantages ...string) bgp.Finding {
	f := bgp.Finding{
		Type: "origin_change", Severity: "critical", Prefix: prefix, Offending: prefix, Culprit: 65550,
		Since: epoch, Bad: vantages, Total: 4, Summary: "203.0.113.0/24 hijacked by AS65550: some see it",
		Expected: bgp.Expected{Origins: []uint32{64496}}, Connection: "paris-1",
	}
	for _, v := range vantages {
		f.Routes = append(f.Routes, bgp.Seen{
			Vantage: &bgp.Vantage{Name: v, ASN: 64500}, Prefix: prefix, Since: epoch,
			Attrs: &bgp.Attrs{Path: bgp.Sequence(64500, 65550)},
		})
	}
	return f
}

func with(f bgp.Finding, change func(*bgp.Finding)) bgp.Finding {
	change(&f)
	return f
}

func TestLife(t *testing.T) {
	d := newDesk(t)
	d.expect("It fires when its condition starts to hold", d.see(hijack("e1", "e2")), "incident-1 firing critical 2/4")
	d.expect("an incident that fires already says nothing more", d.see(hijack("e1", "e2")))
	d.now = d.now.Add(time.Hour)
	d.expect("and resolves when the condition no longer holds at any vantage", d.see(), "incident-1 resolved critical 0/4 cleared")
	d.expect("nothing is told twice", d.see())
	d.expect("a re-fire after resolve is a new id", d.see(hijack("e1")), "incident-2 firing critical 1/4")
	if a, b := d.told[0].Fingerprint, d.told[2].Fingerprint; a != b {
		t.Errorf("fingerprints %s and %s", a, b)
	}
}

func TestNotice(t *testing.T) {
	d := newDesk(t)
	before := 12.1
	var began time.Time
	d.world.Latency = func(at time.Time) *notice.Latency {
		began = at
		return &notice.Latency{POP: "par1", BeforeMS: &before}
	}
	d.world.Labels = map[string]string{"team": "noc"}
	d.now = epoch.Add(time.Second)
	d.see(with(hijack("e1"), func(f *bgp.Finding) { f.Also, f.Methods = []string{"path_change"}, []string{"aspa"} }))
	n := d.told[0]
	text, err := json.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"incident":"incident-1"`, `"status":"firing"`, `"type":"origin_change"`, `"severity":"critical"`,
		`"summary":"203.0.113.0/24 hijacked by AS65550: some see it"`, `"prefix":"203.0.113.0/24"`, `"offending_prefix":"203.0.113.0/24"`,
		`"connection":"paris-1"`, `"culprit_asn":65550`, `"labels":{"team":"noc"}`,
		`"started_at":"2026-11-22T10:00:00.123456Z"`, `"updated_at":"2026-11-22T10:00:01.123456Z"`, `"resolved_at":null`,
		`"vantages":{"bad":1,"total":4}`, `"methods":["aspa"]`, `"also":["path_change"]`,
		`"vantage":"e1","prefix":"203.0.113.0/24","as_path":"64500 65550","origin":65550`, `"before_ms":12.1`, `"source":"host7"`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	if !began.Equal(epoch) {
		t.Errorf("asked for the latency before %s, want before the condition began, %s", began, epoch)
	}
	d.now = epoch.Add(10 * time.Minute)
	d.see()
	if n := d.told[1]; n.Summary != "resolved after 10m0s: 203.0.113.0/24 hijacked by AS65550" || !n.ResolvedAt.Equal(notice.At(d.now).Time) || n.StartedAt != d.told[0].StartedAt {
		t.Errorf("resolved with %q, started %s, resolved %s", n.Summary, n.StartedAt, n.ResolvedAt)
	}
}

func TestOriginInEvidence(t *testing.T) {
	d := newDesk(t)
	for _, c := range []struct {
		vantage bgp.Vantage
		path    *bgp.Path
		want    uint32
	}{
		{bgp.Vantage{ASN: 64500}, bgp.Sequence(64500, 64496), 64496},
		{bgp.Vantage{ASN: 64512, Relationship: bgp.Internal}, bgp.Sequence(), 64512},
		{bgp.Vantage{ASN: 64500}, bgp.Sequence(), 64500},
		{bgp.Vantage{ASN: 64500}, bgp.NewPath([]bgp.Segment{{Type: bgp.ASSet, ASNs: []uint32{1, 2}}}), 0},
	} {
		if got := d.book.origin(bgp.Seen{Vantage: &c.vantage, Attrs: &bgp.Attrs{Path: c.path}}); got != c.want {
			t.Errorf("origin of %q: AS%d, want AS%d", c.path, got, c.want)
		}
	}
}

func TestHold(t *testing.T) {
	held := func(since time.Time) bgp.Finding {
		return with(hijack("e1"), func(f *bgp.Finding) { f.Hold, f.Since = 30*time.Second, since })
	}
	d := newDesk(t)
	d.expect("a condition must hold so long before it fires", d.see(held(epoch)))
	if due := d.book.Due(routing); !due.Equal(epoch.Add(30 * time.Second)) {
		t.Errorf("due %s", due)
	}
	d.now = epoch.Add(10 * time.Second)
	d.expect("a route that is announced again does not begin its hold anew", d.see(held(d.now)))
	d.now = epoch.Add(30 * time.Second)
	d.expect("it fires", d.see(held(epoch.Add(10*time.Second))), "incident-1 firing critical 1/4")
	if got := d.told[0].StartedAt; !got.Equal(epoch.Truncate(time.Microsecond)) {
		t.Errorf("`started_at` is when the condition began, before any hold: %s", got)
	}
	if due := d.book.Due(routing); !due.IsZero() {
		t.Errorf("due %s after it fired", due)
	}

	d = newDesk(t)
	d.see(held(epoch))
	d.now = epoch.Add(29 * time.Second)
	d.expect("what is gone before its hold ends is never told", d.see())
	if d.book.Has(routing) {
		t.Error("the book keeps a scope in which nothing holds")
	}
	d.now = epoch.Add(30 * time.Second)
	d.expect("and holds anew when it comes again", d.see(held(d.now)))
}

func TestMinVantages(t *testing.T) {
	quiet := with(hijack("e1"), func(f *bgp.Finding) { f.Quiet = true })
	d := newDesk(t)
	d.expect("too few vantages agree", d.see(quiet))
	d.now = d.now.Add(time.Hour)
	d.expect("enough do", d.see(hijack("e1", "e2")), "incident-1 firing critical 2/4")
	if !d.told[0].StartedAt.Equal(epoch.Truncate(time.Microsecond)) {
		t.Errorf("started %s", d.told[0].StartedAt)
	}
	d.expect("one that fires already goes on", d.see(quiet))
}

func TestUpdates(t *testing.T) {
	warn := func(f *bgp.Finding) { f.Type, f.Severity, f.Culprit = "withdrawn", "warning", 0 }
	crit := func(f *bgp.Finding) { warn(f); f.Severity = "critical" }
	d := newDesk(t)
	d.see(with(hijack("e1"), warn))
	d.expect("severity changed", d.see(with(hijack("e1", "e2"), crit)), "incident-1 updated critical 2/4 severity")
	d.expect("and back", d.see(with(hijack("e1"), warn)), "incident-1 updated warning 1/4 severity")

	d = newDesk(t)
	d.see(hijack("e1"))
	d.expect("evidence grew materially, but was told just now", d.see(hijack("e1", "e2")))
	if due := d.book.Due(routing); !due.Equal(d.now.Add(time.Minute)) {
		t.Errorf("due %s", due)
	}
	d.now = d.now.Add(time.Minute)
	d.expect("twice as many vantages", d.see(hijack("e1", "e2")), "incident-1 updated critical 2/4 evidence")
	d.now = d.now.Add(time.Hour)
	d.expect("more than half of all", d.see(hijack("e1", "e2", "e3")), "incident-1 updated critical 3/4 evidence")
	d.now = d.now.Add(time.Hour)
	d.expect("one more is not material", d.see(hijack("e1", "e2", "e3", "e4")))
	d.expect("fewer are not more", d.see(hijack("e1")))
	d.expect("fewer that could show it are not more that do", d.see(with(hijack("e1"), func(f *bgp.Finding) { f.Total = 1 })))
	d.expect("another method", d.see(with(hijack("e1"), func(f *bgp.Finding) { f.Methods = []string{"otc"} })), "incident-1 updated critical 1/4 evidence")

	d = newDesk(t)
	down := bgp.Finding{Type: "session_down", Severity: "error", Peer: "e1", Since: epoch}
	d.see(down)
	d.expect("no vantage, no growth", d.see(down))
}

func TestLatency(t *testing.T) {
	before, after, shift, far := 12.1, 50.3, 38.2, -0.42
	cost := &notice.Latency{POP: "par1", BeforeMS: &before, AfterMS: &after, ShiftMS: &shift}
	d := newDesk(t)
	d.see(hijack("e1"))
	d.expect("the latency after the change became known", d.keep(d.book.Amend("incident-1", notice.ReasonLatency, d.now, costs(cost))), "incident-1 updated critical 1/4 latency")
	if n := d.told[1]; n.Summary != "203.0.113.0/24 hijacked by AS65550: some see it; +38 ms to POP par1" || n.Evidence.Latency == nil {
		t.Errorf("%q", n.Summary)
	}
	d.expect("a cost is told once", d.keep(d.book.Amend("incident-1", notice.ReasonLatency, d.now, costs(cost))))
	d.see(with(hijack("e1"), func(f *bgp.Finding) { f.Severity = "error" }))
	if n := d.told[2]; n.Evidence.Latency == nil {
		t.Error("a later update forgot the latency")
	}
	d.book.Amend("incident-1", notice.ReasonLatency, d.now, costs(&notice.Latency{POP: "par1", ShiftMS: &far}))
	d.see()
	if n := d.told[3]; n.Summary != "resolved after 0s: 203.0.113.0/24 hijacked by AS65550; -0.4 ms to POP par1" {
		t.Errorf("%q", n.Summary)
	}
	d.expect("an incident that is over costs no more", d.keep(d.book.Amend("incident-1", notice.ReasonLatency, d.now, costs(cost))))

	loss := 1.0
	if got := costText(&notice.Latency{POP: "par1", Loss: &loss}, true); got != "; POP par1 is unreachable" {
		t.Errorf("%q", got)
	}
}

// costs writes a cost into the evidence.
func costs(l *notice.Latency) func(*notice.Evidence) {
	return func(e *notice.Evidence) { e.Latency, e.Verdict = l, "both" }
}

func TestOf(t *testing.T) {
	d := newDesk(t)
	d.see(hijack("e1"))
	if got := d.book.Of("e1"); len(got) != 1 || got[0] != routing {
		t.Errorf("scopes of e1: %v", got)
	}
	if got := d.book.Of("e2"); len(got) != 0 {
		t.Errorf("scopes of e2: %v", got)
	}
}

func TestChanged(t *testing.T) {
	d := newDesk(t)
	d.see(hijack("e1"))
	if got := d.book.Changed(); len(got) != 1 || !got[0].Open {
		t.Errorf("after it fired: %v", got)
	}
	d.see(hijack("e1"))
	if got := d.book.Changed(); len(got) != 0 {
		t.Errorf("nothing changed, but: %v", got)
	}
	for range 2 {
		d.sight["e1"] = Lost
		d.see()
		d.book.Changed()
		d.sight["e1"] = InSync
		d.see(hijack("e1"))
	}
	d.sight["e1"] = Lost
	d.book.Changed()
	d.see()
	if got := d.book.Changed(); len(got) != 1 || got[0].Bad[0].Lost.IsZero() {
		t.Errorf("after a loss that was not told: %v", got)
	}
	d.sight["e1"] = InSync
	d.see()
	if got := d.book.Changed(); len(got) != 1 || got[0].Open {
		t.Errorf("after it resolved: %v", got)
	}
}

func TestFingerprintHasNoVantage(t *testing.T) {
	a, b := hijack("e1"), hijack("e2", "e3")
	if fingerprint(&a) != fingerprint(&b) {
		t.Error("never the vantage of a routing incident")
	}
	for _, f := range []bgp.Finding{
		with(a, func(f *bgp.Finding) { f.Type = "route_leak" }),
		with(a, func(f *bgp.Finding) { f.Culprit = 65551 }),
		with(a, func(f *bgp.Finding) { f.Offending = netip.MustParsePrefix("203.0.113.128/25") }),
		with(a, func(f *bgp.Finding) { f.Prefix = netip.MustParsePrefix("203.0.112.0/23") }),
		with(a, func(f *bgp.Finding) { f.Peer = "e1" }),
	} {
		if fingerprint(&f) == fingerprint(&a) {
			t.Errorf("%+v has the fingerprint of another", f)
		}
	}
}
