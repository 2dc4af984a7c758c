package source

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"peervane/bgp"
	"peervane/bgp/rib"
	"peervane/bgp/session"
	"peervane/bgp/wire"
)

// lab drives a Peer by the calls of its session, and notes what it asks of the session.
type lab struct {
	t    *testing.T
	peer *Peer
	neg  session.Negotiated
	now  time.Time
	logs *observer.ObservedLogs
	said []string // what the peer asked of its session
}

func (l *lab) RouteRefresh(families ...bgp.Family) {
	l.said = append(l.said, fmt.Sprint("refresh ", families))
}

func (l *lab) Cease(subcode uint8, _ string, idle time.Duration) {
	l.said = append(l.said, fmt.Sprintf("cease %d %v", subcode, idle))
}

var watchedNets = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}

func newLab(t *testing.T, change func(*PeerConfig)) *lab {
	core, logs := observer.New(zapcore.InfoLevel)
	l := &lab{t: t, now: t0, logs: logs}
	cfg := PeerConfig{
		Vantage:         &bgp.Vantage{Name: "edge1", ASN: 64500, LocalASN: 64512, Relationship: bgp.Provider},
		Watched:         rib.NewWatched(watchedNets, nil),
		GracefulRestart: 120 * time.Second,
	}
	if change != nil {
		change(&cfg)
	}
	l.peer = newPeer(cfg, l, nil, zap.New(core))
	l.neg = session.Negotiated{
		Params: wire.Params{
			AS4: true, PeerASN: 64500, LocalASN: 64512, Role: bgp.Provider,
			Families: [bgp.NumFamilies]bool{true, true},
		},
		RouteRefresh: true, EnhancedRefresh: true,
	}
	return l
}

// restarts makes the neighbour one that does graceful restart for IPv4, within so many seconds.
func (l *lab) restarts(seconds uint16, forwarding bool) {
	l.neg.GR = &wire.GracefulRestart{Time: seconds}
	l.neg.GR.Families[bgp.IPv4] = wire.GracefulFamily{Listed: true, Forwarding: forwarding}
}

func (l *lab) up()                   { l.peer.Established(l.neg, l.now) }
func (l *lab) wait(d time.Duration)  { l.now = l.now.Add(d) }
func (l *lab) timer(d time.Duration) { l.wait(d); l.peer.expire(l.now) }
func (l *lab) lost(graceful bool) {
	l.peer.Closed(session.Reason{Graceful: graceful, Text: "connection reset"}, l.now)
}
func (l *lab) endOfRIB(f bgp.Family) { l.update(wire.AppendEndOfRIB(nil, f)) }
func (l *lab) begin(f bgp.Family)    { l.peer.Refresh(f, wire.RefreshBegin, l.now) }
func (l *lab) end(f bgp.Family)      { l.peer.Refresh(f, wire.RefreshEnd, l.now) }

// update hands over whole messages.
func (l *lab) update(messages []byte) *wire.Error {
	for len(messages) > 0 {
		size := int(messages[16])<<8 | int(messages[17])
		if err := l.peer.Update(messages[wire.HeaderLen:size], l.now); err != nil {
			return err
		}
		messages = messages[size:]
	}
	return nil
}

func (l *lab) announce(prefix string, path ...uint32) {
	l.t.Helper()
	p := netip.MustParsePrefix(prefix)
	next := netip.MustParseAddr("198.51.100.1")
	if p.Addr().Is6() {
		next = netip.MustParseAddr("2001:db8:ffff::1")
	}
	a := &bgp.Attrs{Path: bgp.Sequence(path...), NextHop: next}
	if err := l.update(wire.AppendUpdate(nil, l.neg.Params, a, []wire.NLRI{{Prefix: p}}, nil)); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) withdraw(prefix string) {
	l.update(wire.AppendUpdate(nil, l.neg.Params, nil, nil, []wire.NLRI{{Prefix: netip.MustParsePrefix(prefix)}}))
}

