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
	rank := int(math.Ceil(q * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}
