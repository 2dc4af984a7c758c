package stats

import "time"

const (
	shiftLeast    = time.Millisecond // a smaller shift is none
	shiftShare    = 0.05             // nor one that is less of the baseline than this
	shiftRecovery = 12               // batches near the baseline that end a shift
	// shiftRecovering is how many of the latest batches tell that it is about to end.
	shiftRecovering = 3
	// shiftSized is after how many batches the size of a shift is measured again: two that asked for attention may have been noisy.
	shiftSized = 6
)

// Turn is what a batch did to the state of a Shift.
type Turn uint8

const (
	Steady    Turn = iota // nothing
	Fired                 // the latency has shifted
	Recovered             // it is back at the baseline
	Settled               // it has held for so long that it is the new baseline
)

// Shifted describes a shift that holds.
type Shifted struct {
	Since    time.Time // start of the first batch that showed it
	Baseline Baseline  // frozen at its begin
	After    time.Duration
	Sized    bool // After is of enough batches to tell how large it is
}

// By is how far the latency has moved: negative is downward.
func (s Shifted) By() time.Duration { return s.After - s.Baseline.Level }

// Shift finds a lasting change in the latency of one target: a two-sided CUSUM
// over batch medians, with scores clipped at 4 sigma so that no spike can fire
// alone, against the median of the last 360 batches. While a shift holds the
// baseline is frozen.
type Shift struct {
	settle  time.Duration
	usual   recent // what the baseline is of
	up      cusum
	down    cusum
	holding *holding
}

// holding is a shift that holds.
type holding struct {
	Shifted
	step  time.Duration // By, as it was when it fired, or when it was measured again
	since recent        // batches of the shift
	near  int           // of them in a row near the baseline
}

// NewShift makes a detector that takes a shift for the new normal once it has
// held for settle.
func NewShift(settle time.Duration) *Shift { return &Shift{settle: settle} }

// Baseline is that of now, or the frozen one; false while warming up.
func (d *Shift) Baseline() (Baseline, bool) {
	if d.holding != nil {
		return d.holding.Baseline, true
	}
	return d.usual.baseline()
}

// Shifted is the shift that holds, if one does.
func (d *Shift) Shifted() (Shifted, bool) {
	if d.holding == nil {
		return Shifted{}, false
	}
	return d.holding.Shifted, true
}

// Recovering says whether a shift that holds is about to end: most of its latest batches were near the baseline again.
func (d *Shift) Recovering() bool {
	if d.holding == nil {
		return false
	}
	return d.holding.isNear(Median(d.holding.since.last(shiftRecovering)))
}

func (h *holding) isNear(median time.Duration) bool {
	return (median - h.Baseline.Level).Abs() <= h.step.Abs()/2
}

// Reset forgets all: another path has another baseline.
func (d *Shift) Reset() { *d = Shift{settle: d.settle} }

// Add takes in a batch. One without a round-trip time says nothing here.
func (d *Shift) Add(s Sample) Turn {
	median, ok := s.Median()
	if !ok {
		return Steady
	}
	if d.holding != nil {
		return d.hold(median, s.Ended)
	}
	base, warm := d.usual.baseline()
	d.usual.add(median)
	if !warm {
		return Steady
	}
	score := float64(median-base.Level) / float64(base.Sigma)
	up, down := d.up.add(score, s.Started), d.down.add(-score, s.Started)
	switch {
	case up:
		return d.judge(&d.up, base)
	case down:
		return d.judge(&d.down, base)
	}
	return Steady
}

// judge decides whether a sum that has reached the threshold is a shift worth
// telling. One that is not starts again from 0, and the baseline follows it.
func (d *Shift) judge(side *cusum, base Baseline) Turn {
	found := Shifted{Since: side.since, Baseline: base, After: Median(d.usual.last(side.run))}
	if found.By().Abs() < base.least() || (found.By() > 0) != (side == &d.up) {
		*side = cusum{}
		return Steady
	}
	d.holding = &holding{Shifted: found, step: found.By(), since: d.usual.take(side.run)}
	d.up, d.down = cusum{}, cusum{}
	return Fired
}

// shiftSuspect is how many sigmas from the baseline make a batch worth another look at once.
const shiftSuspect = cusumClip

// Suspects says whether a batch alone is so far off the baseline that a shift would explain it.
func (d *Shift) Suspects(s Sample) bool {
	median, ok := s.Median()
	base, warm := d.usual.baseline()
	if !ok || !warm || d.holding != nil {
		return false
	}
	return (median - base.Level).Abs() >= max(base.least(), time.Duration(shiftSuspect*float64(base.Sigma)))
}

// Confirm takes the latest n batches for a shift that began then, without waiting for the sum: something else says that one
// is to be expected. It is false where they do not show one.
func (d *Shift) Confirm(n int, since time.Time) bool {
	if d.holding != nil {
		return false
	}
	taken := d.usual.take(n)
	base, warm := d.usual.baseline()
	found := Shifted{Since: since, Baseline: base, After: Median(taken.arrived)}
	if !warm || found.By().Abs() < base.least() {
		for _, median := range taken.arrived {
			d.usual.add(median)
		}
		return false
	}
	d.holding = &holding{Shifted: found, step: found.By(), since: taken}
	d.up, d.down = cusum{}, cusum{}
	return true
}

// Least is how far from a level, both in milliseconds, the latency must move for it to be a shift.
func Least(level float64) float64 { return max(1, shiftShare*level) }

// least is how far the latency must move for it to be a shift.
func (b Baseline) least() time.Duration {
	return max(shiftLeast, time.Duration(shiftShare*float64(b.Level)))
}

// size measures a shift again, unless it is over already.
func (h *holding) size() {
	h.Sized = true
	if by := h.By(); (by > 0) == (h.step > 0) && by.Abs() >= h.Baseline.least() && by.Abs() < h.step.Abs() {
		h.step = by
	}
}

// hold follows a shift to its end.
func (d *Shift) hold(median time.Duration, ended time.Time) Turn {
	h := d.holding
	h.since.add(median)
	h.After = Median(h.since.last(shiftRecovery))
	if len(h.since.arrived) >= shiftSized && !h.Sized {
		h.size()
	}
	if h.isNear(median) {
		h.near++
	} else {
		h.near = 0
	}
	switch {
	case h.near >= shiftRecovery:
		d.holding = nil
		return Recovered
	case ended.Sub(h.Since) >= d.settle:
		d.usual, d.holding = h.since, nil
		return Settled
	}
	return Steady
}
