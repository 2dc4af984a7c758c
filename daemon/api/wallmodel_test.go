package api

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"peervane/daemon/notice"
)

// TestWallVerdict: what a glance must tell. Nothing is called quiet that is only not seen.
func TestWallVerdict(t *testing.T) {
	up := Peer{Name: "edge1", State: "Established", Spoken: map[string]bool{"ipv4": true}, InSync: map[string]bool{"ipv4": true}}
	down, loading := up, up
	down.Name, down.State = "edge2", "Active"
	loading.Name, loading.InSync = "edge3", map[string]bool{}
	told := of("i1", notice.Firing, Life{})
	mild := of("i2", notice.Firing, Life{})
	mild.Severity = notice.Info
	held := of("i3", notice.Firing, Life{HeldBack: "uplink"})
	for name, c := range map[string]struct {
		peers  []Peer
		open   []Incident
		change func(*Snapshot, *prefixStates)
		grade  grade
		text   string
		notes  []string
	}{
		"quiet":        {peers: []Peer{up}, grade: well, text: "All quiet"},
		"an incident":  {peers: []Peer{up}, open: []Incident{told, mild}, grade: "critical", text: "1 critical, 1 info"},
		"only info":    {peers: []Peer{up}, open: []Incident{mild}, grade: "info", text: "1 info"},
		"one is down":  {peers: []Peer{up, down}, grade: unsure, text: "Quiet, but not all is well", notes: []string{"1 of 2 sessions down: edge2"}},
		"all are down": {peers: []Peer{down}, grade: blinded, text: "Blind: no BGP session is up", notes: []string{"1 of 1 sessions down: edge2"}},
		"down and told": {
			peers: []Peer{down}, open: []Incident{told}, grade: "critical", text: "1 critical", notes: []string{"1 of 1 sessions down: edge2"},
		},
		"no peer":     {grade: blinded, text: "Blind: no peer is configured"},
		"not in sync": {peers: []Peer{up, loading}, grade: unsure, text: "Quiet, but not all is well", notes: []string{"not in sync: edge3"}},
		"held back": {
			peers: []Peer{up}, open: []Incident{held}, change: func(s *Snapshot, _ *prefixStates) { s.Status.HeldBack = 1 },
			grade: unsure, text: "Quiet, but not all is well", notes: []string{"incidents held back: 1"},
		},
		"not ready": {
			peers: []Peer{up}, change: func(s *Snapshot, _ *prefixStates) { s.Status.Ready = false },
			grade: blinded, text: "Not ready: the first judgement of all registered prefixes is under way",
		},
		"a stuck engine": {
			peers: []Peer{up}, open: []Incident{told}, change: func(s *Snapshot, _ *prefixStates) { s.Status.At = notice.At(epoch.Add(-time.Minute)) },
			grade: blinded, text: "Blind: the engine has shown nothing new for 1m0s",
		},
		"pending": {
			peers: []Peer{up}, change: func(_ *Snapshot, p *prefixStates) { p.pending = 2 },
			grade: unsure, text: "Quiet, but not all is well", notes: []string{"prefixes that cannot be judged yet: 2"},
		},
		"mute": {
			peers: []Peer{up}, change: func(s *Snapshot, _ *prefixStates) {
				s.Status.Prefixes, s.Status.Store, s.Status.ReloadError = 0, "disk full", "p.toml:3:1: no"
				s.Status.Channels = []Channel{{Name: "noc", State: "failing"}, {Name: "chat", State: "ok"}, {Name: "mail", State: "disabled"}}
			},
			grade: unsure, text: "Quiet, but not all is well",
			notes: []string{"no prefix is registered", "database: disk full", "the latest reload was refused: p.toml:3:1: no", "channels that fail: noc, mail"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := Snapshot{Peers: c.peers, Incidents: c.open, Status: Status{At: notice.At(epoch), Ready: true, Prefixes: 1, Store: "ok", Peers: len(c.peers)}}
			for _, p := range c.peers {
				if p.State == "Established" {
					s.Status.PeersUp++
				}
			}
			var prefixes prefixStates
			if c.change != nil {
				c.change(&s, &prefixes)
			}
			got := judgeWall(&s, prefixes, notice.At(epoch))
			if got.Grade != c.grade || got.Text != c.text || !slices.Equal(got.Notes, c.notes) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// TestPrefixStates compares with counting them all at once: each is counted, and the gravest are shown.
func TestPrefixStates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var states prefixStates
		counts, all := map[string]int{}, 0
		for range rapid.IntRange(0, 6).Draw(t, "bites") {
			var some []Prefix
			for range rapid.IntRange(0, 80).Draw(t, "size") {
				state := rapid.SampledFrom(stateOrder).Draw(t, "state")
				some = append(some, Prefix{Prefix: prefix, State: state})
				counts[state]++
				all++
			}
			states.add(some)
		}
		states.gravest()
		w := states.show(all, nil)
		var want []string
		for _, state := range stateOrder[:len(stateOrder)-1] {
			for range counts[state] {
				if len(want) < mostUnwell {
					want = append(want, state)
				}
			}
		}
		var got []string
		for _, p := range w.Unwell {
			got = append(got, p.State)
		}
		if !slices.Equal(got, want) || w.More != all-counts["verified"]-len(want) || states.pending != counts["pending"] {
			t.Fatalf("of %v: %v, and %d more", counts, got, w.More)
		}
	})
}

// TestChart draws gaps as gaps, and marks what was lost.
func TestChart(t *testing.T) {
	ms := func(f float64) *float64 { return &f }
	point := func(ago time.Duration, median *float64, lost int) Point {
		return Point{At: notice.At(epoch.Add(-ago)), Figures: Figures{P50MS: median, Lost: lost}}
	}
	for name, c := range map[string]struct {
		points []Point
		want   chart
	}{
		"nothing": {nil, chart{}},
		"one":     {[]Point{point(0, ms(12), 0)}, chart{Line: "M240.0 16.0", Range: "12.00–12.00 ms"}},
		"a gap": {
			[]Point{point(time.Hour, ms(10), 0), point(45*time.Minute, ms(20), 1), point(30*time.Minute, nil, 5), point(0, ms(15), 0)},
			chart{Line: "M0.0 30.0L60.0 2.0M240.0 16.0", Lost: "M60.0 0V32M120.0 0V32", Range: "10.00–20.00 ms"},
		},
		"all lost": {[]Point{point(0, nil, 5)}, chart{Lost: "M240.0 0V32"}},
	} {
		if got := draw(c.points); got != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
