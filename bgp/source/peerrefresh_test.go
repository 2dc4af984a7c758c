package source

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"peervane/bgp"
	"peervane/bgp/rib"
)

func TestPeerEnhancedRouteRefresh(t *testing.T) {
	l := newLab(t, nil)
	l.up()
	l.endOfRIB(bgp.IPv4)
	l.announce("192.0.2.0/24", 64500)
	l.announce("192.0.2.0/25", 64500)
	l.announce("192.0.2.128/25", 64500)
	l.told()
	l.end(bgp.IPv4) // without a beginning: ignored
	l.begin(bgp.IPv4)
	l.announce("192.0.2.0/24", 64500)
	l.announce("192.0.2.0/25", 64500, 64496)
	l.end(bgp.IPv4)
	l.expect("+192.0.2.0/24 64500 refreshed; +192.0.2.0/25 64500 64496*; -192.0.2.128/25 refreshed")
}

// RFC 7313 section 4: before End-of-RIB a BoRR means nothing.
func TestPeerIgnoresRefreshBeforeEndOfRIB(t *testing.T) {
	l := newLab(t, nil)
	l.restarts(60, true)
	l.up()
	l.announce("192.0.2.0/24", 64500)
	l.told()
	l.begin(bgp.IPv4)
	l.end(bgp.IPv4)
	l.expect("")
}

func TestPeerLearnsNewlyWatched(t *testing.T) {
	more := append(slices.Clone(watchedNets), netip.MustParsePrefix("203.0.113.0/24"))
	t.Run("by enhanced refresh", func(t *testing.T) {
		l := newLab(t, nil)
		l.up()
		l.endOfRIB(bgp.IPv4)
		l.endOfRIB(bgp.IPv6)
		l.announce("192.0.2.0/24", 64500)
		l.announce("203.0.113.0/24", 64500)
		l.told()
		l.peer.setWatched(rib.NewWatched(more, nil), l.now)
		l.expectSaid("refresh [ipv4]")
		l.expect("eor ipv6")
		l.begin(bgp.IPv4)
		l.announce("192.0.2.0/24", 64500)
		l.announce("203.0.113.0/24", 64500)
		l.end(bgp.IPv4)
		l.expect("+192.0.2.0/24 64500 refreshed; +203.0.113.0/24 64500 refreshed; eor ipv4")
	})
	t.Run("by plain refresh", func(t *testing.T) {
		l := newLab(t, nil)
		l.up()
		l.endOfRIB(bgp.IPv4)
		l.endOfRIB(bgp.IPv6)
		l.told()
		l.peer.setWatched(rib.NewWatched(more, nil), l.now)
		l.wait(10 * time.Second)
		l.announce("203.0.113.0/24", 64500)
		l.expect("eor ipv6; +203.0.113.0/24 64500 refreshed")
		l.timer(29 * time.Second)
		l.expect("")
		l.timer(time.Second)
		l.expect("eor ipv4")
		l.announce("203.0.113.0/25", 64500)
		l.expect("+203.0.113.0/25 64500")
	})
	t.Run("not where the refresh is not answered", func(t *testing.T) {
		l := newLab(t, nil)
		l.up()
		l.announce("192.0.2.0/24", 64500)
		l.endOfRIB(bgp.IPv4)
		l.endOfRIB(bgp.IPv6)
		l.told()
		l.peer.setWatched(rib.NewWatched(more, nil), l.now)
		l.announce("192.0.2.0/25", 64500) // news, and no answer
		l.announce("198.51.100.0/24", 64500)
		l.timer(time.Minute)
		l.expect("eor ipv6; +192.0.2.0/25 64500 refreshed")
		if l.logs.Len() != 1 {
			t.Error("nothing is logged")
		}
	})
	t.Run("by a plain refresh that brings nothing new", func(t *testing.T) {
		l := newLab(t, nil)
		l.up()
		l.announce("192.0.2.0/24", 64500)
		l.endOfRIB(bgp.IPv4)
		l.endOfRIB(bgp.IPv6)
		l.told()
		l.peer.setWatched(rib.NewWatched(more, nil), l.now)
		l.announce("192.0.2.0/24", 64500)
		l.timer(30 * time.Second)
		l.expect("eor ipv6; +192.0.2.0/24 64500 refreshed; eor ipv4")
	})
	t.Run("while the first table comes", func(t *testing.T) {
		l := newLab(t, nil)
		l.restarts(60, true)
		l.up()
		l.announce("203.0.113.0/24", 64500)
		l.peer.setWatched(rib.NewWatched(more, nil), l.now)
		l.expectSaid("refresh [ipv4]")
		l.timer(time.Hour)
		l.endOfRIB(bgp.IPv4)
		l.expect("up [ipv4 ipv6] due=true")
		l.begin(bgp.IPv4)
		l.announce("203.0.113.0/24", 64500)
		l.end(bgp.IPv4)
		l.expect("+203.0.113.0/24 64500 refreshed; eor ipv4")
	})
	t.Run("from the full table", func(t *testing.T) {
		l := newLab(t, func(c *PeerConfig) { c.Full = true })
		l.up()
		l.announce("192.0.2.0/24", 64500)
		l.announce("203.0.113.0/24", 64500)
		l.announce("198.51.100.0/24", 64500)
		l.endOfRIB(bgp.IPv4)
		l.told()
		l.peer.setWatched(rib.NewWatched(more, nil), l.now)
		l.expectSaid()
		l.expect("+203.0.113.0/24 64500 refreshed; eor ipv4")
		if l.routes() != 3 {
			t.Errorf("%d routes are held, want all 3", l.routes())
		}
	})
	t.Run("not without route refresh", func(t *testing.T) {
		l := newLab(t, nil)
		l.neg.RouteRefresh = false
		l.up()
		l.told()
		l.peer.setWatched(rib.NewWatched(more, nil), l.now)
		l.expectSaid()
		if l.logs.Len() != 1 {
			t.Error("nothing is logged")
		}
	})
}

func TestPeerForgetsWhatIsNotWatchedAnyMore(t *testing.T) {
	for _, limit := range []int{0, 100} {
		l := newLab(t, func(c *PeerConfig) { c.MaxPrefixes = limit })
		l.up()
		l.announce("192.0.2.0/24", 64500)
		l.announce("2001:db8::/32", 64500)
		l.told()
		l.peer.setWatched(rib.NewWatched(watchedNets[1:], nil), l.now)
		l.withdraw("192.0.2.0/24")
		l.expect("")
		l.withdraw("2001:db8::/32")
		l.expect("-2001:db8::/32 initial")
		if l.routes() != 0 {
			t.Errorf("%d routes are left", l.routes())
		}
	}
}

// A neighbour that cannot bring what is newly watched must not be called in sync for it by the next change of the set.
func TestPeerWithoutRefreshStaysOutOfSync(t *testing.T) {
	more := append(slices.Clone(watchedNets), netip.MustParsePrefix("203.0.113.0/24"))
	l := newLab(t, nil)
	l.neg.RouteRefresh, l.neg.EnhancedRefresh = false, false
	l.up()
	l.endOfRIB(bgp.IPv4)
	l.endOfRIB(bgp.IPv6)
	l.told()
	l.peer.setWatched(rib.NewWatched(more, nil), l.now) // a reload
	l.expect("eor ipv6")
	l.peer.setWatched(rib.NewWatched(more, nil), l.now) // the resolver, or the next reload
	l.expect("eor ipv6")
}
