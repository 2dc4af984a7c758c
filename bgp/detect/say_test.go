package detect_test

import (
	"net/netip"
	"testing"
	"time"

	"peervane/bgp"
	"peervane/bgp/detect"
)

// Each summary is one plain sentence; what stands before the first colon still reads right when all is over.
func TestSummaries(t *testing.T) {
	for _, c := range []struct {
		want    string
		history func(*lab)
	}{
		{"203.0.113.0/24 hijacked by AS65550: 3 of 4 vantages see origin AS65550 instead of AS64496 (e1: 64500 64501 65550)", func(l *lab) {
			for _, name := range []string{"e1", "e2", "e3"} {
				l.announce(l.peer(name, 64500, bgp.Provider), "203.0.113.0/24", "64500 64501 65550")
			}
			l.announce(l.peer("e4", 64500, bgp.Provider), "203.0.113.0/24", direct)
		}},
		{"203.0.113.0/24 hijacked by AS64501: the only vantage sees origin AS65050 instead of AS64496 or AS64497 (e1: 64500 64501 65050)", func(l *lab) {
			l.reg.Policy.Origins = []uint32{64496, 64497}
			l.announce(l.peer("e1", 64500, bgp.Provider), "203.0.113.0/24", "64500 64501 65050")
		}},
		{"203.0.113.0/24 announced by AS64496, which should not be: the only vantage sees it (e1: 64500 64496)", func(l *lab) {
			l.reg.Policy.Expect = detect.Absent
			l.announce(l.peer("e1", 64500, bgp.Provider), "203.0.113.0/24", direct)
		}},
		{"203.0.113.128/25 inside 203.0.113.0/24 announced by AS65550: 1 of 2 vantages sees it (e1: 64500 65550)", func(l *lab) {
			e1, e2 := l.peer("e1", 64500, bgp.Provider), l.peer("e2", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", direct)
			l.announce(e2, "203.0.113.0/24", direct)
			l.announce(e1, "203.0.113.128/25", "64500 65550")
		}},
		{"203.0.113.0/24 withdrawn: none of 2 primary sessions holds it (e1, e2)", func(l *lab) {
			e1, e2, _ := paris(l)
			l.withdraw(e1, "203.0.113.0/24")
			l.withdraw(e2, "203.0.113.0/24")
		}},
		{"203.0.113.0/24 withdrawn: primary session e1 does not hold it", func(l *lab) {
			l.peer("e1", 64500, bgp.Provider)
			l.learn()
		}},
		{"203.0.113.0/24 withdrawn: primary session e2 does not hold it, e1 is down", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", direct)
			l.peer("e2", 64500, bgp.Provider)
			l.lose(e1)
			l.learn()
		}},
		{"203.0.113.0/24 withdrawn: none of 5 vantages holds it (ris/a, ris/b, ris/c, ris/d and 1 more)", func(l *lab) {
			l.settings.Replay = true
			for _, name := range []string{"a", "b", "c", "d", "e"} {
				l.collector(name, 64700)
			}
			l.learn()
		}},
		{"203.0.113.0/24 withdrawn in part: 1 of 2 primary sessions holds it, 2 should (missing at e1)", func(l *lab) {
			e1, _, _ := paris(l)
			l.withdraw(e1, "203.0.113.0/24")
		}},
		{"203.0.113.0/24 has no backup: no backup session holds it (e3)", func(l *lab) {
			_, _, e3 := paris(l)
			l.withdraw(e3, "203.0.113.0/24")
		}},
		{"203.0.113.0/24 has no route of its own, and 203.0.112.0/22 from AS65550 carries its traffic: the only vantage sees it (e1: 64500 65550)", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", direct)
			l.withdraw(e1, "203.0.113.0/24")
			l.announce(e1, aggregate, "64500 65550")
		}},
		{"203.0.113.0/24 has no route of its own, and 203.0.112.0/22 from AS65050 carries its traffic: the only vantage sees it (e1: 64500 65050)", func(l *lab) {
			l.reg.Policy.CoveringOrigins = []uint32{64500} // it lets a private ASN out, and is the culprit, but not the origin
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", direct)
			l.withdraw(e1, "203.0.113.0/24")
			l.announce(e1, aggregate, "64500 65050")
		}},
		{"203.0.113.0/24 left its settled path, now through AS64501: 64500 64496 -> 64500 64501 64496 (e1, the only vantage)", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", direct)
			l.announce(e1, "203.0.113.0/24", longer)
		}},
		{"203.0.113.0/24 left its settled path, now without AS64501: 64500 64501 64496 -> 64500 64496 (e1, 1 of 2 vantages)", func(l *lab) {
			e1, e2 := l.peer("e1", 64500, bgp.Provider), l.peer("e2", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", longer)
			l.announce(e2, "203.0.113.0/24", longer)
			l.announce(e1, "203.0.113.0/24", direct)
		}},
		{"203.0.113.0/24 left its settled path, now local: 64500 64496 -> empty path (e1, the only vantage)", func(l *lab) {
			l.reg.Policy.Origins = []uint32{64496, ourASN}
			e1 := l.peer("e1", ourASN, bgp.Internal)
			l.announce(e1, "203.0.113.0/24", direct)
			l.announce(e1, "203.0.113.0/24", "")
		}},
	} {
		l := newLab(t)
		c.history(l)
		findings := l.judge()
		if len(findings) == 0 {
			t.Errorf("nothing found, want %q", c.want)
		} else if got := findings[0].Summary; got != c.want {
			t.Errorf("\n got %q\nwant %q", got, c.want)
		}
	}
}

