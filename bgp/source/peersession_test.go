package source

import (
	"testing"
	"time"

	"peervane/bgp"
	"peervane/bgp/wire"
)

func TestPeerForgetsWithoutGracefulRestart(t *testing.T) {
	for _, test := range []struct {
		name     string
		config   time.Duration
		restarts bool
		graceful bool
	}{
		{"the neighbour does not", 120 * time.Second, false, true},
		{"we do not", 0, true, true},
		{"a hard reset", 120 * time.Second, true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLab(t, func(c *PeerConfig) { c.GracefulRestart = test.config })
			if test.restarts {
				l.restarts(60, true)
			}
			l.up()
			l.announce("192.0.2.0/24", 64500)
			l.told()
			l.lost(test.graceful)
			l.expect("down kept=[]")
			if l.routes() != 0 || l.peer.interner.Len() != 0 {
				t.Error("routes are left")
			}
		})
	}
}

func TestPeerGracefulRestart(t *testing.T) {
	start := func(t *testing.T, seconds uint16) *lab {
		l := newLab(t, nil)
		l.restarts(seconds, true)
		l.up()
		for _, p := range []string{"192.0.2.0/24", "192.0.2.0/25", "2001:db8::/32"} {
			l.announce(p, 64500, 64496)
		}
		l.endOfRIB(bgp.IPv4)
		l.told()
		l.lost(true)
		l.expect("down kept=[ipv4]")
		if l.routes() != 2 || l.peer.table.StaleLen(bgp.IPv4) != 2 {
			t.Fatalf("%d routes kept", l.routes())
		}
		return l
	}
	t.Run("back in time", func(t *testing.T) {
		l := start(t, 60)
		l.timer(59 * time.Second)
		l.up()
		l.announce("192.0.2.0/24", 64500, 64497)
		l.expect("up [ipv4 ipv6] due=true; +192.0.2.0/24 64500 64497* initial")
		l.endOfRIB(bgp.IPv4)
		l.expect("-192.0.2.0/25 swept; eor ipv4")
		l.timer(time.Hour)
		l.expect("")
	})
	t.Run("not back", func(t *testing.T) {
		l := start(t, 60)
		l.timer(61 * time.Second)
		l.expect("stale lost ipv4")
		if l.routes() != 0 {
			t.Error("routes are left")
		}
	})
	t.Run("our limit is shorter", func(t *testing.T) {
		l := start(t, 4095)
		l.timer(119 * time.Second)
		l.expect("")
		l.timer(time.Second)
		l.expect("stale lost ipv4")
	})
	t.Run("back without forwarding state", func(t *testing.T) {
		l := start(t, 60)
		l.restarts(60, false)
		l.up()
		l.expect("stale lost ipv4; up [ipv4 ipv6] due=true")
	})
	t.Run("back without the family", func(t *testing.T) {
		l := start(t, 60)
		l.neg.GR = &wire.GracefulRestart{Time: 60}
		l.up()
		l.expect("stale lost ipv4; up [ipv4 ipv6] due=true")
	})
	t.Run("no End-of-RIB", func(t *testing.T) {
		l := start(t, 60)
		l.wait(10 * time.Second)
		l.up()
		l.announce("192.0.2.0/25", 64500, 64496)
		l.told()
		l.timer(109 * time.Second)
		l.expect("")
		l.timer(time.Second)
		l.expect("stale lost ipv4; +192.0.2.0/25 64500 64496 initial")
		if l.routes() != 1 {
			t.Errorf("%d routes are held", l.routes())
		}
	})
	t.Run("lost again", func(t *testing.T) {
		l := start(t, 60)
		l.wait(10 * time.Second)
		l.up()
		l.announce("192.0.2.0/25", 64500, 64496)
		l.told()
		l.lost(true)
		l.expect("stale lost ipv4; +192.0.2.0/25 64500 64496 initial; down kept=[ipv4]")
		l.timer(59 * time.Second)
		l.expect("")
		l.timer(time.Second)
		l.expect("stale lost ipv4")
	})
}
