package join

import (
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"peervane/bgp"
	"peervane/daemon/notice"
)

// Verdicts on which planes moved.
const (
	Both        = "both"
	RouteOnly   = "route_only"
	LatencyOnly = "latency_only"
)

// An upward shift is graver from here on: max(5 ms, 20 %).
const (
	graveShift = 5 * time.Millisecond
	graveShare = 0.20
)

// Registered gives the registered prefix that holds a source address; not valid for one that is in none.
type Registered func(source netip.Addr) netip.Prefix

// Findings gives what is wrong with the ways to a POP: nothing reaches it; or too much is lost, or the latency has shifted. What all
// sources show is told once, what one source alone shows is told of that source: of its return path, where others are well.
// Each address of the POP is judged on its own, since sources are compared over one way there.
func (p *Plane) Findings(pop string, registered Registered) (out []bgp.Finding) {
	if out = p.Unreachable(pop); out != nil {
		return append(out, p.worse(pop, registered)...)
	}
	return p.ailing(pop, registered)
}

// worse is the loss of a POP that nothing reaches any more: told with that, and not cured by it.
func (p *Plane) worse(pop string, registered Registered) (out []bgp.Finding) {
	for _, f := range p.ailing(pop, registered) {
		if f.Type == notice.Loss {
			f.Quiet = true
			out = append(out, f)
		}
	}
	return out
}

// ailing is what is wrong with the ways to each address of a POP.
func (p *Plane) ailing(pop string, registered Registered) (out []bgp.Finding) {
	var seen []netip.Addr
	for _, f := range p.Paths(pop) {
		if !slices.Contains(seen, f.Addr) {
			seen = append(seen, f.Addr)
			out = append(out, p.findingsAt(pop, f.Addr, registered)...)
		}
	}
	return out
}

func (p *Plane) findingsAt(pop string, addr netip.Addr, registered Registered) []bgp.Finding {
	by := p.bySource(pop, addr)
	sources := slices.SortedFunc(maps.Keys(by), netip.Addr.Compare)
	var bad []bgp.Finding
	for _, s := range sources {
		if f, is := p.complaint(pop, s, by[s]); is {
			bad = append(bad, f)
		}
	}
	switch {
	case len(bad) == 0:
		return nil
	case len(bad) == len(sources) && alike(bad):
		return []bgp.Finding{p.shared(bad)}
	}
	for i := range bad {
		f := &bad[i]
		f.Summary = strings.Replace(f.Summary, sourcePlace, from(f.Source), 1)
		f.Quiet = f.Quiet || p.undecided(f, by)
		if prefix := registered(f.Source); prefix.IsValid() && p.controlled(by, sources, registered) {
			f.Type, f.Severity, f.Prefix = notice.ReturnPath, notice.Error.String(), prefix
			f.Summary = fmt.Sprintf("the way back from POP %s to %s is bad, from other sources it is not: %s", pop, prefix, f.Summary)
		}
	}
	return bad
}

// sourcePlace stands in a summary where the source is named, or is not.
const sourcePlace = "\x00"

// alike says whether all sources suffer the same.
func alike(bad []bgp.Finding) bool {
	return !slices.ContainsFunc(bad, func(f bgp.Finding) bool { return f.Type != bad[0].Type })
}

// shared is what all sources show, as the first that showed it does.
func (p *Plane) shared(bad []bgp.Finding) bgp.Finding {
	f := slices.MinFunc(bad, func(a, b bgp.Finding) int { return a.Since.Compare(b.Since) })
	f.Quiet = !slices.ContainsFunc(bad, func(f bgp.Finding) bool { return !f.Quiet })
	f.Source, f.Summary = netip.Addr{}, strings.Replace(f.Summary, sourcePlace, "", 1)
	return f
}

const (
	wellBatches = 3  // in a row show that a source is well
	waitBatches = 12 // are waited for, until it is told as it is
)

// undecided says whether other sources may yet show the same: they are neither known to be well, nor to suffer.
func (p *Plane) undecided(f *bgp.Finding, by map[netip.Addr][]Flow) bool {
	if h := p.flows[by[f.Source][0]]; h.batches.len()-h.batches.since(f.Since) > waitBatches {
		return false
	}
	for s, flows := range by {
		if s == f.Source {
			continue
		}
		if _, suffers := p.complaint(f.POP, s, flows); !suffers && !p.flows[flows[0]].well(f) {
			return true
		}
	}
	return false
}

// well says whether a flow has shown since then that it does not suffer the same: it lost nothing, and was nearer to its own
// baseline than to what would be the shift.
func (h *history) well(f *bgp.Finding) bool {
	if h.batches.len()-h.batches.since(f.Since) < wellBatches {
		return false
	}
	level, warm := h.shift.Baseline()
	shift := finite(f.Measured.After - f.Measured.Before)
	for s := range h.batches.from(h.batches.len() - wellBatches) {
		median, ok := s.Median()
		off := math.Abs(milliseconds(median) - milliseconds(level.Level))
		if s.Loss() > 0 || ok && warm && shift != 0 && off > math.Abs(shift)/2 {
			return false
		}
	}
	return true
}

// bySource sorts the flows to an address of a POP by source, the preferred one first.
func (p *Plane) bySource(pop string, addr netip.Addr) map[netip.Addr][]Flow {
	out := map[netip.Addr][]Flow{}
	for _, f := range p.of(pop) {
		if f.Addr == addr {
			out[f.Source] = append(out[f.Source], f)
		}
	}
	return out
}

