package daemon

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"peervane/config"
	"peervane/probe"
	"peervane/probe/stats"
)

// cut is a host with two POPs and one peer, which was last heard at a time.
type cut struct {
	*world
	heard time.Time
}

func newCut(t *testing.T, prefixes ...config.Registration) *cut {
	cfg := twoPeers(prefixes...)
	cfg.POPs = []config.POP{
		{Name: "par1", Address: netip.MustParseAddr("198.51.100.1"), ICMP: true},
		{Name: "fra1", Address: netip.MustParseAddr("198.51.100.2"), ICMP: true},
	}
	c := &cut{world: newWorld(t, cfg), heard: start}
	c.engine.uplink.heard = func() (time.Time, time.Duration) { return c.heard, 30 * time.Second }
	return c
}

// batch is one of each POP.
func (c *cut) batch(answered bool) string {
	c.batchOf(answered)
	return c.tell()
}

func (c *cut) batchOf(answered bool) {
	s := stats.Sample{Started: c.now, Ended: c.now, Sent: 5, Lost: 5}
	if answered {
		s.Received, s.Lost = 5, 0
	}
	for _, p := range c.engine.cfg.POPs {
		c.engine.batch(probe.Batch{Target: probe.Target{POP: p.Name, Addr: p.Address, Method: "icmp"}, Sample: s})
	}
}

func TestUplinkHoldsTheOthersBack(t *testing.T) {
	c := newCut(t)
	c.want(c.batch(true), "")
	c.pass(10 * time.Second)
	c.heard = c.now.Add(-time.Second)
	for range 3 {
		c.want(c.batch(false), "") // nothing is decided yet
		c.want(c.pass(9*time.Second), "")
	}
	c.want(c.pass(5*time.Second), "firing:uplink::0")
	c.want(c.batch(false), "")
	c.want(c.down("edge1"), "")
	c.want(c.pass(2*time.Minute), "") // nobody else is to blame
	c.heard = c.now
	c.want(c.batch(true), "resolved:uplink::0 firing:session_down:edge1:0")
}

func TestPeersThatSpeakClearTheUplink(t *testing.T) {
	c := newCut(t)
	c.want(c.batch(true), "")
	c.heard = c.now.Add(5 * time.Second)
	for range 2 {
		c.pass(10 * time.Second)
		c.want(c.batch(false), "")
	}
	c.pass(10 * time.Second)
	c.heard = c.now
	c.want(c.batch(false), "firing:pop_unreachable::0 firing:pop_unreachable::0")
}

// answers is a batch of one POP that measures a round-trip time.
func (c *cut) answers(pop string, rtt time.Duration) {
	s := stats.Sample{Started: c.now, Ended: c.now, Sent: 1, Received: 1, RTTs: []time.Duration{rtt}}
	for _, p := range c.engine.cfg.POPs {
		if p.Name == pop {
			c.engine.batch(probe.Batch{Target: probe.Target{POP: p.Name, Addr: p.Address, Method: "icmp"}, Sample: s})
		}
	}
}

// Once a peer is heard again, a POP is judged by batches that began since: one that was lost whole while this host was cut off
// is no alarm, and one that stays lost is.
func TestLossesOfTheCutAreNoFaultOfThePOP(t *testing.T) {
	recovers := func(t *testing.T) *cut {
		c := newCut(t)
		c.want(c.batch(true), "")
		told := ""
		for range 4 {
			told += c.pass(10*time.Second) + c.batch(false)
		}
		c.want(told, "firing:uplink::0")
		c.pass(10 * time.Second)
		c.heard = c.now
		c.want(c.lost("par1", c.now.Add(-5*time.Second)), "resolved:uplink::0") // it began while nothing came through
		c.want(c.pass(time.Second), "")
		return c
	}
	c := recovers(t)
	c.want(c.batch(true), "")

	c = recovers(t)
	c.want(c.lost("fra1", c.now.Add(-5*time.Second)), "")
	c.want(c.lost("fra1", c.now), "firing:pop_unreachable::0")
	c.answers("par1", 12*time.Millisecond)
	c.want(c.tell(), "")
}

