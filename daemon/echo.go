package daemon

import (
	"math"
	"slices"
	"time"

	"peervane/bgp"
	"peervane/daemon/incident"
	"peervane/daemon/join"
	"peervane/daemon/notice"
)

// echo is what was told of a POP and is found there no more. What one event did is not over everywhere at the same moment, and
// what it takes longer at another POP, or for one source, is told on its own only where it stays.
type echo struct {
	bgp.Finding
	ended time.Time
}

// noteEchoes takes what an incident tells of a POP now, and what it told before and is found there no more.
func (e *engine) noteEchoes(p *pop, at incident.Scope, now time.Time) {
	e.echoes = slices.DeleteFunc(e.echoes, func(x echo) bool { return now.Sub(x.ended) > joinGrace })
	for _, f := range p.told {
		same := func(g bgp.Finding) bool { return g.Type == f.Type && g.Source == f.Source }
		if !slices.ContainsFunc(p.found, same) {
			e.echoes = append(e.echoes, echo{f, now})
		}
	}
	p.told = slices.DeleteFunc(slices.Clone(p.found), func(f bgp.Finding) bool { return !e.book.Tells(at, &f) })
}

// isEcho says whether a finding is what is left of one that was told, and which was no less grave.
func (e *engine) isEcho(f *bgp.Finding, now time.Time) bool {
	if p := e.pops.byName[f.POP]; p != nil && slices.ContainsFunc(p.told, func(g bgp.Finding) bool { return leftOf(&g, f) }) {
		return true // that may end now
	}
	return slices.ContainsFunc(e.echoes, func(x echo) bool {
		return now.Sub(x.ended) <= joinGrace && !f.Since.After(x.ended) && leftOf(&x.Finding, f)
	})
}

// leftOf says whether a finding is a part of what was told: for one source of what all showed, or at another POP of what the same
// change of a route did.
func leftOf(told, f *bgp.Finding) bool {
	same := told.Cause != nil && f.Cause != nil && join.SameEvent(told.Cause, f.Cause)
	if told.POP == f.POP {
		same = same || told.Cause == nil && f.Cause == nil && f.Since.Sub(told.Since).Abs() <= joinSpan
		same = same && !told.Source.IsValid() && f.Source.IsValid()
	}
	return same && gravity(f) <= gravity(told)
}

// gravity orders what is found of a POP by what it means for packets, whoever of them it concerns.
func gravity(f *bgp.Finding) int {
	switch {
	case f.Type == notice.POPUnreachable:
		return 3
	case f.Measured == nil || math.IsNaN(f.Measured.After):
		return 2
	}
	return 1
}
