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

// Baseline is the usual latency of a target and how far it usually strays.
type Baseline struct {
	Level time.Duration // median of the batch medians
	Sigma time.Duration // robust: from the median absolute deviation
}

// recent is the last batch medians, at most as many as a baseline takes, in
// the order in which they came and in that of size.
type recent struct{ arrived, sorted []time.Duration }

func (r *recent) add(median time.Duration) {
	if len(r.arrived) == baselineBatches {
		i, _ := slices.BinarySearch(r.sorted, r.arrived[0])
		r.sorted = slices.Delete(r.sorted, i, i+1)
		r.arrived = slices.Delete(r.arrived, 0, 1)
	}
	i, _ := slices.BinarySearch(r.sorted, median)
	r.sorted = slices.Insert(r.sorted, i, median)
	r.arrived = append(r.arrived, median)
}

// last gives the n latest, or all where there are fewer.
func (r *recent) last(n int) []time.Duration { return r.arrived[max(0, len(r.arrived)-n):] }

// take removes the n latest, or all where there are fewer, and gives them.
func (r *recent) take(n int) (taken recent) {
	for _, median := range r.last(n) {
		taken.add(median)
		i, _ := slices.BinarySearch(r.sorted, median)
		r.sorted = slices.Delete(r.sorted, i, i+1)
	}
	r.arrived = r.arrived[:len(r.arrived)-len(taken.arrived)]
	return taken
}

// baseline is false while there are too few batches to judge by.
func (r *recent) baseline() (Baseline, bool) {
	if len(r.sorted) < baselineWarmUp {
		return Baseline{}, false
	}
	level := Quantile(r.sorted, 0.5)
	sigma := time.Duration(madToSigma * float64(deviation(r.sorted, level)))
	return Baseline{Level: level, Sigma: max(sigma, sigmaFloor, time.Duration(sigmaOfLevel*float64(level)))}, true
}

// deviation is the median absolute deviation of sorted values from their
// median, found by walking away from it on both sides at once.
func deviation(sorted []time.Duration, median time.Duration) time.Duration {
	above, _ := slices.BinarySearch(sorted, median)
	below := above - 1
	var off time.Duration
	for range rank(0.5, len(sorted)) {
		if below < 0 || above < len(sorted) && sorted[above]-median <= median-sorted[below] {
			off = sorted[above] - median
			above++
		} else {
			off = median - sorted[below]
			below--
		}
	}
	return off
}
