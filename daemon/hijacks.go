package daemon

import (
	"slices"
	"time"

	"peervane/daemon/incident"
	"peervane/daemon/notice"
	"peervane/daemon/store"
)

// wrongOriginTypes are the types of incidents that a more-specific of the legitimate origin may answer.
var wrongOriginTypes = []string{notice.SubPrefix, notice.OriginChange}

// noteHijack keeps with a registration whose incidents about a wrong origin stand in a scope of it, and lets the scopes
// inside know, where it decides what is a counter-announcement.
func (e *engine) noteHijack(reg *registration, s scope, culprits []uint32, now time.Time) {
	if reg == nil || !reg.Prefix.IsValid() || !reg.memory.Hijacked(s.prefix, culprits, now) {
		return
	}
	for p := range e.table.byPrefix.Subnets(s.prefix) {
		if p != s.reg && e.regs.owner(p) == reg {
			e.agenda.touch(scope{s.reg, p})
		}
	}
}

// rememberHijacks tells the registrations of the hijacks of an earlier run: those that ended lately, oldest first, and those that
// stand. They are not written with the memories, since the incidents tell them: that of a registration with a hundred thousand
// would be written anew with each.
func (e *engine) rememberHijacks(ended []store.Ended, open []incident.Record) {
	for _, h := range ended {
		if reg := e.regs.exact(h.Prefix); reg != nil && h.Offending.IsValid() {
			reg.memory.Hijacked(h.Offending, []uint32{h.Culprit}, h.At)
			reg.memory.Hijacked(h.Offending, nil, h.At)
		}
	}
	for i := range open {
		r := &open[i]
		reg := e.regs.exact(r.Scope.Prefix)
		if reg != nil && r.Open && r.Cleared.IsZero() && slices.Contains(wrongOriginTypes, r.Notice.Type) && r.Scope.Offending.IsValid() {
			reg.memory.Hijacked(r.Scope.Offending, []uint32{r.Notice.CulpritASN}, r.Notice.StartedAt.Time)
		}
	}
}