// told says in words what the engine was told since the last call.
func (l *lab) told() string {
	var words []string
	for _, in := range l.peer.Pending().Take(nil) {
		words = append(words, say(in))
	}
	return strings.Join(words, "; ")
}

func say(in bgp.Input) string {
	switch in := in.(type) {
	case bgp.Change:
		cause := [...]string{"", " initial", " refreshed", " swept"}[in.Cause]
		if in.Attrs == nil {
			return fmt.Sprintf("-%v%s", in.Prefix, cause)
		}
		changes := strings.Repeat("*", int(in.PathChanges))
		return fmt.Sprintf("+%v %v%s%s", in.Prefix, in.Attrs.Path, changes, cause)
	case bgp.SessionUp:
		return fmt.Sprintf("up %v due=%v", in.Families, in.EndOfRIBDue)
	case bgp.SessionDown:
		return fmt.Sprintf("down kept=%v", in.Kept)
	case bgp.EndOfRIB:
		return fmt.Sprintf("eor %v", in.Family)
	case bgp.StaleLost:
		return fmt.Sprintf("stale lost %v", in.Family)
	case bgp.TableDropped:
		return fmt.Sprintf("dropped %s %v %d to %d", in.Family, in.Dropped, in.Before, in.Routes)
	case bgp.LeakedTable:
		return fmt.Sprintf("leaks %v %d, %d by AS%d, %d examples", in.Exceeded, in.Routes, in.By, in.Leak.Leaker, len(in.Examples))
	case bgp.LimitExceeded:
		return fmt.Sprintf("limit %v %d/%d", in.Exceeded, in.Prefixes, in.Limit)
	}
	return fmt.Sprintf("%T", in)
}

func (l *lab) expect(want string) {
	l.t.Helper()
	if got := l.told(); got != want {
		l.t.Fatalf("told\n  %s\nwant\n  %s", got, want)
	}
}

func (l *lab) expectSaid(want ...string) {
	l.t.Helper()
	if !slices.Equal(l.said, want) {
		l.t.Fatalf("asked of the session: %q, want %q", l.said, want)
	}
	l.said = nil
}

func (l *lab) routes() int {
	return l.peer.table.Len(bgp.IPv4) + l.peer.table.Len(bgp.IPv6)
}

func TestPeerTellsWatchedRoutesOnly(t *testing.T) {
	l := newLab(t, nil)
	l.up()
	l.announce("192.0.2.0/25", 64500, 64496)
	l.announce("192.0.0.0/16", 64500, 64497)
	l.announce("203.0.113.0/24", 64500, 64498)
	l.announce("2001:db8:1::/48", 64500, 64496)
	l.expect("up [ipv4 ipv6] due=false; +192.0.2.0/25 64500 64496 initial; +192.0.0.0/16 64500 64497 initial; " +
		"+2001:db8:1::/48 64500 64496 initial")
	l.wait(31 * time.Second)
	l.announce("192.0.2.0/25", 64500, 64499, 64496)
	l.announce("192.0.2.0/25", 64500, 64499, 64496)
	l.withdraw("203.0.113.0/24")
	l.withdraw("192.0.2.128/25")
	l.withdraw("192.0.0.0/16")
	l.expect("+192.0.2.0/25 64500 64499 64496*; -192.0.0.0/16")
	if l.routes() != 2 {
		t.Errorf("%d routes are held, want 2", l.routes())
	}
}

func TestPeerInitialUntilEndOfRIB(t *testing.T) {
	l := newLab(t, nil)
	l.restarts(60, true)
	l.up()
	l.wait(5 * time.Minute)
	l.announce("192.0.2.0/24", 64500)
	l.endOfRIB(bgp.IPv4)
	l.endOfRIB(bgp.IPv4)
	l.announce("192.0.2.0/24", 64500, 64496)
	l.announce("2001:db8::/32", 64500)
	l.expect("up [ipv4 ipv6] due=true; +192.0.2.0/24 64500 initial; eor ipv4; " +
		"+192.0.2.0/24 64500 64496*; +2001:db8::/32 64500 initial")
}

