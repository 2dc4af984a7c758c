package daemon

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"peervane/bgp"
	"peervane/config"
	"peervane/daemon/incident"
)

// events gives what doing something has recorded of prefixes, but for incidents, in short.
func (w *world) events(do func()) (out []string) {
	w.engine.take()
	do()
	for w.engine.judge(w.now, 100) {
	}
	for _, ev := range w.engine.take().events {
		if ev.prefix.IsValid() && !strings.HasPrefix(ev.typ, "incident_") {
			out = append(out, fmt.Sprintf("%s %s %s %s: %s", ev.typ, ev.severity, ev.prefix, ev.peer, ev.detail))
		}
	}
	return out
}

// hear is an announcement, or without a path a withdrawal, that is not judged yet.
func (w *world) hear(peer, prefix string, change func(*bgp.Change), asns ...uint32) {
	c := bgp.Change{Vantage: w.peers[peer], Prefix: netip.MustParsePrefix(prefix), At: w.now, First: w.now, Withdrawn: 1}
	if asns != nil {
		c.Attrs, c.Withdrawn, c.Announced = &bgp.Attrs{Path: bgp.Sequence(asns...)}, 0, 1
	}
	if change != nil {
		change(&c)
	}
	w.engine.input(c)
}

func TestEventsOfPrefixes(t *testing.T) {
	const p = "203.0.113.0/24"
	id := func(n uint32) func(*bgp.Change) { return func(c *bgp.Change) { c.PathID = n } }
	cfg := twoPeers(registered(p, 64496))
	cfg.Connections = []config.Connection{{Name: "paris-1", Primary: []string{"edge1"}, Backup: []string{"edge2"}, MinPrimary: 1}}
	cfg.Prefixes[0].Connection = "paris-1"
	w := newWorld(t, cfg)
	w.peers["ris"] = &bgp.Vantage{Name: "ris/a", Collector: "ris", ASN: 64700}
	w.peers["ris2"] = &bgp.Vantage{Name: "ris/b", Collector: "ris", ASN: 64701}
	for _, c := range []struct {
		what string
		do   func()
		want []string
	}{
		{"a primary session has it", func() { w.hear("edge1", p, nil, 64500, 64496) }, []string{"prefix_announced info 203.0.113.0/24 edge1: 64500 64496"}},
		{"a backup session has it", func() { w.hear("edge2", p, nil, 64501, 64496) }, []string{"backup_announced info 203.0.113.0/24 edge2: 64501 64496"}},
		{"the same again", func() { w.hear("edge1", p, nil, 64500, 64496) }, nil},
		{"another path", func() { w.hear("edge1", p, nil, 64500, 64502, 64496) },
			[]string{"active_path info 203.0.113.0/24 edge1: 64500 64496 -> 64500 64502 64496"}},
		{"another path of the backup", func() { w.hear("edge2", p, nil, 64501, 64502, 64496) },
			[]string{"backup_path info 203.0.113.0/24 edge2: 64501 64496 -> 64501 64502 64496"}},
		{"a further path that is not the best", func() { w.hear("edge1", p, id(1), 64500, 64503, 64502, 64496) }, nil},
		{"a further path that is", func() { w.hear("edge1", p, id(2), 64500, 64496) },
			[]string{"active_path info 203.0.113.0/24 edge1: 64500 64502 64496 -> 64500 64496"}},
		{"the best goes, others stay", func() { w.hear("edge1", p, id(2)) },
			[]string{"active_path info 203.0.113.0/24 edge1: 64500 64496 -> 64500 64502 64496"}},
		{"the last but one goes", func() { w.hear("edge1", p, id(1)) }, nil},
		{"the last goes", func() { w.hear("edge1", p, nil) }, []string{"prefix_withdrawn warning 203.0.113.0/24 edge1: "}},
		{"the backup goes", func() { w.hear("edge2", p, nil) }, []string{"backup_withdrawn warning 203.0.113.0/24 edge2: "}},
		{"several at once", func() {
			w.hear("edge1", p, func(c *bgp.Change) { c.Announced, c.Withdrawn = 3, 2 }, 64500, 64496)
		}, []string{"prefix_announced info 203.0.113.0/24 edge1: 64500 64496 (coalesced: announced 3 times, withdrawn 2 times since 2026-11-22T10:00:00Z)"}},
		{"several at once that end as they began", func() {
			w.hear("edge1", p, func(c *bgp.Change) { c.Announced, c.Withdrawn = 1, 1 }, 64500, 64496)
		}, []string{"prefix_announced info 203.0.113.0/24 edge1: 64500 64496 (coalesced: announced 1 times, withdrawn 1 times since 2026-11-22T10:00:00Z)"}},
		{"a wrong origin", func() { w.hear("edge1", p, nil, 64500, 64510) }, []string{
			"active_path info 203.0.113.0/24 edge1: 64500 64496 -> 64500 64510",
			"origin_change critical 203.0.113.0/24 edge1: 203.0.113.0/24 hijacked by AS64510: 1 of 2 vantages sees origin AS64510 instead of AS64496 (edge1: 64500 64510)",
		}},
		{"the same at the backup", func() { w.hear("edge2", p, nil, 64501, 64510) }, []string{
			"backup_announced info 203.0.113.0/24 edge2: 64501 64510",
			"backup_origin_change error 203.0.113.0/24 edge2: 203.0.113.0/24 hijacked by AS64510: 2 of 2 vantages see origin AS64510 instead of AS64496 (edge1: 64500 64510)",
		}},
		{"the first of a collector's peers", func() { w.hear("ris", "203.0.113.0/24", nil, 64700, 64510) }, []string{
			"prefix_announced info 203.0.113.0/24 ris/a: 64700 64510",
		}},
		{"another of them", func() { w.hear("ris2", "203.0.113.0/24", nil, 64701, 64510) }, nil},
		{"they move", func() { w.hear("ris2", "203.0.113.0/24", nil, 64701, 64700, 64510) }, nil},
		{"one goes", func() { w.hear("ris2", "203.0.113.0/24", nil) }, nil},
		{"the last of them goes", func() { w.hear("ris", "203.0.113.0/24", nil) }, []string{"prefix_withdrawn warning 203.0.113.0/24 ris/a: "}},
		{"what is inside is no fact about the prefix", func() { w.hear("edge1", "203.0.113.0/25", nil, 64500, 64496) }, nil},
	} {
		if got := w.events(c.do); !slices.Equal(got, c.want) {
			t.Errorf("%s\n got %q\nwant %q", c.what, got, c.want)
		}
	}
}

