package stats

import (
	"iter"
	"slices"
	"time"
)

// Summary is what a span of samples comes to. Without a round-trip time its
// durations are all 0, and RTTs says so.
type Summary struct {
	Counts
	RTTs                    int // how many were measured
	Min, P50, P95, P99, Max time.Duration
	TSSource                string // the weakest among their sources
}

// Jitter is how far the slow answers lie above the usual.
func (s Summary) Jitter() time.Duration { return s.P95 - s.P50 }

// Summarize sums up samples.
func Summarize(samples iter.Seq[Sample]) Summary {
	var total sums
	var rtts []time.Duration
	source := ""
	for s := range samples {
		total.add(sumsOf(&s), 1)
		rtts = append(rtts, s.RTTs...)
		source = Weaker(source, s.TSSource)
	}
	sum := Summary{Counts: total.settled(), RTTs: len(rtts), TSSource: source}
	if len(rtts) == 0 {
		return sum
	}
	slices.Sort(rtts)
	sum.Min, sum.Max = rtts[0], rtts[len(rtts)-1]
	sum.P50, sum.P95, sum.P99 = Quantile(rtts, .5), Quantile(rtts, .95), Quantile(rtts, .99)
	return sum
}