func TestPeerWithoutEndOfRIBSettlesWhenQuiet(t *testing.T) {
	l := newLab(t, nil)
	l.up()
	l.wait(20 * time.Second)
	l.announce("192.0.2.0/24", 64500)
	l.told()
	l.timer(10 * time.Second)
	l.expect("eor ipv6") // quiet for 30 s
	l.timer(19 * time.Second)
	l.expect("")
	l.timer(time.Second)
	l.expect("eor ipv4")
	l.timer(time.Minute)
	l.expect("")
}

func TestPeerWatchesPaths(t *testing.T) {
	for _, full := range []bool{false, true} {
		l := newLab(t, func(c *PeerConfig) { c.Full, c.Watched = full, rib.NewWatched(nil, []uint32{64499}) })
		l.up()
		l.wait(time.Minute)
		l.announce("203.0.113.0/24", 64500, 64499)
		l.announce("203.0.113.0/24", 64500, 64498)
		l.announce("203.0.113.0/25", 64500, 64498)
		l.announce("203.0.113.0/25", 64499, 64498)
		l.withdraw("203.0.113.0/25")
		l.expect("up [ipv4 ipv6] due=false; -203.0.113.0/24; -203.0.113.0/25")
	}
}

func TestPeerLimit(t *testing.T) {
	fill := func(l *lab) {
		for _, p := range []string{"192.0.2.0/24", "203.0.113.0/24", "2001:db9::/32"} {
			l.announce(p, 64500)
		}
	}
	t.Run("warn", func(t *testing.T) {
		l := newLab(t, func(c *PeerConfig) { c.MaxPrefixes = 2 })
		l.up()
		l.told()
		fill(l)
		l.expect("+192.0.2.0/24 64500 initial; limit true 3/2")
		l.expectSaid()
		l.withdraw("203.0.113.0/24")
		l.expect("")
		l.endOfRIB(bgp.IPv4)
		l.endOfRIB(bgp.IPv6)
		l.expect("eor ipv4; eor ipv6; limit false 2/2")
	})
	t.Run("until a refresh sweeps (RFC 7313)", func(t *testing.T) {
		l := newLab(t, func(c *PeerConfig) { c.MaxPrefixes = 2 })
		l.up()
		l.endOfRIB(bgp.IPv4)
		l.endOfRIB(bgp.IPv6)
		fill(l)
		l.told()
		l.begin(bgp.IPv4)
		l.announce("192.0.2.0/24", 64500)
		l.expect("+192.0.2.0/24 64500 refreshed")
		l.end(bgp.IPv4)
		l.expect("limit false 2/2")
	})
	t.Run("of a neighbour that never sends the End-of-RIB that it owes", func(t *testing.T) {
		l := newLab(t, func(c *PeerConfig) { c.MaxPrefixes = 2 })
		l.neg.GR = &wire.GracefulRestart{}
		l.up()
		fill(l)
		l.withdraw("203.0.113.0/24")
		l.endOfRIB(bgp.IPv4)
		l.told()
		l.timer(10*time.Minute - time.Second)
		l.withdraw("2001:db9::/32")
		l.expect("")
		l.timer(time.Second)
		l.expect("limit false 1/2")
		l.announce("2001:db8::/33", 64500)
		l.expect("+2001:db8::/33 64500") // no part of a first table: it counts as unrest
	})
	t.Run("restart", func(t *testing.T) {
		l := newLab(t, func(c *PeerConfig) {
			c.MaxPrefixes, c.MaxPrefixesRestart, c.MaxPrefixesIdle = 2, true, 15*time.Minute
		})
		l.up()
		fill(l)
		fill(l)
		l.expectSaid("cease 1 15m0s")
		l.lost(false)
		l.told()
		l.wait(15 * time.Minute)
		l.up()
		fill(l)
		l.expectSaid("cease 1 15m0s")
		l.expect("up [ipv4 ipv6] due=false; +192.0.2.0/24 64500 initial") // still exceeded: no news
	})
}

