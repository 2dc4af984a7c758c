package stats

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Bounds of a roll-up's histogram, in microseconds, and its precision. What
// lies outside counts as the nearest bound.
const (
	rollupLowest  = 1
	rollupHighest = 60_000_000
	rollupDigits  = 3
)

// Rollup sums up a long span in constant space: exact counts, and round-trip
// times to three digits. Roll-ups add up, so that hours answer for a month.
type Rollup struct {
	start time.Time
	total sums
	times *hdrhistogram.Histogram
}

// NewRollup begins one that starts at start.
func NewRollup(start time.Time) *Rollup {
	return &Rollup{start: start, times: hdrhistogram.New(rollupLowest, rollupHighest, rollupDigits)}
}

// Start is when its span begins.
func (r *Rollup) Start() time.Time { return r.start }

// Add takes in a sample.
func (r *Rollup) Add(s Sample) {
	r.total.add(sumsOf(&s), 1)
	for _, rtt := range s.RTTs {
		_ = r.times.RecordValue(min(max(rtt.Microseconds(), rollupLowest), rollupHighest)) // never out of bounds
	}
}

// Merge takes in another roll-up; the earlier start is that of both.
func (r *Rollup) Merge(other *Rollup) {
	if other.start.Before(r.start) {
		r.start = other.start
	}
	r.total.add(other.total, 1)
	r.times.Merge(other.times)
}

// Summary sums up all that it took in.
func (r *Rollup) Summary() Summary {
	at := func(q float64) time.Duration {
		// The library rounds the rank; asked for its share, it gives the
		// nearest rank that Quantile gives.
		share := float64(rank(q, int(r.times.TotalCount()))) / float64(r.times.TotalCount())
		return time.Duration(r.times.ValueAtQuantile(100*share)) * time.Microsecond
	}
	sum := Summary{Counts: r.total.settled(), RTTs: int(r.times.TotalCount())}
	if sum.RTTs == 0 {
		return sum
	}
	sum.Min, sum.Max = time.Duration(r.times.Min())*time.Microsecond, time.Duration(r.times.Max())*time.Microsecond
	sum.P50, sum.P95, sum.P99 = at(.5), at(.95), at(.99)
	return sum
}

// stored is a roll-up as it is kept.
type stored struct {
	Start     time.Time `json:"start"`
	Counts    Counts    `json:"counts"`
	Recovered int       `json:"recovered"`
	Times     string    `json:"times"` // HdrHistogram, V2, compressed, base64
}

// MarshalJSON gives a form to be kept.
func (r *Rollup) MarshalJSON() ([]byte, error) {
	times, err := r.times.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		return nil, fmt.Errorf("encode latency histogram: %w", err)
	}
	return json.Marshal(stored{Start: r.start, Counts: r.total.Counts, Recovered: r.total.recovered, Times: string(times)})
}

// UnmarshalJSON reads what MarshalJSON gave.
func (r *Rollup) UnmarshalJSON(b []byte) error {
	var kept stored
	if err := json.Unmarshal(b, &kept); err != nil {
		return fmt.Errorf("decode latency roll-up: %w", err)
	}
	times, err := hdrhistogram.Decode([]byte(kept.Times))
	if err != nil {
		return fmt.Errorf("decode latency histogram: %w", err)
	}
	*r = *NewRollup(kept.Start)
	r.total = sums{Counts: kept.Counts, recovered: kept.Recovered}
	r.times.Merge(times) // into our own bounds, whatever those of the kept one are
	return nil
}
