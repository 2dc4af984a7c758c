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

// reportsAtOnce is how many reports are made anew at once. Where there are more flows, each has its turn every few times, so that
// nobody waits for thousands of them.
const reportsAtOnce = 1000

// Reports sums up the last ten minutes of every flow, in the order of POPs and then of preference.
func (p *Plane) Reports(now time.Time) []Report {
	out := make([]Report, 0, len(p.flows))
	parts := 1 + len(p.flows)/reportsAtOnce
	p.turn = (p.turn + 1) % parts
	for i, f := range p.sorted() {
		h := p.flows[f]
		if h.report == nil || i%parts == p.turn {
			r := p.report(f, h.batches.since(now.Add(-reported)))
			h.report = &r
		}
		h.report.Nearest = p.contestOf(f).Current() == f.POP
		out = append(out, *h.report)
	}
	return out
}

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
		first := h.batches.since(since)
		out = append(out, Measured{p.report(f, first), slices.Collect(h.batches.from(first)), h.batches.len() < keep || first > 0})
	}
	return out
}

// report sums up the batches of a flow from the i-th on.
func (p *Plane) report(f Flow, i int) Report {
	b := &p.flows[f].batches
	r := Report{Flow: f, Summary: b.summary(i), Nearest: p.contestOf(f).Current() == f.POP}
	if i < b.len() {
		last := b.last()
		r.Last = last.Started
		r.Median, _ = last.Median()
	}
	for ; i < b.len(); i++ {
		if rare := b.kept[i].rare; rare != nil && rare.offender.IsValid() {
			r.Offender = rare.offender
		}
	}
	return r
}