// controlled says whether a source outside the registered prefixes shows that the way to the POP itself is good.
func (p *Plane) controlled(by map[netip.Addr][]Flow, sources []netip.Addr, registered Registered) bool {
	return slices.ContainsFunc(sources, func(s netip.Addr) bool {
		if registered(s).IsValid() {
			return false
		}
		_, bad := p.complaint("", s, by[s])
		return !bad && slices.ContainsFunc(by[s], func(f Flow) bool { return p.flows[f].loss.Low() })
	})
}

// complaint is what is wrong for one source: loss before a shift. Its summary has a place for the source.
func (p *Plane) complaint(pop string, source netip.Addr, flows []Flow) (bgp.Finding, bool) {
	f := bgp.Finding{POP: pop, Source: source}
	if flow, lossy := p.lossy(flows); lossy {
		h := p.flows[flow]
		f.Type, f.Severity, f.Since = notice.Loss, notice.Warning.String(), h.lossSince()
		f.Summary = fmt.Sprintf("%.0f %% of the probes to POP %s are lost%s: %s %s", 100*h.loss.Share(), pop, sourcePlace, flow.Addr, flow.Method)
		f.Measured = &bgp.Measured{
			POP: pop, Before: math.NaN(), After: math.NaN(), Loss: h.loss.Share(), Outage: math.NaN(), Convergence: math.NaN(),
		}
		p.blame(&f, flow)
		last := h.batches.last()
		settles := f.Cause != nil && h.lost == 0 && last.Started.Sub(f.Cause.Last) < calm // what is lost meanwhile is the outage of that move
		// It may become an outage, or be over already.
		f.Quiet = h.lost > 0 && h.lost < lostBatches || last.Loss() == 0 || p.lagging(flow) || settles
		return f, true
	}
	for _, flow := range flows {
		if p.flows[flow].shown.Since.IsZero() {
			continue
		}
		p.shifted(&f, flow)
		return f, true
	}
	return f, false
}

// lagging says whether a way to a POP was last measured before another one came back: what it lost, it lost in the outage.
func (p *Plane) lagging(f Flow) bool {
	h := p.flows[f]
	last := h.batches.lastStarted()
	return h.lost > 0 && slices.ContainsFunc(p.of(f.POP), func(other Flow) bool { return p.flows[other].back.After(last) })
}

// lossy finds a flow that loses too much. Where another method to the same address loses next to nothing, a router on the
// way limits the other: nothing is lost of what matters.
func (p *Plane) lossy(flows []Flow) (Flow, bool) {
	for _, f := range flows {
		contradicted := func(other Flow) bool {
			return other.Addr == f.Addr && other.Method != f.Method && p.flows[other].loss.Low()
		}
		if p.flows[f].loss.High() && !slices.ContainsFunc(flows, contradicted) {
			return f, true
		}
	}
	return Flow{}, false
}

// shifted tells of a shift, with the UPDATE that it came with.
func (p *Plane) shifted(f *bgp.Finding, flow Flow) {
	s := p.flows[flow].shown
	rose := "rose"
	if s.By() < 0 {
		rose = "fell"
	}
	f.Type, f.Severity, f.Since = notice.LatencyShift, notice.Info.String(), s.Since
	f.Summary = fmt.Sprintf("latency to POP %s %s from %s to %s%s", f.POP, rose, short(s.Baseline.Level), short(s.After), sourcePlace)
	f.Measured = &bgp.Measured{
		POP: f.POP, Before: milliseconds(s.Baseline.Level), After: milliseconds(s.After), Loss: p.flows[flow].loss.Share(),
		Outage: math.NaN(), Convergence: math.NaN(),
	}
	p.tie(f, flow, s.cause, s.caused)
	if !s.caused {
		f.Summary += ": no route to it changed"
	}
	f.Quiet = p.flows[flow].shift.Recovering()
	grave := s.By() >= max(graveShift, time.Duration(graveShare*float64(s.Baseline.Level)))
	if s.By() > 0 && (grave || f.Verdict == Both) {
		f.Severity = notice.Warning.String()
	}
}

// blame names the move of the path that a finding came with.
func (p *Plane) blame(f *bgp.Finding, flow Flow) {
	m, moved := p.causeOf(flow, f.Since)
	p.tie(f, flow, m, moved)
}

// tie says which planes moved, and shows the routes where the path did.
func (p *Plane) tie(f *bgp.Finding, flow Flow, m Move, moved bool) {
	f.Verdict = LatencyOnly
	if !moved {
		return
	}
	f.Verdict = Both
	f.Summary += fmt.Sprintf(": %s", m)
	f.Cause = (*bgp.RouteChange)(&m)
	if f.Measured != nil {
		f.Measured.Outage, f.Measured.Convergence = p.flows[flow].outage(m.At), milliseconds(m.Last.Sub(m.At))
	}
	f.Hints = append(f.Hints, p.transitHints(m)...)
	if m.New.Attrs != nil {
		f.Routes = append(f.Routes, m.New)
	}
	if m.Old.Attrs != nil {
		f.Previous = append(f.Previous, m.Old)
	}
}

// lossSince is when the losses began that are judged now: the first batch with one, as far back as they are judged, which is not
// behind an outage that is over.
func (h *history) lossSince() time.Time {
	const judged = 12
	for s := range h.batches.from(max(0, h.batches.len()-judged)) {
		if s.Loss() > 0 && !s.Started.Before(h.back) {
			return s.Started
		}
	}
	return time.Time{}
}

func from(source netip.Addr) string {
	if !source.IsValid() {
		return ""
	}
	return " from " + source.String()
}

// short writes a latency as people say it.
func short(d time.Duration) string {
	if d < 50*time.Microsecond {
		return "under 0.1 ms"
	}
	return fmt.Sprintf("%.1f ms", milliseconds(d))
}
