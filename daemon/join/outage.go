package join

import (
	"math"
	"time"

	"peervane/probe/stats"
)

// outageWatched is how long after a change of a route its outage is watched with one batch after the other.
const outageWatched = time.Minute

// outage is for how long probes were lost around a moment: from the first that was lost to the last, both as they were sent,
// so it is as exact as probes are close. NaN before anything was measured that was sent after that moment. What was lost may
// have begun a little earlier, as the UPDATE takes its time; losses that were over by then do not count.
func (h *history) outage(at time.Time) float64 {
	var first, last time.Time
	measured := false
	for s := range h.batches.from(0) {
		from, to := losses(&s)
		over := !last.IsZero() && s.Started.After(last)
		switch {
		case s.Started.Before(at.Add(-causeSpan / 5)):
			continue
		case from.IsZero() && over && s.Started.After(at):
			return milliseconds(last.Sub(first))
		case from.IsZero() && !s.Started.After(at):
			first, last = time.Time{}, time.Time{}
		case !from.IsZero():
			if first.IsZero() || from.Before(first) {
				first = from
			}
			if to.After(last) {
				last = to
			}
		}
		measured = measured || s.Started.After(at)
	}
	if !measured {
		return math.NaN()
	}
	return milliseconds(last.Sub(first))
}

// losses says when the first and the last probe of a batch were sent that nothing answered; zero: none was lost.
func losses(s *stats.Sample) (first, last time.Time) {
	switch {
	case s.Lost+s.Unreachable == 0:
		return first, last
	case s.FirstLost.IsZero():
		return s.Started, s.Started
	}
	return s.FirstLost, s.LastLost
}

// convergence is how long the way to an address took to settle, where it changed around a moment; else NaN.
func (p *Plane) convergence(f Flow, around time.Time) float64 {
	m, moved := p.causeOf(f, around)
	if !moved {
		return math.NaN()
	}
	return milliseconds(m.Last.Sub(m.At))
}
