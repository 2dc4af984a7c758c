package daemon

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"pgregory.net/rapid"

	"peervane/bgp"
	"peervane/bgp/source"
	"peervane/config"
	"peervane/daemon/incident"
	"peervane/daemon/notice"
)

// drawHistory draws what vantages tell in the course of time.
func drawHistory(t *rapid.T, cfg *config.Config) (told []bgp.Input) {
	l := newLevels(t)
	l.cfg = cfg
	for _, v := range l.peers {
		if v.Own() {
			told = append(told, bgp.Awaited{Vantage: v, At: l.now, Active: true})
		}
	}
	l.engine = l.empty()
	l.engine.tap = func(in bgp.Input) { told = append(told, in) }
	for _, v := range l.peers {
		l.present(l.engine, v)
	}
	for range rapid.IntRange(5, 30).Draw(t, "steps") {
		l.now = l.now.Add(time.Duration(rapid.IntRange(1, 100_000_000).Draw(t, "microseconds")) * time.Microsecond)
		v := rapid.SampledFrom(l.peers).Draw(t, "vantage")
		if _, lost := l.stale[v]; lost {
			l.comeBack(v)
			continue
		}
		op := rapid.SampledFrom([]string{
			"announce", "announce", "announce", "announce", "withdraw", "withdraw", "bounce", "keep", "refresh", "limit", "gone", "more", "more",
		}).Draw(t, "op")
		if op == "more" {
			l.more(v)
			continue
		}
		l.act(op, v)
	}
	return told
}

// more has a vantage tell what is rarer.
func (l *levels) more(v *bgp.Vantage) {
	r := route{prefix: l.cfg.Prefixes[0].Prefix}
	f := bgp.FamilyOf(r.prefix)
	switch rapid.SampledFrom([]string{"coalesced", "dropped", "leaked", "other", "forgotten", "down"}).Draw(l.T, "more") {
	case "coalesced":
		a := l.attrs()
		l.held[v][r] = a
		l.engine.input(bgp.Change{
			Vantage: v, Prefix: r.prefix, Attrs: a, At: l.now, First: l.now.Add(-time.Second), Announced: 30, Withdrawn: 29, PathChanges: 7,
		})
	case "dropped":
		on := rapid.Bool().Draw(l.T, "dropped")
		l.engine.input(bgp.TableDropped{Vantage: v, At: l.now, Family: f, Dropped: on, Before: 1000, Routes: 700})
	case "leaked":
		leak := bgp.LeakedTable{Vantage: v, At: l.now, Exceeded: rapid.Bool().Draw(l.T, "exceeded"), Routes: 70, Leakers: 2, By: 60}
		leak.Leak = bgp.Leak{Leaker: 64501, Type: 1, Methods: []string{"tier1"}, Reasons: []string{"because"}, Turn: "AS1 -> AS64501 -> AS2"}
		leak.Examples = []bgp.Seen{{Vantage: v, Prefix: r.prefix, PathID: 3, Attrs: l.attrs(), Since: l.now}}
		l.engine.input(leak)
	case "other": // its configuration changed: it comes up as another
		l.another(v, false)
	case "forgotten": // as a dynamic neighbour that has not been there for long
		if v.Own() {
			l.engine.input(bgp.Gone{Vantage: v, At: l.now})
		}
		l.another(v, true)
	case "down":
		l.engine.input(bgp.SessionDown{Vantage: v, At: l.now, Reason: "hold timer expired"})
		l.now = l.now.Add(time.Minute)
		l.present(l.engine, v)
	}
}

// another has one of our own sessions come up anew under its name.
func (l *levels) another(v *bgp.Vantage, dynamic bool) {
	if !v.Own() {
		return
	}
	again := *v
	l.peers[slices.Index(l.peers, v)] = &again
	l.held[&again] = l.held[v]
	delete(l.held, v)
	l.over[&again] = l.over[v]
	l.engine.await(bgp.Awaited{Vantage: &again, At: l.now, Active: !dynamic, Dynamic: dynamic}, nil)
	l.present(l.engine, &again)
}

