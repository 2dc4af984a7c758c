package detect

import (
	"fmt"
	"net/netip"

	"peervane/bgp"
)

// cover describes the covering route of a vantage as it is compared; the zero Cover is that there is none.
func (s *State) cover(h *Held) Cover {
	if h == nil {
		return Cover{}
	}
	return Cover{Prefix: h.Prefix, Origin: hopText(s.Origin(h.Vantage, h.Attrs.Path))}
}

func (c Cover) same(d Cover) bool { return c.Prefix == d.Prefix && c.Origin == d.Origin }

// learnCover keeps the covering route that stood when a legitimate exact route was last held, or at first sync, and since
// when another one carries the traffic.
func (t *Trace) learnCover(s *State, v *Vantage, best, covering *Held) (changed bool) {
	if !v.InSync || v.Loading {
		return false
	}
	now := s.cover(covering)
	legitimate := best != nil && s.judgeOrigin(best) == Legitimate
	if legitimate || t.Baseline == nil {
		return t.rebase(now)
	}
	if best != nil || !now.Prefix.IsValid() || now.same(*t.Baseline) {
		changed = t.Carrier != nil
		t.Carrier = nil
		return changed
	}
	if t.Carrier == nil || !t.Carrier.same(now) {
		t.Carrier, changed = &Cover{now.Prefix, now.Origin, s.Now}, true
	}
	if !s.Now.Before(t.Carrier.Since.Add(s.Settings.PathSettle)) {
		s.settle("covering_change")
		return t.rebase(now)
	}
	return changed
}

// uncovered is the baseline of most registrations, which share it: a baseline is replaced, and never changed.
var uncovered = &Cover{}

// rebase makes c the covering route to compare with.
func (t *Trace) rebase(c Cover) (changed bool) {
	changed = t.Carrier != nil
	t.Carrier = nil
	if t.Baseline == nil || !t.Baseline.same(c) {
		t.Baseline, changed = uncovered, true
		if c.Prefix.IsValid() {
			t.Baseline = &Cover{Prefix: c.Prefix, Origin: c.Origin}
		}
	}
	return changed
}

// coveringChange: with no exact route, the covering route that carries the traffic now appeared or changed since, and is
// from an origin that is legitimate neither for the prefix nor for its covering routes.
func coveringChange(j *judgement) {
	if !j.exact() || j.Memory == nil {
		return
	}
	type key struct {
		prefix  netip.Prefix
		culprit uint32
	}
	at := map[key]int{}
	var out []bgp.Finding
	for i, h := range firsts(len(j.Vantages), j.Covering) {
		t := j.newCarrier(i, h)
		if t == nil {
			continue
		}
		k := key{h.Prefix, j.culprit(h, j.Reg.Policy.Origins, j.Reg.Policy.CoveringOrigins)}
		n, ok := at[k]
		if !ok {
			n = len(out)
			at[k] = n
			out = append(out, j.coverFinding(h.Prefix, k.culprit))
		}
		show(&out[n], h, t.Carrier.Since)
		out[n].Previous = append(out[n].Previous, j.last(i)...)
	}
	for n := range out {
		j.agree(&out[n], anyVantage)
		out[n].Summary = j.coverSummary(&out[n])
	}
	j.found = append(j.found, out...)
}

// newCarrier gives the trace of a vantage where h now carries the prefix's traffic and should not.
func (j *judgement) newCarrier(i int, h *Held) *Trace {
	v := &j.Vantages[i]
	if h == nil || j.best[i] != nil || !v.InSync {
		return nil
	}
	t := j.traces[i]
	if t == nil || t.Carrier == nil || !t.Carrier.same(j.cover(h)) || j.presence(i, nil) != absent {
		return nil
	}
	origin := j.Origin(h.Vantage, h.Attrs.Path)
	if j.judge(origin, j.Reg.Policy.Origins, j.Reg.Policy.CoveringOrigins) != Wrong {
		return nil
	}
	return t
}

func (j *judgement) coverFinding(offending netip.Prefix, culprit uint32) bgp.Finding {
	f := j.finding("covering_change", failure)
	f.Offending, f.Culprit, f.Hold = offending, culprit, j.Settings.AbsenceHold
	f.Expected.CoveringOrigins = j.Reg.Policy.CoveringOrigins
	return f
}

// coverSummary names the origins, not the culprit: the AS that lets a private one out may be a legitimate origin itself.
func (s *State) coverSummary(f *bgp.Finding) string {
	return fmt.Sprintf("%s has no route of its own, and %s from %s carries its traffic: %s (%s)",
		f.Prefix, f.Offending, s.origins(f), seenBy(f), example(f))
}