func TestSessionDown(t *testing.T) {
	down := detect.Peer{
		Name: "edge1-v4", Addr: netip.MustParseAddr("192.0.2.1"), ASN: 64500, Enabled: true, Active: true, WasUp: true,
		Since: epoch, Reason: "hold timer expired",
	}
	change := func(f func(*detect.Peer)) detect.Peer {
		p := down
		f(&p)
		return p
	}
	day := 24 * time.Hour
	for _, c := range []struct {
		rule    string
		peer    detect.Peer
		after   time.Duration
		want    string
		recheck time.Duration
	}{
		{"was Established and is not", down, 30 * time.Second,
			"session edge1-v4 (192.0.2.1, AS64500) down: hold timer expired, since 2026-11-22 10:00:00 UTC", 0},
		{"a configured active one: also at start", change(func(p *detect.Peer) { p.WasUp, p.Reason = false, "connection refused" }), time.Minute,
			"session edge1-v4 (192.0.2.1, AS64500) not established: connection refused, since the start at 2026-11-22 10:00:00 UTC", 0},
		{"the first attempt is under way: why it fails is not known yet", change(func(p *detect.Peer) { p.WasUp, p.Reason = false, "" }), 30 * time.Second,
			"session edge1-v4 (192.0.2.1, AS64500) not established: the neighbour has not answered yet, since the start at 2026-11-22 10:00:00 UTC", time.Minute},
		{"down since before a restart: the first attempt of this run is under way", change(func(p *detect.Peer) { p.Reason = "" }), time.Hour,
			"session edge1-v4 (192.0.2.1, AS64500) down: the neighbour has not answered yet, since 2026-11-22 10:00:00 UTC", time.Hour + 30*time.Second},
		{"a passive one: not at start", change(func(p *detect.Peer) { p.WasUp, p.Active = false, false }), time.Minute, "", 0},
		{"a peer that is enabled", change(func(p *detect.Peer) { p.Enabled = false }), time.Minute, "", 0},
		{"is not Established", change(func(p *detect.Peer) { p.Established = true }), time.Minute, "", 0},
		{"dynamic ones too", change(func(p *detect.Peer) { p.Active, p.Dynamic, p.Reason = false, true, "" }), time.Minute,
			"session edge1-v4 (192.0.2.1, AS64500) down: for no known reason, since 2026-11-22 10:00:00 UTC", day},
		{"dynamic ones are forgotten after 24 h", change(func(p *detect.Peer) { p.Dynamic = true }), day, "", 0},
	} {
		findings, recheck := detect.Sessions([]detect.Peer{c.peer}, epoch.Add(c.after))
		got := ""
		if len(findings) > 0 {
			f := findings[0]
			got = f.Summary
			if f.Peer != "edge1-v4" || f.Severity != "error" || !f.Since.Equal(epoch) || f.Hold != 30*time.Second || len(f.Bad) > 0 {
				t.Errorf("%s: %+v", c.rule, f)
			}
		}
		if got != c.want {
			t.Errorf("%s\n got %q\nwant %q", c.rule, got, c.want)
		}
		if want := epoch.Add(c.recheck); c.recheck > 0 && !recheck.Equal(want) || c.recheck == 0 && !recheck.IsZero() {
			t.Errorf("%s: again %s", c.rule, recheck)
		}
	}
}