// lived is an engine that judges every input at its time, as a daemon does that is never behind.
type lived struct {
	engine *engine
	now    time.Time
	told   []notice.Notice
}

func newLived(cfg *config.Config) *lived {
	return &lived{engine: newEngine(cfg, incident.Options{
		Source: "replay", OurASN: cfg.Daemon.ASN, NewID: derivedID, Severity: cfg.Severity,
	}, false, zap.NewNop())}
}

func (l *lived) put(in bgp.Input) {
	l.until(in.When())
	l.engine.input(in)
	l.judge(in.When())
}

func (l *lived) until(at time.Time) {
	for due, ok := l.engine.next(); ok && !due.After(at); due, ok = l.engine.next() {
		l.judge(due)
	}
}

func (l *lived) judge(at time.Time) {
	if at.After(l.now) {
		l.now = at
	}
	for l.engine.judge(l.now, math.MaxInt) {
	}
	for _, n := range l.engine.take().notices {
		if n.Held == "" {
			l.told = append(l.told, n)
		}
	}
}

// bodies prints notices without what no two runs share.
func bodies(t interface{ Fatal(...any) }, told []notice.Notice) string {
	var lines []string
	for _, n := range told {
		n.Delivery, n.Incident = "", ""
		body, err := n.Body()
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(body))
	}
	return strings.Join(lines, "\n")
}

// tapedEngine records what an engine takes in.
type tapedEngine struct {
	*lived
	*source.TapeWriter
	file bytes.Buffer
	fail func(...any)
}

func (l *lived) tape(fail func(...any)) *tapedEngine {
	tape := &tapedEngine{lived: l, fail: fail}
	tape.TapeWriter = source.NewTapeWriter(&tape.file)
	tape.begin()
	l.engine.tap = func(in bgp.Input) { tape.check(tape.Put(in)) }
	return tape
}

func (w *tapedEngine) check(err error) {
	if err != nil {
		w.fail(err)
	}
}

// begin begins, also anew.
func (w *tapedEngine) begin() {
	p := w.engine.pictured(w.now)
	w.check(w.Begin(w.now, "test", "", p.configured))
	for _, r := range p.regs.registered() {
		w.check(w.Register(w.now, r))
	}
	p.sort()
	for _, s := range p.standing {
		w.check(w.Stand(s))
	}
	w.check(w.Stood(w.now))
	for _, in := range p.troubles {
		w.check(w.Put(in))
	}
}

// replay lets a minute pass, ends the recording, and replays it.
func (w *tapedEngine) replay(ctx context.Context, dir string, cfg *config.Config) (again *Replay, told []notice.Notice) {
	end := w.now.Add(time.Minute)
	w.until(end)
	w.check(w.End(end, ""))
	name := filepath.Join(dir, "tape")
	w.check(os.WriteFile(name, w.file.Bytes(), 0o600))
	again, err := NewReplay(cfg, false, func(n notice.Notice) error { told = append(told, n); return nil }, zap.NewNop())
	w.check(err)
	r := source.NewRecording([]string{name}, source.RecordingOptions{
		Watched: again.Watched(), Report: func(err error) { w.fail(err) }, Registered: again.Registered,
	})
	w.check(r.Run(ctx, again))
	w.check(again.Until(r.Stats().Last))
	return again, told
}

// taped records what an engine is told from some input on, and gives it replayed.
func taped(t *rapid.T, dir string, cfg *config.Config, told []bgp.Input, from int) (live *lived, again *Replay, notices []notice.Notice) {
	live = newLived(cfg)
	live.now = start
	for _, in := range told[:from] {
		live.put(in)
	}
	tape := live.tape(t.Fatal)
	for _, in := range told[from:] {
		live.put(in)
	}
	again, notices = tape.replay(t.Context(), dir, cfg)
	return live, again, notices
}

