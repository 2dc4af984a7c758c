package netlab

import "sync/atomic"

// Stats counts the frames of a link since it was made.
type Stats struct {
	Taken      uint64 // entered the link
	Given      uint64 // left it at the other end
	Lost       uint64 // by Loss or Blackhole
	Duplicated uint64 // left it twice
	Overflow   uint64 // dropped for want of room: the relay itself was too slow
}

func (s Stats) plus(t Stats) Stats {
	return Stats{s.Taken + t.Taken, s.Given + t.Given, s.Lost + t.Lost, s.Duplicated + t.Duplicated, s.Overflow + t.Overflow}
}

// counters are the Stats of one direction as its thread keeps them.
type counters struct {
	taken, given, lost, duplicated, overflow atomic.Uint64
}

func (c *counters) read() Stats {
	return Stats{c.taken.Load(), c.given.Load(), c.lost.Load(), c.duplicated.Load(), c.overflow.Load()}
}
