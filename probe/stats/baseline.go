package stats

import (
	"slices"
	"time"
)

const (
	baselineBatches = 360
	baselineWarmUp  = 30
	// madToSigma makes the median absolute deviation of a normal distribution
	// its standard deviation.
	madToSigma   = 1.48
	sigmaFloor   = 100 * time.Microsecond
	sigmaOfLevel = 0.005
)

// recent is the last batch medians, at most as many as a baseline takes.
type recent []time.Duration

func (r *recent) add(median time.Duration) {
	if len(*r) == baselineBatches {
		*r = append((*r)[:0], (*r)[1:]...)
	}
	*r = append(*r, median)
}

// last gives the n latest, or all where there are fewer.
func (r recent) last(n int) recent { return r[max(0, len(r)-n):] }

// Baseline is the usual latency of a target and how far it usually strays.
type Baseline struct {
	Level time.Duration // median of the batch medians
	Sigma time.Duration // robust: from the median absolute deviation
}

// baseline is false while there are too few batches to judge by.
func (r recent) baseline() (Baseline, bool) {
	if len(r) < baselineWarmUp {
		return Baseline{}, false
	}
	level := Median(r)
	off := slices.Clone(r)
	for i := range off {
		off[i] = (off[i] - level).Abs()
	}
	sigma := time.Duration(madToSigma * float64(Median(off)))
	return Baseline{Level: level, Sigma: max(sigma, sigmaFloor, time.Duration(sigmaOfLevel*float64(level)))}, true
}