// What was recorded from the start of a daemon on is told again to the byte.
func TestARecordingIsJudgedAsLive(t *testing.T) {
	dir, types := t.TempDir(), map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		cfg := rapid.SampledFrom(levelConfigs()).Draw(t, "config")
		live, _, replayed := taped(t, dir, cfg, drawHistory(t, cfg), 0)
		if got, want := bodies(t, replayed), bodies(t, live.told); got != want {
			t.Fatalf("replayed\n%s\nlive\n%s", got, want)
		}
		for _, n := range replayed {
			types[n.Type]++
		}
	})
	if len(types) < 10 && !testing.Short() {
		t.Errorf("the histories led to too little: %v", types)
	}
	t.Logf("told: %v", types)
}

// A recording that begins later knows all that stood then: what fires at the end is the same.
func TestARecordingBeginsWithWhatStands(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		cfg := rapid.SampledFrom(levelConfigs()).Draw(t, "config")
		told := drawHistory(t, cfg)
		live, again, _ := taped(t, dir, cfg, told, rapid.IntRange(1, len(told)-1).Draw(t, "recorded from"))
		want, flaps := firing(live.engine)
		got, _ := firing(again.engine)
		if !slices.Equal(got, want) && len(flaps) == 0 {
			t.Fatalf("replayed\n%s\nlive\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if got, want := stands(again.engine), stands(live.engine); got != want {
			t.Fatalf("after the replay stands\n%s\nlive\n%s", got, want)
		}
	})
}

// stands says how all vantages stand, and what else holds of their sessions.
func stands(e *engine) string {
	var b strings.Builder
	for _, s := range e.standing(start) {
		fmt.Fprintf(&b, "%s %v %v %v %v %v %v %v %q %+v\n", s.Vantage.Name, s.Active, s.Dynamic, s.Up, s.WasUp, s.EndOfRIBDue, s.Recorded, s.Since, s.Reason, s.Families)
		for _, h := range s.Held {
			fmt.Fprintf(&b, "  %v %d %v ", h.Prefix, h.PathID, h.Since)
			if h.Attrs != nil {
				fmt.Fprintf(&b, "%s %v", h.Attrs.Path, h.Attrs.Communities)
			}
			b.WriteString("\n")
		}
	}
	for _, in := range e.troubles() {
		fmt.Fprintf(&b, "%T of %s since %v\n", in, in.Of().Name, in.When())
	}
	return b.String()
}

// livedUp is an engine whose two sessions are in sync, and show the first registered prefix.
func livedUp(cfg *config.Config) (*lived, [2]*bgp.Vantage) {
	l, peers := newLived(cfg), [2]*bgp.Vantage{}
	l.now = start
	for i, p := range cfg.Peers {
		v := &bgp.Vantage{Name: p.Name, Addr: netip.MustParseAddr("192.0.2.1"), ASN: p.ASN, LocalASN: 64512, Relationship: bgp.Provider}
		peers[i] = v
		l.put(bgp.Awaited{Vantage: v, At: start, Active: true})
		l.put(bgp.SessionUp{Vantage: v, At: start, Families: bgp.Families[:], EndOfRIBDue: true})
		l.put(l.shows(v, cfg.Prefixes[0].Prefix, 64496))
		for _, f := range bgp.Families {
			l.put(bgp.EndOfRIB{Vantage: v, Family: f, At: start})
		}
	}
	return l, peers
}

func (l *lived) shows(v *bgp.Vantage, p netip.Prefix, origin uint32) bgp.Change {
	return bgp.Change{Vantage: v, Prefix: p, Attrs: &bgp.Attrs{Path: bgp.Sequence(v.ASN, origin)}, At: l.now, First: l.now, Announced: 1}
}

func shorts(told []notice.Notice) string {
	var lines []string
	for _, n := range told {
		lines = append(lines, short(n))
	}
	return strings.Join(lines, " ")
}