func TestEventsOfCovers(t *testing.T) {
	w := newWorld(t, twoPeers(registered("203.0.113.0/24", 64496)))
	w.announce("edge1", "203.0.113.0/24", 64500, 64496)
	w.announce("edge2", "203.0.113.0/24", 64501, 64496)
	w.withdraw("edge1", "203.0.113.0/24")
	w.withdraw("edge2", "203.0.113.0/24")
	got := w.events(func() { w.hear("edge1", "203.0.112.0/22", nil, 64500, 64510) })
	got = append(got, w.events(func() { w.now = w.now.Add(30 * time.Second) })...)
	want := []string{
		"covering_origin_change error 203.0.113.0/24 edge1: 203.0.113.0/24 has no route of its own, and 203.0.112.0/22 from AS64510 carries its traffic: 1 of 2 vantages sees it (edge1: 64500 64510)",
	}
	if !slices.Equal(got, want) {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
}

func TestEventsOfLeaks(t *testing.T) {
	cfg := twoPeers(registered("203.0.113.0/24", 64496))
	cfg.Connections = []config.Connection{{Name: "paris-1", Primary: []string{"edge1"}, Backup: []string{"edge2"}, MinPrimary: 1}}
	cfg.Prefixes[0].Connection = "paris-1"
	cfg.Detect.Peerlock = []config.Peerlock{{ASN: 3356, AllowedUpstreams: []uint32{174}}}
	w := newWorld(t, cfg)
	w.announce("edge1", "203.0.113.0/24", 64500, 64496)
	w.announce("edge2", "203.0.113.0/24", 64501, 64496)
	for peer, want := range map[string]string{"edge1": "leak critical", "edge2": "backup_leak error"} {
		got := w.events(func() { w.hear(peer, "203.0.113.0/24", nil, w.peers[peer].ASN, 64502, 3356, 64496) })
		if len(got) != 2 || !strings.HasPrefix(got[1], want+" 203.0.113.0/24 "+peer+": 203.0.113.0/24 leaked") {
			t.Errorf("%s: %q", peer, got)
		}
	}
}

// What is told of a prefix is recorded with it, whatever its type is: a hijack of a part of it is no fact about its own routes.
func TestEventsOfIncidents(t *testing.T) {
	w := newWorld(t, twoPeers(registered("203.0.113.0/24", 64496)))
	w.announce("edge1", "203.0.113.0/24", 64500, 64496)
	var got []string
	id := ""
	for _, do := range []func(){
		func() { w.hear("edge1", "203.0.113.128/25", nil, 64500, 64510) },
		func() { w.hear("edge2", "203.0.113.128/25", nil, 64501, 64510) }, // an update
		func() { w.hear("edge1", "203.0.113.128/25", nil); w.hear("edge2", "203.0.113.128/25", nil) },
	} {
		do()
		for w.engine.judge(w.now, 100) {
		}
		id = cmp.Or(w.ids(), id)
		for _, ev := range w.engine.take().events {
			detail, _, _ := strings.Cut(ev.detail, " announced")
			got = append(got, fmt.Sprintf("%s %s %s: %s", ev.typ, ev.severity, ev.prefix, detail))
		}
	}
	want := []string{
		"incident_firing critical 203.0.113.0/24: subprefix " + id + ": 203.0.113.128/25 inside 203.0.113.0/24",
		"incident_resolved info 203.0.113.0/24: subprefix " + id + ": resolved after 0s: 203.0.113.128/25 inside 203.0.113.0/24",
	}
	if !slices.Equal(got, want) {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
}

// An incident that is held back is recorded once as firing, whatever comes before it is told, and after.
func TestEventsOfASilencedIncident(t *testing.T) {
	w := newWorld(t, twoPeers(registered("203.0.113.0/24", 64496)))
	var got []string
	listen := func() {
		for w.engine.judge(w.now, 100) {
		}
		for _, ev := range w.engine.take().events {
			if strings.HasPrefix(ev.typ, "incident_") {
				got = append(got, ev.typ)
			}
		}
	}
	silence := incident.Silence{ID: "s1", Since: w.now, Until: w.now.Add(time.Hour), By: "jane", Why: "works"}
	w.engine.book.Silence(silence, w.now)
	w.hear("edge1", "203.0.113.0/24", nil, 64500, 64510)
	listen()
	for range 2 {
		w = w.restart()
		w.up("edge1")
		w.hear("edge1", "203.0.113.0/24", nil, 64500, 64510)
		listen()
	}
	if want := []string{"incident_firing"}; !slices.Equal(got, want) {
		t.Errorf("recorded %q, want %q", got, want)
	}
	told, _ := w.engine.book.Unsilence("s1", w.now)
	w.engine.tell(told, w.now)
	w.hear("edge1", "203.0.113.0/24", nil, 64500, 64496)
	listen()
	if want := []string{"incident_firing", "incident_resolved"}; len(told) != 1 || !slices.Equal(got, want) {
		t.Errorf("recorded %q, want %q; told of the silence's end: %d", got, want, len(told))
	}
}

// The first table after a restart, or after a session came back, is recorded where it differs from what was last in sight.
func TestEventsOfFirstTables(t *testing.T) {
	const p = "203.0.113.0/24"
	first := func(id uint32) func(*bgp.Change) {
		return func(c *bgp.Change) { c.Cause, c.PathID = bgp.Initial, id }
	}
	for _, c := range []struct {
		what  string
		table func(*world)
		want  []string
	}{
		{"the same", func(w *world) { w.hear("edge1", p, first(1), 64500, 64496) }, nil},
		{"the same, behind a worse path", func(w *world) {
			w.hear("edge1", p, first(2), 64500, 64502, 64503, 64496)
			w.hear("edge1", p, first(1), 64500, 64496)
		}, nil},
		{"another path", func(w *world) { w.hear("edge1", p, first(1), 64500, 64502, 64496) },
			[]string{"active_path info 203.0.113.0/24 edge1: 64500 64496 -> 64500 64502 64496"}},
		{"nothing", func(*world) {}, []string{"prefix_withdrawn warning 203.0.113.0/24 edge1: not announced again when the session came back"}},
	} {
		for _, again := range []func(w *world) *world{
			func(w *world) *world { return w.restart() },
			func(w *world) *world { w.down("edge1"); return w },
		} {
			w := newWorld(t, twoPeers(registered(p, 64496)))
			w.announce("edge1", p, 64500, 64496)
			w.announce("edge2", p, 64501, 64496)
			w = again(w)
			w.up("edge1")
			got := w.events(func() { c.table(w) })
			got = append(got, w.events(func() { w.engine.input(bgp.EndOfRIB{Vantage: w.peers["edge1"], Family: bgp.IPv4, At: w.now}) })...)
			if !slices.Equal(got, c.want) {
				t.Errorf("%s\n got %q\nwant %q", c.what, got, c.want)
			}
		}
	}
}

// So it is where what was last in sight was no legitimate route, or one that had not held for long enough to be the normal.
func TestEventsOfFirstTablesAfterAWrongRoute(t *testing.T) {
	const p = "203.0.113.0/24"
	const withdrawn = "prefix_withdrawn warning 203.0.113.0/24 edge1: not announced again when the session came back"
	first := func(w *world, asns ...uint32) {
		w.hear("edge1", p, func(c *bgp.Change) { c.Cause = bgp.Initial }, asns...)
	}
	for _, c := range []struct {
		what          string
		before, after []uint32
		want          []string
	}{
		{"the same hijack", []uint32{64500, 64510}, []uint32{64500, 64510}, nil},
		{"the hijack is over", []uint32{64500, 64510}, []uint32{64500, 64496}, []string{"active_path info 203.0.113.0/24 edge1: 64500 64510 -> 64500 64496"}},
		{"another hijack", []uint32{64500, 64510}, []uint32{64500, 64511}, []string{"active_path info 203.0.113.0/24 edge1: 64500 64510 -> 64500 64511"}},
		{"nothing behind a hijack", []uint32{64500, 64510}, nil, []string{withdrawn}},
		{"the leak is over", []uint32{64500, 64503, 3356, 64502, 174, 64496}, []uint32{64500, 64496},
			[]string{"active_path info 203.0.113.0/24 edge1: 64500 64503 3356 64502 174 64496 -> 64500 64496"}},
		{"the same leak", []uint32{64500, 64503, 3356, 64502, 174, 64496}, []uint32{64500, 64503, 3356, 64502, 174, 64496}, nil},
		{"nothing behind a leak", []uint32{64500, 64503, 3356, 64502, 174, 64496}, nil, []string{withdrawn}},
	} {
		for _, settled := range []bool{true, false} {
			w := newWorld(t, twoPeers(registered(p, 64496)))
			if settled {
				w.announce("edge1", p, 64500, 64496)
			}
			w.announce("edge1", p, c.before...)
			w = w.restart()
			w.up("edge1")
			got := w.events(func() {
				if c.after != nil {
					first(w, c.after...)
				}
			})
			got = append(got, w.events(func() { w.engine.input(bgp.EndOfRIB{Vantage: w.peers["edge1"], Family: bgp.IPv4, At: w.now}) })...)
			got = slices.DeleteFunc(got, func(ev string) bool { return strings.HasPrefix(ev, "origin_change") || strings.HasPrefix(ev, "leak") })
			if !slices.Equal(got, c.want) {
				t.Errorf("%s, settled before: %t\n got %q\nwant %q", c.what, settled, got, c.want)
			}
		}
	}
}

// A path that was announced a moment before a restart, and is not the normal yet, is what the next one is compared with.
func TestEventsOfFirstTablesAfterANewPath(t *testing.T) {
	const p = "203.0.113.0/24"
	w := newWorld(t, twoPeers(registered(p, 64496)))
	w.announce("edge2", p, 64501, 64496)
	w.pass(time.Hour)
	w.announce("edge1", p, 64500, 64502, 64496)
	w = w.restart()
	w.up("edge1")
	got := w.events(func() { w.hear("edge1", p, func(c *bgp.Change) { c.Cause = bgp.Initial }, 64500, 64496) })
	got = append(got, w.events(func() { w.engine.input(bgp.EndOfRIB{Vantage: w.peers["edge1"], Family: bgp.IPv4, At: w.now}) })...)
	if want := []string{"active_path info 203.0.113.0/24 edge1: 64500 64502 64496 -> 64500 64496"}; !slices.Equal(got, want) {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
}

// Sessions and the nearest POP are recorded, too.
func TestEventsOfSessionsAndPOPs(t *testing.T) {
	c := newCut(t)
	recorded := func(do func()) (out []string) {
		c.engine.take()
		do()
		for _, ev := range c.engine.take().events {
			out = append(out, fmt.Sprintf("%s %s %s%s", ev.typ, ev.severity, ev.peer, ev.pop))
		}
		return out
	}
	input := func(in bgp.Input) func() { return func() { c.engine.input(in) } }
	edge1 := c.peers["edge1"]
	for _, step := range []struct {
		do   func()
		want string
	}{
		{input(bgp.SessionDown{Vantage: edge1, At: c.now, Reason: "hold timer expired"}), "[session_down warning edge1]"},
		{input(bgp.SessionUp{Vantage: edge1, At: c.now, Families: bgp.Families[:]}), "[session_up info edge1]"},
		{func() { c.answers("fra1", 20*time.Millisecond) }, "[pop_change info fra1]"},
		{func() { c.answers("fra1", 20*time.Millisecond) }, "[]"},
	} {
		if got := fmt.Sprint(recorded(step.do)); got != step.want {
			t.Errorf("recorded %s, want %s", got, step.want)
		}
	}
}

// Each hijacker that a session shows is an event of its own.
func TestASecondHijackerIsAnEvent(t *testing.T) {
	w := newWorld(t, twoPeers(registered("203.0.113.0/24", 64496)))
	w.announce("edge1", "203.0.113.0/24", 64500, 64496)
	for _, origin := range []uint32{64510, 64511} {
		got := w.events(func() { w.hear("edge1", "203.0.113.0/24", nil, 64500, origin) })
		if !slices.ContainsFunc(got, func(line string) bool {
			return strings.HasPrefix(line, "origin_change ") && strings.Contains(line, fmt.Sprintf("AS%d", origin))
		}) {
			t.Errorf("AS%d: %q", origin, got)
		}
	}
}