func TestPeerMalformedUpdates(t *testing.T) {
	l := newLab(t, nil)
	l.up()
	l.announce("192.0.2.0/24", 64500)
	l.told()
	bad := []byte{0, 0, 0, 14, 0x40, 1, 1, 9 /* no ORIGIN */, 0x40, 2, 0, 0x40, 3, 4, 198, 51, 100, 1, 24, 192, 0, 2}
	for range 100 {
		if err := l.peer.Update(bad, l.now); err != nil {
			t.Fatal(err)
		}
	}
	l.expect("-192.0.2.0/24 initial")
	if l.logs.Len() == 0 || l.logs.Len() > 10 {
		t.Errorf("%d lines are logged", l.logs.Len())
	}
	first := l.logs.All()[0].ContextMap()
	if first["body"] != fmt.Sprintf("%x", bad) || first["peer"] != "edge1" {
		t.Errorf("logged %v", first)
	}
	total := uint64(0)
	for kind, n := range l.peer.counts.Faults {
		if kind.Verdict == wire.TreatAsWithdraw {
			total += n
		}
	}
	if total < 100 {
		t.Errorf("counted %v", l.peer.counts.Faults)
	}
	if err := l.peer.Update([]byte{0xff, 0xff}, l.now); err == nil || err.Code != wire.CodeUpdate {
		t.Errorf("a broken UPDATE gives %v", err)
	}
}

func TestPeerQuery(t *testing.T) {
	l := newLab(t, func(c *PeerConfig) { c.Full = true })
	l.up()
	for _, p := range []string{"192.0.0.0/16", "192.0.2.0/24", "192.0.2.0/25", "203.0.113.0/24"} {
		l.announce(p, 64500)
	}
	for _, test := range []struct {
		prefix string
		mode   Mode
		want   string
	}{
		{"192.0.2.0/24", Exact, "[192.0.2.0/24]"},
		{"192.0.2.1/32", Exact, "[]"},
		{"192.0.2.1/32", Longest, "[192.0.2.0/25]"},
		{"192.0.2.200/32", Covering, "[192.0.2.0/24 192.0.0.0/16]"},
		{"192.0.2.0/24", Within, "[192.0.2.0/24 192.0.2.0/25]"},
		{"2001:db8::/32", Longest, "[]"},
	} {
		routes, more := l.peer.Query(t.Context(), netip.MustParsePrefix(test.prefix), test.mode)
		got := []netip.Prefix{}
		for _, r := range routes {
			got = append(got, r.Prefix)
		}
		if test.mode == Within {
			slices.SortFunc(got, func(a, b netip.Prefix) int { return a.Bits() - b.Bits() })
		}
		if fmt.Sprint(got) != test.want || more {
			t.Errorf("%s %d: %v, want %s", test.prefix, test.mode, got, test.want)
		}
	}
}

func TestPeerAllocatesNothingForUnwatchedRoutes(t *testing.T) {
	t.Run("watched", func(t *testing.T) { allocatesNothing(t, newLab(t, nil)) })
	t.Run("full", func(t *testing.T) {
		l := newLab(t, func(c *PeerConfig) { c.Full = true })
		l.peer.SetLeakJudge(leaksOf(64496), 50)
		l.peer.judgeAgain(l.now)
		allocatesNothing(t, l)
	})
}

func allocatesNothing(t *testing.T, l *lab) {
	l.up()
	a := &bgp.Attrs{Path: bgp.Sequence(64500, 64496), NextHop: netip.MustParseAddr("198.51.100.1")}
	message := wire.AppendUpdate(nil, l.neg.Params, a, []wire.NLRI{
		{Prefix: netip.MustParsePrefix("203.0.113.0/24")}, {Prefix: netip.MustParsePrefix("198.51.100.0/24")},
	}, nil)
	if n := testing.AllocsPerRun(100, func() { l.peer.Update(message[wire.HeaderLen:], t0) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
