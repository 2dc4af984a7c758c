package detect_test

import (
	"net/netip"
	"testing"
	"time"

	"peervane/bgp"
	"peervane/bgp/detect"
)

// upPeer is a session that came up at the epoch.
func upPeer(change func(*detect.Peer)) detect.Peer {
	p := detect.Peer{
		Name: "e1", Addr: netip.MustParseAddr("192.0.2.1"), ASN: 64500, Enabled: true, Active: true, Established: true, WasUp: true, Since: epoch,
	}
	change(&p)
	return p
}

// history has a change every so often for two days; the last one stands at the epoch.
func history(every time.Duration) (a detect.Activity) {
	for at := epoch.Add(-48 * hour); !at.After(epoch); at = at.Add(every) {
		a.Note(at)
	}
	return a
}

func TestSessionRules(t *testing.T) {
	due := func(p *detect.Peer) { p.Due = []bgp.Family{bgp.IPv4, bgp.IPv6} }
	silent := func(p *detect.Peer) { p.Activity = history(5 * time.Minute) }
	foreign := func(p *detect.Peer) { p.Foreign, p.Activity = true, history(5*time.Minute) }
	for _, c := range []struct {
		rule    string
		change  func(*detect.Peer)
		after   time.Duration
		want    string
		recheck time.Duration
	}{
		{"`max_prefixes` exceeded", func(p *detect.Peer) {
			p.Limit = detect.Limit{Exceeded: true, Prefixes: 1012, Most: 1000, Since: epoch}
		}, 0, "prefix_limit error hold 0s: session e1 (192.0.2.1, AS64500) exceeds max_prefixes: 1012 prefixes, at most 1000", 0},
		{"`max_prefixes` kept", func(p *detect.Peer) { p.Limit = detect.Limit{Prefixes: 999, Most: 1000, Since: epoch} }, 0, "", 0},
		{"a full table fell by over 20 % within 60 s", func(p *detect.Peer) {
			p.PathSettle = 24 * hour
			p.Drops[bgp.IPv6] = detect.Drop{Since: epoch, Before: 200_000, Routes: 150_000}
		}, hour, "table_drop error hold 0s: the table of session e1 (192.0.2.1, AS64500) fell: ipv6 from 200000 to 150000 routes within a minute", 24 * hour},
		{"a full table fell, and stays so: what has held for `path_settle` is the new normal", func(p *detect.Peer) {
			p.PathSettle = 24 * hour
			p.Drops[bgp.IPv6] = detect.Drop{Since: epoch, Before: 200_000, Routes: 150_000}
		}, 24 * hour, "", 0},
		{"a full table fell, and then the session: that is told as such", func(p *detect.Peer) {
			p.PathSettle, p.Established, p.Enabled = 24*hour, false, false
			p.Drops[bgp.IPv6] = detect.Drop{Since: epoch, Before: 200_000, Routes: 150_000}
		}, hour, "", 0},
		{"no End-of-RIB in 10 min from a neighbour that advertised graceful restart", due, time.Second,
			"feed_stale warning hold 10m0s: session e1 (192.0.2.1, AS64500) is connected but blind: no End-of-RIB for ipv4 and ipv6 since 2026-11-22 10:00:00 UTC", 0},
		{"a vantage is connected", func(p *detect.Peer) { due(p); p.Established, p.Enabled = false, false }, time.Hour, "", 0},
		{"no change for far longer than its own history makes likely", silent, 50 * time.Minute,
			"feed_stale warning hold 0s: session e1 (192.0.2.1, AS64500) is connected but blind: no change since 2026-11-22 10:00:00 UTC, before that never for longer than 5m0s", 0},
		{"far longer than its own history makes likely: not yet", silent, 50*time.Minute - 1, "", 50 * time.Minute},
		{"for half an hour at least, however busy it was", func(p *detect.Peer) { p.Activity = history(time.Second) }, 30*time.Minute - 1, "", 30 * time.Minute},
		{"its own history: a quiet vantage has a right to be", func(p *detect.Peer) { p.Activity = history(24 * time.Minute) }, 3 * time.Hour, "", 240 * time.Minute},
		{"its own history: too short to judge by", func(p *detect.Peer) { p.Activity = history(time.Hour) }, 100 * time.Hour, "", 0},
		{"its own history: a burst is none", func(p *detect.Peer) {
			for i := range 1000 {
				p.Activity.Note(epoch.Add(-time.Duration(i)))
			}
		}, 100 * time.Hour, "", 0},
		{"a collector's peer is stuck while its feed goes on", func(p *detect.Peer) { foreign(p); p.FeedLast = epoch.Add(50 * time.Minute) }, time.Hour,
			"feed_stale warning hold 0s: session e1 (192.0.2.1, AS64500) is connected but blind: no change since 2026-11-22 10:00:00 UTC, before that never for longer than 5m0s", 0},
		{"a collector's peer: a feed that is silent as a whole blames none", func(p *detect.Peer) { foreign(p); p.FeedLast = epoch }, time.Hour, "", 65 * time.Minute},
		{"a collector's peer that is down is no session of ours", func(p *detect.Peer) { p.Foreign, p.Established = true, false }, time.Hour, "", 0},
	} {
		p := upPeer(c.change)
		findings, recheck := detect.Sessions([]detect.Peer{p}, epoch.Add(c.after))
		got := ""
		for _, f := range findings {
			got += f.Type + " " + f.Severity + " hold " + f.Hold.String() + ": " + f.Summary
			if f.Peer != "e1" || !f.Since.Equal(epoch) || f.Bad[0] != "e1" {
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

func TestActivityForgetsOldSilence(t *testing.T) {
	a := history(time.Minute)
	a.Note(epoch.Add(20 * hour)) // an outage
	for at := epoch.Add(20 * hour); at.Before(epoch.Add(80 * hour)); at = at.Add(time.Minute) {
		a.Note(at)
	}
	p := upPeer(func(p *detect.Peer) { p.Activity = a })
	if f, _ := detect.Sessions([]detect.Peer{p}, a.Last.Add(hour)); len(f) != 1 {
		t.Error("one long silence excuses every other, for ever")
	}
}

func TestActivityPassesOverLostSessions(t *testing.T) {
	a := history(time.Minute)
	for i := range 200 {
		at := epoch.Add(time.Duration(i+1) * 24 * hour)
		a.Rise(at)
		a.Note(at.Add(time.Minute))
	}
	p := upPeer(func(p *detect.Peer) { p.Activity = a })
	if f, _ := detect.Sessions([]detect.Peer{p}, a.Last.Add(hour)); len(f) != 1 {
		t.Error("the time without a session counts as silence")
	}
}