// What was not registered in the daemon that was recorded is not missed in the replay, but where routes of it would have been told.
func TestReplayMissesNothingThatWasNotRecorded(t *testing.T) {
	recorded := registered("203.0.113.0/24", 64496)
	for _, c := range []struct{ prefix, told string }{
		{"198.51.100.0/24", ""},
		{"203.0.113.0/25", "firing:withdrawn:203.0.113.0/25:0"},
		{"203.0.112.0/23", "firing:withdrawn:203.0.112.0/23:0"},
	} {
		live, _ := livedUp(twoPeers(recorded))
		_, told := live.tape(t.Fatal).replay(t.Context(), t.TempDir(), twoPeers(recorded, registered(c.prefix, 64496)))
		if got := shorts(told); got != c.told {
			t.Errorf("%s registered later: told %q, want %q", c.prefix, got, c.told)
		}
	}
}

// A reload has the recording begin anew, with what is registered from then on. What fires goes on, and what is newly registered is known
// when the sessions have shown it.
func TestARecordingBeginsAnew(t *testing.T) {
	before := twoPeers(registered("203.0.113.0/24", 64496))
	after := twoPeers(before.Prefixes[0], registered("198.51.100.0/24", 64496), registered("192.0.2.0/24", 64496))
	live, peers := livedUp(before)
	tape := live.tape(t.Fatal)
	live.put(live.shows(peers[0], netip.MustParsePrefix("203.0.113.0/24"), 64510))
	live.now = live.now.Add(time.Second)
	live.engine.reload(after)
	live.judge(live.now)
	tape.begin()
	live.now = live.now.Add(time.Hour)
	for _, v := range peers {
		c := live.shows(v, netip.MustParsePrefix("198.51.100.0/24"), 64496)
		c.Cause = bgp.Refreshed
		live.put(c)
		live.put(bgp.EndOfRIB{Vantage: v, Family: bgp.IPv4, At: live.now})
	}
	live.put(live.shows(peers[0], netip.MustParsePrefix("203.0.113.0/24"), 64496))
	_, told := tape.replay(t.Context(), t.TempDir(), after)
	if got, want := bodies(t, told), bodies(t, live.told); got != want {
		t.Errorf("replayed\n%s\nlive\n%s", got, want)
	}
	if got, want := shorts(told), "firing:origin_change:203.0.113.0/24:64510 resolved:origin_change:203.0.113.0/24:64510 firing:withdrawn:192.0.2.0/24:0"; got != want {
		t.Errorf("told %q, want %q", got, want)
	}
}

// Beside a recording of our own, vantages of others are what they are without it: primary, and enough where they hold a prefix.
func TestOtherRecordingsBesideOurs(t *testing.T) {
	cfg := twoPeers(registered("203.0.113.0/24", 64496))
	cfg.Connections = []config.Connection{{Name: "paris-1", Primary: []string{"edge1"}, Backup: []string{"edge2"}, MinPrimary: 1}}
	cfg.Prefixes[0].Connection = "paris-1"
	for _, c := range []struct {
		beside bool
		told   string
	}{
		{false, "firing:withdrawn:203.0.113.0/24:0"},
		{true, ""},
	} {
		var told []notice.Notice
		r, err := NewReplay(cfg, false, func(n notice.Notice) error { told = append(told, n); return nil }, zap.NewNop())
		if err != nil {
			t.Fatal(err)
		}
		own := &bgp.Vantage{Name: "edge1", ASN: 64500, Relationship: bgp.Provider, Relived: true}
		other := &bgp.Vantage{Name: "rrc00/192.0.2.7/64700", Collector: "rrc00", ASN: 64700}
		at := &lived{now: start}
		inputs := []bgp.Input{
			bgp.Awaited{Vantage: own, At: start, Active: true},
			bgp.SessionUp{Vantage: own, At: start, Families: bgp.Families[:]},
			bgp.EndOfRIB{Vantage: own, At: start},
		}
		if c.beside {
			inputs = append(inputs, bgp.SessionUp{Vantage: other, At: start, Families: bgp.Families[:], Recorded: true}, at.shows(other, cfg.Prefixes[0].Prefix, 64496))
		}
		for _, in := range inputs {
			if err := r.Put(in); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Until(start.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if got := shorts(told); got != c.told {
			t.Errorf("told %q, want %q", got, c.told)
		}
	}
}
