package daemon

import (
	"time"
)

// noteHijack keeps with a registration whose incidents about a wrong origin stand in a scope of it, and lets the scopes
// inside know, where it decides what is a counter-announcement.
func (e *engine) noteHijack(reg *registration, s scope, culprits []uint32, now time.Time) {
	if reg == nil || !reg.Prefix.IsValid() || !reg.memory.Hijacked(s.prefix, culprits, now) {
		return
	}
	e.out.memories = append(e.out.memories, reg)
	for p := range e.table.byPrefix.Subnets(s.prefix) {
		if p != s.reg && e.regs.owner(p) == reg {
			e.agenda.touch(scope{s.reg, p})
		}
	}
}
