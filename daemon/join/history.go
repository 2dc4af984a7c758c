package join

import (
	"net/netip"
	"slices"
	"time"

	"peervane/probe/stats"
)

// reported is the span that a report sums up.
const reported = 10 * time.Minute

// Report is what one flow measured lately.
type Report struct {
	Flow
	stats.Summary
	Last     time.Time     // start of the latest batch
	Median   time.Duration // of the latest batch; 0: nothing answered it
	Nearest  bool          // its POP is the nearest of its service
	Offender netip.Addr    // of the latest ICMP error; not valid: there was none
}

// Measured is what one flow measured, as a whole and batch by batch.
type Measured struct {
	Report
	Samples []stats.Sample // oldest first
	Whole   bool           // none of the time asked for was forgotten
}

// Reports sums up the last ten minutes of every flow, in the order of POPs and then of preference.
func (p *Plane) Reports(now time.Time) []Report {
	var out []Report
	for _, f := range p.sorted() {
		out = append(out, p.report(f, p.flows[f].from(now.Add(-reported))))
	}
	return out
}

// History gives what every flow to a POP, or, where it is "", to any, measured since then, as far as it is remembered, in the
// order of Reports.
func (p *Plane) History(pop string, since time.Time) []Measured {
	var out []Measured
	for _, f := range p.sorted() {
		if pop != "" && f.POP != pop {
			continue
		}
		h := p.flows[f]
		samples := slices.Clone(h.from(since))
		out = append(out, Measured{p.report(f, samples), samples, len(h.samples) < keep || len(samples) < len(h.samples)})
	}
	return out
}

func (p *Plane) report(f Flow, samples []stats.Sample) Report {
	r := Report{Flow: f, Summary: stats.Summarize(samples), Nearest: p.contestOf(f).Current() == f.POP}
	if n := len(samples); n > 0 {
		r.Last = samples[n-1].Started
		r.Median, _ = samples[n-1].Median()
	}
	for i := range samples {
		if samples[i].Offender.IsValid() {
			r.Offender = samples[i].Offender
		}
	}
	return r
}

// from gives the batches that ended at that moment or later.
func (h *history) from(at time.Time) []stats.Sample {
	first := len(h.samples)
	for first > 0 && !h.samples[first-1].Ended.Before(at) {
		first--
	}
	return h.samples[first:]
}
