package api

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"peervane/daemon/notice"
)

// TestWallVerdict: what a glance must tell. Nothing is called quiet that is only not seen, and no incident hides that.
func TestWallVerdict(t *testing.T) {
	up := Peer{Name: "edge1", State: "Established", Spoken: map[string]bool{"ipv4": true}, InSync: map[string]bool{"ipv4": true}}
	down, loading := up, up
	down.Name, down.State = "edge2", "Active"
	loading.Name, loading.InSync = "edge3", map[string]bool{}
	told := of("i1", notice.Firing, Life{})
	told.Summary = "203.0.113.0/24 hijacked by AS65551"
	mild, acked, held := told, told, told
	mild.Severity, mild.Summary = notice.Info, "par1 is the nearest"
	acked.Acknowledged = &Ack{By: "anna"}
	held.HeldBack = "uplink"
	silent, probed := POP{Name: "par1", Probes: []Probe{probe()}}, POP{Name: "fra1", Probes: []Probe{probe()}}
	silent.Probes[0].LastMS = nil
	hijack := "203.0.113.0/24 hijacked by AS65551"
	const but = "Quiet, but not all is well"
	for name, c := range map[string]struct {
		peers  []Peer
		open   []Incident
		change func(*Snapshot, *wallAsked)
		want   verdict
	}{
		"quiet":       {peers: []Peer{up}, want: verdict{Grade: well, Text: "All quiet"}},
		"an incident": {peers: []Peer{up}, open: []Incident{mild, told}, want: verdict{Grade: "critical", Text: hijack, Counts: "1 critical, 1 info"}},
		"only info":   {peers: []Peer{up}, open: []Incident{mild}, want: verdict{Grade: "info", Text: mild.Summary, Counts: "1 info"}},
		"info, and one is down": {
			peers: []Peer{up, down}, open: []Incident{mild},
			want: verdict{Grade: unsure, Text: mild.Summary, Counts: "1 info", Notes: []string{"1 of 2 sessions down: edge2"}},
		},
		"acknowledged": {
			peers: []Peer{up}, open: []Incident{acked, mild}, want: verdict{Grade: "critical", Text: mild.Summary, Counts: "1 critical (1 acknowledged), 1 info"},
		},
		"one is down":  {peers: []Peer{up, down}, want: verdict{Grade: unsure, Text: but, Notes: []string{"1 of 2 sessions down: edge2"}}},
		"all are down": {peers: []Peer{down}, want: verdict{Grade: blinded, Text: "Blind: no BGP session is up", Notes: []string{"1 of 1 sessions down: edge2"}}},
		"all are down, and that is told": {
			peers: []Peer{down}, open: []Incident{told},
			want: verdict{Grade: blinded, Text: "Blind: no BGP session is up", Counts: "1 critical", Notes: []string{"1 of 1 sessions down: edge2"}},
		},
		"no peer": {want: verdict{Grade: blinded, Text: "Blind: no peer is configured"}},
		"all are down, and a feed shows enough": {
			peers: []Peer{down}, change: func(s *Snapshot, _ *wallAsked) { s.Status.Feeds = []Feed{{Name: "ris", State: "up", VantagesUp: 3}} },
			want: verdict{Grade: unsure, Text: but, Notes: []string{"1 of 1 sessions down: edge2"}},
		},
		"a feed is down, too": {
			peers: []Peer{down}, change: func(s *Snapshot, _ *wallAsked) { s.Status.Feeds = []Feed{{Name: "ris", State: "down"}} },
			want: verdict{Grade: blinded, Text: "Blind: no BGP session is up, and no vantage of a feed", Notes: []string{"1 of 1 sessions down: edge2", "feeds that are down: ris"}},
		},
		"feeds that nobody comes to": {
			peers: []Peer{up}, change: func(s *Snapshot, _ *wallAsked) {
				long, soon := notice.At(epoch.Add(-11*time.Minute)), notice.At(epoch.Add(-9*time.Minute))
				s.Status.Feeds = []Feed{{Name: "routers", State: "waiting", Since: long}, {Name: "new", State: "waiting", Since: soon}, {Name: "ris", State: "starting", Since: long}}
			},
			want: verdict{Grade: unsure, Text: but, Notes: []string{"feeds that show nothing: routers, ris"}},
		},
		"not in sync": {peers: []Peer{up, loading}, want: verdict{Grade: unsure, Text: but, Notes: []string{"not in sync: edge3"}}},
		"held back": {
			peers: []Peer{up}, open: []Incident{held}, change: func(s *Snapshot, _ *wallAsked) { s.Status.HeldBack = 1 },
			want: verdict{Grade: unsure, Text: but, Notes: []string{"incidents held back: 1"}},
		},
		"a silence on all": {
			peers: []Peer{up}, change: func(s *Snapshot, _ *wallAsked) { s.Status.Silences = 1 },
			want: verdict{Grade: unsure, Text: but, Notes: []string{"silences that hold: 1"}},
		},
		"not ready": {
			peers: []Peer{up}, open: []Incident{mild}, change: func(s *Snapshot, _ *wallAsked) { s.Status.Ready = false },
			want: verdict{Grade: blinded, Text: "Not ready: the first judgement of all registered prefixes is under way", Counts: "1 info"},
		},
		"nothing known": {
			change: func(s *Snapshot, _ *wallAsked) { *s = Snapshot{Status: Status{Store: "ok", Prefixes: 1}} },
			want:   verdict{Grade: blinded, Text: "Starting: nothing is known yet"},
		},
		"a stuck engine": {
			peers: []Peer{up}, open: []Incident{told}, change: func(s *Snapshot, _ *wallAsked) { s.Made = epoch.Add(-time.Minute) },
			want: verdict{Grade: blinded, Text: "Blind: the engine has shown nothing new for 1m0s", Counts: "1 critical"},
		},
		"all pending": {
			peers: []Peer{up}, change: func(_ *Snapshot, a *wallAsked) { a.prefixes.answer.add([]Prefix{{State: "pending"}}) },
			want: verdict{Grade: blinded, Text: "Blind: none of the registered prefixes can be judged yet", Notes: []string{"registrations that are pending: 1"}},
		},
		"registrations": {
			peers: []Peer{up}, change: func(_ *Snapshot, a *wallAsked) {
				a.prefixes.answer.add([]Prefix{{State: "pending"}, {State: "verified"}, {State: "invalid"}, {State: "failed"}, {State: "failed"}, {State: "warning"}})
			},
			want: verdict{Grade: unsure, Text: but, Notes: []string{
				"registrations that are failed: 2", "registrations that are invalid: 1", "registrations that are warning: 1", "registrations that are pending: 1",
			}},
		},
		"registrations not known": {
			peers: []Peer{up}, change: func(_ *Snapshot, a *wallAsked) { a.prefixes.err = errTrouble },
			want: verdict{Grade: unsure, Text: but, Notes: []string{"registrations: not known: " + errTrouble.Error()}},
		},
		"a silent POP": {
			peers: []Peer{up}, change: func(s *Snapshot, _ *wallAsked) { s.POPs, s.LocalDrops = []POP{silent, probed, {Name: "new"}}, 3 },
			want: verdict{Grade: unsure, Text: but, Notes: []string{"no answer from POPs: par1", "probes that this host dropped itself: 3"}},
		},
		"mute": {
			peers: []Peer{up}, change: func(s *Snapshot, _ *wallAsked) {
				s.Status.Prefixes, s.Status.Store, s.Status.ReloadError = 0, "disk full", "p.toml:3:1: no"
				s.Status.Channels = []Channel{{Name: "noc", State: "failing"}, {Name: "chat", State: "ok", DeadLetters: 2}, {Name: "mail", State: "disabled"}}
				s.Status.RPKI = &RPKI{Errors: []string{"refused"}}
			},
			want: verdict{Grade: unsure, Text: but, Notes: []string{
				"no prefix is registered", "database: disk full", "the latest reload was refused: p.toml:3:1: no", "channels that fail: noc, mail", "dead letters: 2",
				"RPKI: there are no VRPs", "RPKI: sources that fail: 1",
			}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := Snapshot{Peers: c.peers, Incidents: c.open, Made: epoch, Status: Status{At: notice.At(epoch), Ready: true, Prefixes: 1, Store: "ok", Peers: len(c.peers)}}
			for _, p := range c.peers {
				if p.State == "Established" {
					s.Status.PeersUp++
				}
			}
			var asked wallAsked
			if c.change != nil {
				c.change(&s, &asked)
			}
			if got := judgeWall(&s, ordered(s.Incidents), &asked, epoch); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// TestTakenBy says "told" of no channel that may not have it.
func TestTakenBy(t *testing.T) {
	channels := []Channel{{Name: "a", State: "ok"}, {Name: "b", State: "failing"}, {Name: "c", State: "ok", Waiting: 1}, {Name: "d", State: "ok", DeadLetters: 1}, {Name: "e", State: "unknown"}}
	told, not := takenBy([]string{"a", "b", "c", "d", "e", "gone"}, channels)
	if !slices.Equal(told, []string{"a", "gone"}) || !slices.Equal(not, []string{"b", "c", "d", "e"}) {
		t.Errorf("told %v, not %v", told, not)
	}
}

// TestShowWay grades what is measured now, not what was.
func TestShowWay(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Probe)
		last   string
		grade  grade
		hints  string
	}{
		"well":     {func(*Probe) {}, "12.10 ms", well, ""},
		"little":   {func(p *Probe) { p.Loss = 0.04 }, "12.10 ms", well, ""},
		"lossy":    {func(p *Probe) { p.Loss = 0.1 }, "12.10 ms", unsure, ""},
		"lossier":  {func(p *Probe) { p.Loss = 0.2 }, "12.10 ms", wrong, ""},
		"new":      {func(p *Probe) { p.LastAt = notice.Time{} }, "not probed yet", unsure, ""},
		"silent":   {func(p *Probe) { p.LastMS = nil }, "no answer", wrong, ""},
		"refused":  {func(p *Probe) { p.Received, p.Refused = 0, 9 }, "12.10 ms, refused", wrong, ""},
		"long ago": {func(p *Probe) { p.LastAt = notice.At(epoch.Add(-time.Hour)) }, "12.10 ms, 1h0m ago", wrong, ""},
		"told": {func(p *Probe) {
			p.Unreachable, p.Offender, p.LocalDrop = 3, "192.0.2.1", 2
		}, "12.10 ms", well, "3 turned down, latest by 192.0.2.1; 2 dropped by this host"},
	} {
		p := probe()
		p.Loss = 0
		c.change(&p)
		if got := showWay(&POP{}, &p, 10*time.Second, notice.At(epoch)); got.Last != c.last || got.Grade != c.grade || got.Hints != c.hints {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestBrief keeps both ends.
func TestBrief(t *testing.T) {
	long := "head " + strings.Repeat("ä", 1000) + " origin"
	got := brief(long)
	if n := len([]rune(got)); n > mostText+10 || !strings.HasPrefix(got, "head ä") || !strings.HasSuffix(got, "ä origin") || !strings.Contains(got, "[…]") {
		t.Errorf("%d: %s", n, got)
	}
	if got := brief("short"); got != "short" {
		t.Error(got)
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
		w := showPrefixes(all, &kept[prefixStates]{answer: states})
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
		if !slices.Equal(got, want) || w.More != all-counts["verified"]-len(want) || states.counts["pending"] != counts["pending"] {
			t.Fatalf("of %v: %v, and %d more", counts, got, w.More)
		}
	})
}

// TestChart draws gaps as gaps, marks how much was lost, ends now, and makes no mountain of noise.
func TestChart(t *testing.T) {
	ms := func(f float64) *float64 { return &f }
	point := func(ago, lasted time.Duration, median *float64, lost int) Point {
		at := epoch.Add(-ago)
		return Point{At: notice.At(at), Until: notice.At(at.Add(lasted)), Figures: Figures{Sent: 4, P50MS: median, Lost: lost}}
	}
	for name, c := range map[string]struct {
		points []Point
		want   chart
	}{
		"nothing": {nil, chart{}},
		"one, long ago": {
			[]Point{point(30*time.Minute, 0, ms(12), 0)}, chart{Line: "M120.0 16.0H120.0", Range: "11.50–12.50 ms", Says: "medians of the last hour, in 11.50–12.50 ms"},
		},
		"noise": {
			[]Point{point(30*time.Second, 0, ms(100), 0), point(20*time.Second, 0, ms(100.02), 0)},
			chart{Line: "M235.1 16.1H235.1L235.7 15.9H235.7", Range: "97.51–102.51 ms", Says: "medians of the last hour, in 97.51–102.51 ms"},
		},
		"a roll-up, a gap, batches with loss": {
			[]Point{point(2*time.Hour, 90*time.Minute, ms(10), 0), point(20*time.Second, 0, ms(20), 1), point(10*time.Second, 0, nil, 4), point(0, 0, ms(15), 0)},
			chart{
				Line: "M3.0 29.0H120.0M235.7 3.0H235.7M237.0 16.0H237.0", Lost: "M235.7 32v-8M236.3 32v-32", Range: "10.00–20.00 ms",
				Says: "medians of the last hour, in 10.00–20.00 ms; 2 of 4 batches with loss",
			},
		},
		"all lost": {[]Point{point(0, 0, nil, 4)}, chart{Lost: "M237.0 32v-32", Says: "no answer within the hour; 1 of 1 batches with loss"}},
	} {
		got := draw(c.points, 10*time.Second, time.Unix(0, epoch.UnixNano()/1000*1000))
		if got != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
	unreachable := point(0, 0, nil, 0)
	unreachable.Unreachable = 2
	if got := draw([]Point{unreachable}, time.Second, epoch); got.Lost == "" {
		t.Errorf("what is turned down has no mark: %+v", got)
	}
}
