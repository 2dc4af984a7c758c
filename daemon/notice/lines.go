package notice

import (
	"cmp"
	"fmt"
	"net/netip"
	"strings"
)

// Lines tell a person what an incident rests on, as far as its summary does not: the UPDATE that a shift came with, the figures,
// the way to the POP, and the hints. Each begins with what it is.
func (e *Evidence) Lines() (lines []string) {
	if c := e.Cause; c != nil {
		lines = append(lines, fmt.Sprintf("cause: %s (%s, AS%d) at %s: %s by %s, before by %s%s",
			c.Vantage, address(c.Neighbour), c.NeighbourASN, second(c.At), c.Prefix, cmp.Or(c.NewPath, noPath), cmp.Or(c.OldPath, noPath), steps(c.Updates)))
	}
	if l := e.Latency; l != nil {
		lines = append(lines, latencyLine(l))
	}
	if t := e.Trace; t != nil {
		lines = append(lines, fmt.Sprintf("trace to %s by %s at %s: %s", address(t.Address), t.Method, second(t.At), hopsLine(t.Hops, t.Reached)))
		if len(t.Before) > 0 {
			lines = append(lines, fmt.Sprintf("trace before, at %s: %s", second(t.BeforeAt), hopsLine(t.Before, true)))
		}
	}
	for _, hint := range e.Hints {
		lines = append(lines, "hint: "+hint)
	}
	return lines
}

// noPath stands where there was none.
const noPath = "no path"

func second(t Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

func address(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// steps tells of a change that took more than one UPDATE.
func steps(updates int) string {
	if updates < 2 {
		return ""
	}
	return fmt.Sprintf(", in %d steps", updates)
}

// latencyLine tells the figures; of an outage and a convergence only where there was one.
func latencyLine(l *Latency) string {
	var parts []string
	for _, p := range []struct {
		name string
		ms   *float64
		none string // in place of next to nothing
	}{{"before", l.BeforeMS, "under 0.1 ms"}, {"after", l.AfterMS, "under 0.1 ms"}, {"outage", l.OutageMS, ""}, {"convergence", l.ConvergenceMS, ""}} {
		switch {
		case p.ms == nil, *p.ms == 0 && p.none == "":
		case *p.ms < 0.1 && p.none != "":
			parts = append(parts, p.name+" "+p.none)
		default:
			parts = append(parts, fmt.Sprintf("%s %g ms", p.name, *p.ms))
		}
	}
	if l.Loss != nil {
		parts = append(parts, fmt.Sprintf("loss %.0f %%", 100**l.Loss))
	}
	return fmt.Sprintf("latency to %s: %s", l.POP, strings.Join(parts, ", "))
}

func hopsLine(hops []TraceHop, reached bool) string {
	var parts []string
	for _, h := range hops {
		switch {
		case h.RTTMS == nil:
			parts = append(parts, fmt.Sprintf("%d *", h.TTL))
		case h.ASN == 0:
			parts = append(parts, fmt.Sprintf("%d %s %.1f ms", h.TTL, h.Address, *h.RTTMS))
		default:
			parts = append(parts, fmt.Sprintf("%d %s AS%d %.1f ms", h.TTL, h.Address, h.ASN, *h.RTTMS))
		}
	}
	if !reached {
		parts = append(parts, "no farther")
	}
	return strings.Join(parts, " > ")
}
