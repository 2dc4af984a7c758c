package stats

import (
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

// Summing sums up samples one by one. The zero value is empty.
type Summing struct {
	total  sums
	rtts   []time.Duration
	source string
}

// Add takes in a sample, of which it keeps nothing.
func (sum *Summing) Add(s *Sample) {
	sum.total.add(sumsOf(s), 1)
	sum.rtts = append(sum.rtts, s.RTTs...)
	sum.source = Weaker(sum.source, s.TSSource)
}

// Summary is what they come to.
func (sum *Summing) Summary() Summary {
	rtts := sum.rtts
	out := Summary{Counts: sum.total.settled(), RTTs: len(rtts), TSSource: sum.source}
	if len(rtts) == 0 {
		return out
	}
	slices.Sort(rtts)
	out.Min, out.Max = rtts[0], rtts[len(rtts)-1]
	out.P50, out.P95, out.P99 = Quantile(rtts, .5), Quantile(rtts, .95), Quantile(rtts, .99)
	return out
}

// Summarize sums up samples.
func Summarize(samples []Sample) Summary {
	var sum Summing
	for i := range samples {
		sum.Add(&samples[i])
	}
	return sum.Summary()
}
