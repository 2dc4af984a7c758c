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
	out := make([]Report, 0, len(p.flows))
	fresh := time.Duration(len(p.flows)) * reportCost
	for _, f := range p.sorted() {
		h := p.flows[f]
		if h.report == nil || len(p.flows) < many || now.Sub(h.reportedAt).Abs() >= fresh {
			r := p.report(f, h.from(now.Add(-reported)))
			h.report, h.reportedAt = &r, now
		}
		h.report.Nearest = p.contestOf(f).Current() == f.POP
		out = append(out, *h.report)
	}
	return out
}

// Where there are many flows the sums of each are made only so often, some seconds apart where there are thousands, so that they
// take a small share of a processor however often somebody asks.
const (
	many       = 200
	reportCost = 500 * time.Microsecond // of each
)

// History gives what every flow to a POP, or, where it is "", to any, measured since then, as far as it is remembered, in the
// order of Reports.
func (p *Plane) History(pop string, since time.Time) []Measured {
	flows := p.sorted()
	if pop != "" {
		flows = p.of(pop)
	}
	var out []Measured
	for _, f := range flows {
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
