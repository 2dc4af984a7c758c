package join

import (
	"fmt"
	"net/netip"
	"time"

	"peervane/probe/stats"
)

// contest is what POPs compete in: to be the nearest of a service, over one family and from one source.
type contest struct {
	service string
	v6      bool
	source  netip.Addr
}

func (f Flow) contest() contest { return contest{f.Service, f.Addr.Is6(), f.Source} }

// via names the way to the POP within its contest.
func (f Flow) via() string { return fmt.Sprintf("%s %s", f.Addr, f.Method) }

func (p *Plane) contestOf(f Flow) *stats.Nearest {
	c := f.contest()
	if p.nearest[c] == nil {
		if p.nearest == nil {
			p.nearest = map[contest]*stats.Nearest{}
		}
		p.nearest[c] = stats.NewNearest()
	}
	return p.nearest[c]
}

// reported is the span that a report sums up.
const reported = 10 * time.Minute

// Report is what one flow measured lately.
type Report struct {
	Flow
	stats.Summary
	Last    time.Time     // start of the latest batch
	Median  time.Duration // of the latest batch; 0: nothing answered it
	Nearest bool          // its POP is the nearest of its service
}

// Reports sums up the last ten minutes of every flow, in the order of POPs and then of preference.
func (p *Plane) Reports(now time.Time) []Report {
	var out []Report
	for _, f := range p.sorted() {
		samples := p.flows[f].samples
		for len(samples) > 0 && now.Sub(samples[0].Ended) > reported {
			samples = samples[1:]
		}
		r := Report{Flow: f, Summary: stats.Summarize(samples), Nearest: p.contestOf(f).Current() == f.POP}
		if len(samples) > 0 {
			latest := samples[len(samples)-1]
			r.Last = latest.Started
			r.Median, _ = latest.Median()
		}
		out = append(out, r)
	}
	return out
}
