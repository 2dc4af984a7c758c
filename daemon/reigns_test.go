package daemon

import (
	"testing"
	"time"
)

// changes counts how often another POP became the nearest, by the events log.
func (c *cut) changes(do func()) (n int) {
	c.engine.take()
	do()
	for c.engine.judge(c.now, 100) {
	}
	for _, ev := range c.engine.take().events {
		if ev.typ == "pop_change" {
			n++
		}
	}
	return n
}

// A restart is no change of the nearest POP, whichever answers first after it.
func TestRestartKnowsTheNearestPOP(t *testing.T) {
	c := newCut(t)
	if n := c.changes(func() { c.answers("fra1", 20*time.Millisecond); c.answers("par1", 30*time.Millisecond) }); n != 1 {
		t.Fatalf("%d changes, want the first", n)
	}
	again := &cut{world: c.restart(), heard: c.heard}
	again.engine.uplink.heard = c.engine.uplink.heard
	rounds := func(fra1 time.Duration) func() {
		return func() {
			for range 10 {
				again.answers("par1", 30*time.Millisecond)
				again.answers("fra1", fra1)
				again.now = again.now.Add(10 * time.Second)
			}
		}
	}
	if n := again.changes(rounds(20 * time.Millisecond)); n != 0 {
		t.Errorf("%d changes after a restart, with nothing changed", n)
	}
	again.now = again.now.Add(15 * time.Minute)
	if n := again.changes(rounds(50 * time.Millisecond)); n != 1 {
		t.Errorf("%d changes when the nearest went far away, want 1", n)
	}
}
