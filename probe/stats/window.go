package stats

import "time"

// Window keeps the samples of a span of time and sums them up exactly. It
// costs what it holds; Counts and Min take constant time. For long spans see
// Rollup.
type Window struct {
	span    time.Duration
	samples []Sample // in order of Ended
	sums    sums     // of samples
	lows    []low    // ascending: the minima that no later one undercuts
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
	w.samples = append(w.samples, s)
	w.sums.add(sumsOf(&s), 1)
	if rtt, ok := s.Min(); ok {
		for len(w.lows) > 0 && w.lows[len(w.lows)-1].rtt >= rtt {
			w.lows = w.lows[:len(w.lows)-1]
		}
		w.lows = append(w.lows, low{rtt, s.Ended})
	}
	w.Expire(s.Ended)
}

// Expire forgets the samples that ended a span before now.
func (w *Window) Expire(now time.Time) {
	for len(w.samples) > 0 && now.Sub(w.samples[0].Ended) >= w.span {
		w.sums.add(sumsOf(&w.samples[0]), -1)
		w.samples[0] = Sample{} // its round-trip times are not held on to
		w.samples = w.samples[1:]
	}
	for len(w.lows) > 0 && now.Sub(w.lows[0].ended) >= w.span {
		w.lows = w.lows[1:]
	}
}

// Counts are the sums of all that it holds.
func (w *Window) Counts() Counts { return w.sums.settled() }

// Min is the lowest round-trip time; false when there is none.
func (w *Window) Min() (time.Duration, bool) {
	if len(w.lows) == 0 {
		return 0, false
	}
	return w.lows[0].rtt, true
}

// Summary sums up all that it holds.
func (w *Window) Summary() Summary { return Summarize(w.samples) }

// Between sums up the samples that started at from or later and ended before
// to: what was measured wholly on one side of an event.
func (w *Window) Between(from, to time.Time) Summary {
	var chosen []Sample
	for _, s := range w.samples {
		if s.Started.Sub(from) >= 0 && s.Ended.Sub(to) < 0 {
			chosen = append(chosen, s)
		}
	}
	return Summarize(chosen)
}
