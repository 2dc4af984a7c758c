package api

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"peervane/daemon/notice"
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

// showWays gives each way of probing each POP, with its last hour, those with trouble first.
func showWays(s *Snapshot, measured []Latency, now notice.Time) (out []wallWay, more int) {
	points := map[wayKey][]Point{}
	for i := range measured {
		m := &measured[i]
		points[wayKey{m.POP, m.Method, m.Source, m.Address}] = m.Points
	}
	for i := range s.POPs {
		p := &s.POPs[i]
		if len(p.Probes) == 0 {
			out = append(out, wallWay{POP: p.Name, Service: p.Service, City: p.City, Last: "not probed yet", Grade: unsure})
		}
		for j := range p.Probes {
			w := showWay(p, &p.Probes[j], s.Interval, now)
			w.Chart = draw(points[wayKey{p.Name, w.Method, w.Source, p.Probes[j].Address}], s.Interval, now.Time)
			out = append(out, w)
		}
	}
	slices.SortStableFunc(out, func(a, b wallWay) int { return worseFirst(a.Grade, b.Grade) })
	if len(out) > mostWays {
		out, more = out[:mostWays], len(out)-mostWays
	}
	return out, more
}

// Losses, as section 8 of the specification has them: where loss falls, and where it rises.
const (
	someLoss = 0.05
	muchLoss = 0.20
)

func showWay(p *POP, probe *Probe, interval time.Duration, now notice.Time) wallWay {
	w := wallWay{
		POP: p.Name, Service: p.Service, City: p.City, Method: probe.Method, Address: probe.Address.String(), Source: probe.Source,
		Nearest: probe.Nearest, Last: milliseconds(probe.LastMS), P50: milliseconds(probe.P50MS), Jitter: milliseconds(probe.JitterMS),
		Loss: fmt.Sprintf("%.1f %%", 100*probe.Loss), Grade: well,
	}
	switch {
	case probe.LastAt.IsZero():
		w.Last, w.Grade = "not probed yet", unsure
	case probe.LastMS == nil:
		w.Last, w.Grade = "no answer", wrong
	case now.Sub(probe.LastAt.Time) > gapAfter(interval):
		w.Last, w.Grade = fmt.Sprintf("%s, %s ago", w.Last, span(probe.LastAt, now)), wrong
	case probe.Refused > 0 && probe.Received+probe.Late == 0:
		w.Last, w.Grade = w.Last+", refused", wrong // it is measured, and no service is there
	case probe.Loss >= muchLoss:
		w.Grade = wrong
	case probe.Loss > someLoss:
		w.Grade = unsure
	}
	hints := slices.Clone(p.Hints)
	if probe.Unreachable > 0 && probe.Offender != "" {
		hints = append(hints, fmt.Sprintf("%d turned down, latest by %s", probe.Unreachable, probe.Offender))
	}
	if probe.LocalDrop > 0 {
		hints = append(hints, fmt.Sprintf("%d dropped by this host", probe.LocalDrop))
	}
	w.Hints = brief(strings.Join(hints, "; "))
	return w
}

// gapAfter is how long after a batch the next one must have come.
func gapAfter(interval time.Duration) time.Duration { return max(3*interval, 30*time.Second) }

// silentPOPs are those of which no way of probing has an answer.
func silentPOPs(s *Snapshot) (names []string) {
	for i := range s.POPs {
		p := &s.POPs[i]
		if len(p.Probes) > 0 && !slices.ContainsFunc(p.Probes, func(probe Probe) bool { return probe.LastAt.IsZero() || probe.LastMS != nil }) {
			names = append(names, p.Name)
		}
	}
	return names
}

func milliseconds(ms *float64) string {
	if ms == nil {
		return "–"
	}
	return fmt.Sprintf("%.2f ms", *ms)
}
