package api

import (
	"fmt"
	"net/netip"
	"strings"
)

// wallWay is one way of probing a POP.
type wallWay struct {
	POP, Service, City, Method, Address, Source string
	Nearest                                     bool
	Last, P50, Jitter, Loss                     string
	Grade                                       grade
	Hints                                       string
	Chart                                       chart
}

// wayKey tells ways of probing apart.
type wayKey struct {
	pop, method, source string
	address             netip.Addr
}

// showWays gives each way of probing each POP, with its last hour.
func showWays(pops []POP, measured []Latency) (out []wallWay, more int) {
	points := map[wayKey][]Point{}
	for i := range measured {
		m := &measured[i]
		points[wayKey{m.POP, m.Method, m.Source, m.Address}] = m.Points
	}
	for i := range pops {
		p := &pops[i]
		if len(p.Probes) == 0 {
			out = append(out, wallWay{POP: p.Name, Service: p.Service, City: p.City, Last: "not probed yet", Grade: unsure})
		}
		for j := range p.Probes {
			w := showWay(p, &p.Probes[j])
			w.Chart = draw(points[wayKey{p.Name, w.Method, w.Source, p.Probes[j].Address}])
			out = append(out, w)
		}
	}
	if len(out) > mostWays {
		out, more = out[:mostWays], len(out)-mostWays
	}
	return out, more
}

func showWay(p *POP, probe *Probe) wallWay {
	w := wallWay{
		POP: p.Name, Service: p.Service, City: p.City, Method: probe.Method, Address: probe.Address.String(), Source: probe.Source,
		Nearest: probe.Nearest, Last: milliseconds(probe.LastMS), P50: milliseconds(probe.P50MS), Jitter: milliseconds(probe.JitterMS),
		Loss: fmt.Sprintf("%.1f %%", 100*probe.Loss), Grade: well, Hints: strings.Join(p.Hints, "; "),
	}
	switch {
	case probe.LastAt.IsZero():
		w.Last, w.Grade = "not probed yet", unsure
	case probe.LastMS == nil:
		w.Last, w.Grade = "no answer", wrong
	case probe.Refused > 0 && probe.Received+probe.Late == 0:
		w.Last, w.Grade = w.Last+", refused", wrong // it is measured, and no service is there
	case probe.Loss > 0:
		w.Grade = unsure
	}
	return w
}

func milliseconds(ms *float64) string {
	if ms == nil {
		return "–"
	}
	return fmt.Sprintf("%.2f ms", *ms)
}
