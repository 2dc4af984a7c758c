package daemon

import (
	"slices"
	"time"

	"peervane/bgp/detect"
	"peervane/daemon/incident"
	"peervane/daemon/notice"
)

// judge works through what was touched, at most n scopes, and says whether more waits. What is to be sent ends a bite: it does not
// wait until others are judged.
func (e *engine) judge(now time.Time, n int) (more bool) {
	e.judged = now
	e.agenda.heard = time.Time{}
	e.agenda.due(now)
	e.judgeUplink(now)
	e.tickBook(now)
	e.judgeMissed(now)
	e.judgeSessions(now)
	e.judgeRPKI(now)
	e.judgePOPs(now)
	e.judgeNearest(now)
	e.judgeChannels(now)
	e.keepTrails(now)
	for range n {
		s, ok := e.agenda.take()
		if !ok {
			e.settleCosts(now)
			return false
		}
		told := len(e.out.notices)
		e.judgeScope(s, now)
		if len(e.out.notices) > told {
			e.out.heard = earliest(e.out.heard, e.agenda.heard)
		}
		if toSend(e.out.notices[told:]) {
			break
		}
	}
	return true
}

// toSend says whether any of them is for a channel; what is held back is for the log alone.
func toSend(notices []notice.Notice) bool {
	return slices.ContainsFunc(notices, func(n notice.Notice) bool { return n.Held == "" })
}

func (e *engine) judgeScope(s scope, now time.Time) {
	key := incident.Scope{Kind: incident.Routing, Prefix: s.reg, Offending: s.prefix}
	reg := e.regs.judges(s.prefix)
	if reg == nil || reg.Prefix != s.reg {
		e.tell(e.book.Remove(key, now), now)
		e.agenda.at(s, time.Time{})
		e.noteHijack(e.regs.exact(s.reg), s, nil, now)
		return
	}
	st, entry := e.state(reg, s.prefix, now), e.table.get(s.prefix)
	st.Changed = entry.changed(now)
	if st.Memory != nil && st.Learn() {
		e.out.memories = append(e.out.memories, reg)
		e.recordMissing(reg, st.Gone(), now)
	}
	findings, recheck := detect.All(st)
	e.bench.found = findings
	e.confirm(s, findings)
	before := e.book.Sightings(key)
	e.tell(e.book.Reconcile(key, findings, now, e.world(st, e.reasonFor(s), now)), now)
	e.recordWitnesses(reg, key, before, now)
	e.noteHijack(reg, s, e.book.Culprits(key, wrongOriginTypes...), now)
	e.agenda.at(s, earliest(recheck, e.book.Due(key)))
	if entry != nil && !e.book.Waiting(key) {
		entry.anew = nil
	}
	if s.prefix != s.reg && !e.book.Has(key) {
		e.table.prune(s.prefix)
	}
}

// reasonFor says why something resolves in a scope, where that is not that its condition cleared: under a new configuration
// it may be no condition any more.
func (e *engine) reasonFor(s scope) string {
	if !e.reloaded[s] {
		return ""
	}
	delete(e.reloaded, s)
	return notice.ReasonConfig
}
