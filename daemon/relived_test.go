package daemon

import (
	"bytes"
	"math"
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
	switch rapid.SampledFrom([]string{"coalesced", "dropped", "leaked", "other", "down"}).Draw(l.T, "more") {
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
	case "other":
		if v.Own() { // its configuration changed: it comes up as another
			again := *v
			l.peers[slices.Index(l.peers, v)] = &again
			l.held[&again] = l.held[v]
			delete(l.held, v)
			l.engine.await(bgp.Awaited{Vantage: &again, At: l.now, Active: true}, nil)
			l.present(l.engine, &again)
		}
	case "down":
		l.engine.input(bgp.SessionDown{Vantage: v, At: l.now, Reason: "hold timer expired"})
		l.now = l.now.Add(time.Minute)
		l.present(l.engine, v)
	}
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

// taped records what an engine tells from some input on, and gives it replayed.
func taped(t *rapid.T, dir string, cfg *config.Config, told []bgp.Input, from int) (live *lived, again *Replay, notices []notice.Notice) {
	live = newLived(cfg)
	for _, in := range told[:from] {
		live.put(in)
	}
	var file bytes.Buffer
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	begin := start
	if from > 0 {
		begin = live.now
	}
	w := source.NewTapeWriter(&file)
	check(w.Begin(begin, "test", ""))
	for _, s := range live.engine.standing(begin) {
		check(w.Stand(s))
	}
	check(w.Stood(begin))
	for _, in := range live.engine.troubles() {
		check(w.Put(in))
	}
	live.engine.tap = func(in bgp.Input) { check(w.Put(in)) }
	for _, in := range told[from:] {
		live.put(in)
	}
	end := told[len(told)-1].When().Add(time.Minute)
	live.until(end)
	check(w.End(end, ""))
	name := filepath.Join(dir, "tape")
	check(os.WriteFile(name, file.Bytes(), 0o600))
	again, err := NewReplay(cfg, false, func(n notice.Notice) error { notices = append(notices, n); return nil }, zap.NewNop())
	check(err)
	r := source.NewRecording([]string{name}, source.RecordingOptions{Watched: again.Watched(), Report: func(err error) { t.Error(err) }})
	check(r.Run(t.Context(), again))
	check(again.Until(r.Stats().Last))
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
	})
}
