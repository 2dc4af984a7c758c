package stats

import "time"

// Rollup sums up a long span in little space: exact counts, the least and the
// greatest round-trip time, and all of them to three digits. Roll-ups add up, so
// that hours answer for a month with true quantiles. The zero value is empty.
type Rollup struct {
	Start, End time.Time // of the first batch and of the last
	Counts               // Late and Lost as the batches had them
	Recovered  int       // answers that came after their batch
	TSSource   string    // the weakest among the times
	Min, Max   time.Duration
	Times      Histogram
}

// Add takes in a sample.
func (r *Rollup) Add(s *Sample) {
	if r.Start.IsZero() {
		r.Start = s.Started.Round(0)
	}
	r.stretch(s.Ended)
	r.count(sumsOf(s))
	r.TSSource = Weaker(r.TSSource, s.TSSource)
	for _, rtt := range s.RTTs {
		r.bound(rtt, rtt)
		r.Times.Add(rtt)
	}
}

// Merge takes in another roll-up.
func (r *Rollup) Merge(o *Rollup) {
	if o.Batches == 0 {
		return
	}
	if r.Start.IsZero() || o.Start.Before(r.Start) {
		r.Start = o.Start
	}
	r.stretch(o.End)
	r.count(sums{o.Counts, o.Recovered})
	r.TSSource = Weaker(r.TSSource, o.TSSource)
	if o.Times.Count() > 0 {
		r.bound(o.Min, o.Max)
		r.Times.Merge(&o.Times)
	}
}

// Clone gives one that shares nothing.
func (r *Rollup) Clone() *Rollup {
	c := *r
	c.Times = r.Times.Clone()
	return &c
}

// stretch moves the end. It is of the wall clock, as what is kept must be; one that is set back does not turn the span round,
// and leaves the start, by which the roll-up is known.
func (r *Rollup) stretch(end time.Time) {
	for _, at := range [...]time.Time{r.Start, end.Round(0)} {
		if at.After(r.End) {
			r.End = at
		}
	}
}

func (r *Rollup) count(s sums) {
	total := sums{r.Counts, r.Recovered}
	total.add(s, 1)
	r.Counts, r.Recovered = total.Counts, total.recovered
}

// bound widens the extremes. Times must not hold the values yet.
func (r *Rollup) bound(least, greatest time.Duration) {
	if r.Times.Count() == 0 {
		r.Min, r.Max = least, greatest
		return
	}
	r.Min, r.Max = min(r.Min, least), max(r.Max, greatest)
}

// Summary sums up all that it took in.
func (r *Rollup) Summary() Summary {
	at := func(q float64) time.Duration { return min(max(r.Times.Quantile(q), r.Min), r.Max) }
	return Summary{
		Counts: sums{r.Counts, r.Recovered}.settled(), RTTs: r.Times.Count(), TSSource: r.TSSource,
		Min: r.Min, P50: at(.5), P95: at(.95), P99: at(.99), Max: r.Max,
	}
}
