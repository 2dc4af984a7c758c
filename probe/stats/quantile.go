package stats

import (
	"math"
	"slices"
	"time"
)

// Median is the nearest-rank median: of an even count, the lower middle. It is
// always a value that was measured. It panics on an empty slice and leaves its
// argument as it was.
func Median(values []time.Duration) time.Duration {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	return Quantile(sorted, 0.5)
}

// Quantile of sorted values by nearest rank: the smallest value that at least
// the share q of all values do not exceed.
func Quantile(sorted []time.Duration, q float64) time.Duration {
	return sorted[rank(q, len(sorted))-1]
}

// rank of the quantile among n sorted values, from 1.
func rank(q float64, n int) int {
	return min(max(int(math.Ceil(q*float64(n))), 1), n)
}