// lost is a batch of one POP that nothing answered.
func (c *cut) lost(pop string, started time.Time) string {
	for _, p := range c.engine.cfg.POPs {
		if p.Name == pop {
			c.engine.batch(probe.Batch{
				Target: probe.Target{POP: p.Name, Addr: p.Address, Method: "icmp"}, Sample: stats.Sample{Started: started, Ended: c.now, Sent: 5, Lost: 5},
			})
		}
	}
	return c.tell()
}

// That another POP is the nearest is told once it is certain, though nothing but batches come after that.
func TestNearestAfterTheCut(t *testing.T) {
	c := newCut(t)
	// round is a batch of each POP, which takes a second; 0: it is lost.
	round := func(par1, fra1 time.Duration) (told string) {
		c.heard = c.heard.Add(10 * time.Second)
		for i, rtt := range []time.Duration{par1, fra1} {
			p := c.engine.cfg.POPs[i]
			s := stats.Sample{Started: c.now, Sent: 1, Lost: 1}
			if rtt > 0 {
				s.Received, s.Lost, s.RTTs = 1, 0, []time.Duration{rtt}
			}
			told += c.pass(time.Second)
			s.Ended = c.now
			c.engine.batch(probe.Batch{Target: probe.Target{POP: p.Name, Addr: p.Address, Method: "icmp"}, Sample: s})
			told += c.tell()
		}
		return told + c.pass(8*time.Second)
	}
	c.want(round(12*time.Millisecond, 20*time.Millisecond), "")
	told := ""
	for range 6 {
		told += round(0, 0)
		c.heard = start
	}
	c.want(told, "firing:uplink::0")
	c.want(round(0, 20*time.Millisecond), "resolved:uplink::0")
	c.want(round(0, 20*time.Millisecond), "firing:pop_unreachable::0firing:pop_change::0")
}

// restarted is the host after a restart, in which no peer was heard yet.
func (c *cut) restarted() *cut {
	next := &cut{world: c.world.restart()}
	next.engine.uplink.heard = func() (time.Time, time.Duration) { return next.heard, 30 * time.Second }
	return next
}

// A restart of a host that is cut off neither ends that nor tells what is held back because of it: the first batches show whether it
// still is.
func TestUplinkOverARestart(t *testing.T) {
	newCutOff := func() (c *cut, id string) {
		c = newCut(t)
		c.want(c.batch(true), "")
		c.heard = c.now
		for range 4 {
			c.pass(10 * time.Second)
			c.batch(false)
		}
		id = c.ids()
		c.want(c.down("edge1")+c.down("edge2"), "")
		c.want(c.pass(time.Minute), "")
		c = c.restarted()
		targets := []probe.Target{
			{POP: "par1", Addr: c.engine.cfg.POPs[0].Address, Method: "icmp"}, {POP: "fra1", Addr: c.engine.cfg.POPs[1].Address, Method: "icmp"},
		}
		c.engine.probed(targets, nil, c.now)
		c.want(c.pass(time.Minute), "")
		return c, id
	}
	c, id := newCutOff()
	one := func(answered bool) string {
		s := stats.Sample{Started: c.now, Ended: c.now, Sent: 5, Lost: 5}
		if answered {
			s.Received, s.Lost = 5, 0
		}
		c.engine.batch(probe.Batch{Target: probe.Target{POP: "par1", Addr: c.engine.cfg.POPs[0].Address, Method: "icmp"}, Sample: s})
		return c.tell()
	}
	c.want(one(false), "") // of the other nothing is known
	c.want(c.batch(false), "")
	c.want(c.pass(time.Minute), "")
	if got := c.ids(); !strings.Contains(" "+got+" ", " "+id+" ") {
		t.Errorf("open are %s, and before it was %s", got, id)
	}
	c.heard = c.now
	c.want(c.batch(true), "resolved:uplink::0 firing:session_down:edge1:0 firing:session_down:edge2:0")

	c, _ = newCutOff()
	c.want(one(true), "resolved:uplink::0 firing:session_down:edge1:0 firing:session_down:edge2:0")

	c, _ = newCutOff() // a peer is heard, and nothing is measured
	c.heard = c.now.Add(time.Second)
	c.want(c.pass(10*time.Second), "resolved:uplink::0 firing:session_down:edge1:0 firing:session_down:edge2:0")

	c, _ = newCutOff() // a peer is heard: that is enough
	c.heard = c.now
	c.want(one(false), "resolved:uplink::0 firing:session_down:edge1:0 firing:session_down:edge2:0")
}
