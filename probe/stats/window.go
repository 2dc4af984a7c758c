package stats

import "time"

// Window is the loss and the lowest round-trip time of the last span of time.
// Batches that come closer than a 60th of the span share a slot and are
// forgotten together, so that it costs the same however often one comes. For
// more than these two see Summarize and Rollup.
type Window struct {
	span  time.Duration
	slots []slot // the oldest first
	sums  shares // of them
	lows  []low  // ascending: the minima that no later one undercuts
}

const windowSlots = 60

// slot is a few batches in a row.
type slot struct {
	first, last time.Time // when the first and the last of them ended
	shares
}

// shares are what a loss is the share of.
type shares struct{ measured, lost, unreachable, recovered int32 }

func sharesOf(s *Sample) shares {
	return shares{int32(s.Measured()), int32(s.Lost), int32(s.Unreachable), int32(s.Recovered)}
}

// loss is the unanswered share, 0 to 1. Answers that came late are set against the losses before them.
func (c shares) loss() float64 {
	if c.measured <= 0 {
		return 0
	}
	return float64(max(0, c.lost-c.recovered)+c.unreachable) / float64(c.measured)
}

func (c *shares) add(o shares, sign int32) {
	c.measured += sign * o.measured
	c.lost += sign * o.lost
	c.unreachable += sign * o.unreachable
	c.recovered += sign * o.recovered
}

// low is the lowest round-trip time of a sample.
type low struct {
	rtt   time.Duration
	ended time.Time
}

// NewWindow keeps samples for a span.
func NewWindow(span time.Duration) *Window {
	return &Window{span: span}
}

// Add takes in a sample and forgets those that ended a span before it.
func (w *Window) Add(s Sample) {
	w.Expire(s.Ended)
	last := len(w.slots) - 1
	if last < 0 || s.Ended.Sub(w.slots[last].first) >= w.span/windowSlots {
		w.slots = append(w.slots, slot{first: s.Ended})
		last++
	}
	of := sharesOf(&s)
	w.slots[last].last = s.Ended
	w.slots[last].add(of, 1)
	w.sums.add(of, 1)
	if rtt, ok := s.Min(); ok {
		w.lower(low{rtt, s.Ended})
	}
}

// lower takes in a minimum. Of those that no later one undercuts only one for a slot is kept.
func (w *Window) lower(l low) {
	for n := len(w.lows) - 1; n >= 0 && w.lows[n].rtt >= l.rtt; n-- {
		w.lows = w.lows[:n]
	}
	if n := len(w.lows) - 1; n > 0 && l.ended.Sub(w.lows[n-1].ended) < w.span/windowSlots {
		w.lows[n].ended = l.ended
		return
	}
	w.lows = append(w.lows, l)
}

// Expire forgets the samples that ended a span before now.
func (w *Window) Expire(now time.Time) {
	for len(w.slots) > 0 && now.Sub(w.slots[0].last) >= w.span {
		w.sums.add(w.slots[0].shares, -1)
		w.slots = w.slots[1:]
	}
	for len(w.lows) > 0 && now.Sub(w.lows[0].ended) >= w.span {
		w.lows = w.lows[1:]
	}
}

// Loss is the unanswered share of what was measured, 0 to 1.
func (w *Window) Loss() float64 { return w.sums.loss() }

// Min is the lowest round-trip time; false when there is none.
func (w *Window) Min() (time.Duration, bool) {
	if len(w.lows) == 0 {
		return 0, false
	}
	return w.lows[0].rtt, true
}
