package daemon

import (
	"slices"
	"time"

	"peervane/bgp"
	"peervane/daemon/incident"
)

// uplink is whether this host itself is cut off, which holds back whatever would be told of those that it cannot see.
type uplink struct {
	// heard says when any peer was last heard, and how long the silence of all of them must be to prove anything: a third of the
	// hold time, since a keepalive is due by then. nil: sessions prove nothing, as in a replay.
	heard func() (last time.Time, silence time.Duration)

	holds    bool      // it is cut off, or may be
	before   bool      // an earlier run found so, and nothing in this one has shown anything else
	ways     int       // that are probed; 0: not known yet
	due      time.Time // when that is decided
	touched  bool      // something was measured since it was last judged
	released time.Time // when it last held no more: what was measured before proves nothing of a POP
}

var uplinkScope = incident.Scope{Kind: incident.Service, Subject: "uplink"}

// judgeUplink finds that nearly all targets and all peers are silent. While the peers may yet be heard it is not decided, and
// what else would fire is held back.
func (e *engine) judgeUplink(now time.Time) {
	u := &e.uplink
	if u.heard == nil || !u.touched && (u.due.IsZero() || now.Before(u.due)) {
		return
	}
	held := u.holds
	u.holds, u.due, u.touched = false, time.Time{}, false
	since, suspect := e.plane.CutOff()
	if u.before && !suspect && e.stillCutOff() {
		u.holds, u.due = true, now.Add(resumedLook) // nothing may be measured, and that a peer is heard touches nothing here
		return
	}
	var findings []bgp.Finding
	last, silence := u.heard()
	if u.before = false; suspect {
		decided := last.Add(silence)
		switch {
		case !now.Before(decided):
			u.holds = true
			findings = append(findings, e.plane.Uplink(since, last))
		case !last.After(since.Add(heardAlong)):
			u.holds, u.due = true, decided
		default:
			u.due = decided // they speak; should they fall silent, that counts
		}
	}
	e.tell(e.book.HoldBack(u.holds, now), now)
	e.tell(e.book.Reconcile(uplinkScope, findings, now, incident.World{}), now)
	if held && !u.holds {
		u.released = now
		e.release()
	}
}

// resumedLook is how often is looked whether a host that was cut off before a restart still is.
const resumedLook = 10 * time.Second

// stillCutOff says whether nothing in this run shows anything else: no peer was heard, and what was measured leaves it open.
func (e *engine) stillCutOff() bool {
	last, _ := e.uplink.heard()
	return last.IsZero() && len(e.cfg.POPs) > 0 && e.plane.MayBeCutOff(e.uplink.ways)
}

// resumeUplink goes on holding back what an earlier run held back because this host was cut off: that is no less so for a restart.
func (e *engine) resumeUplink(k *kept) {
	if len(e.cfg.POPs) > 0 && slices.ContainsFunc(k.records, func(r incident.Record) bool { return r.Open && r.Scope == uplinkScope }) {
		e.uplink.holds, e.uplink.before = true, true
		e.book.HoldBack(true, time.Time{}) // it is empty yet: nothing is told by that
	}
}

// heardAlong is how much later than the first loss a peer must be heard to prove that it can be: what was under way arrives.
const heardAlong = 2 * time.Second

// release judges anew what was held back.
func (e *engine) release() {
	for _, v := range e.vantages.list {
		e.sessions.touch(v)
	}
	for _, name := range e.pops.names {
		if p := e.pops.byName[name]; !p.heard {
			p.heard = true
			e.pops.touched = append(e.pops.touched, p)
		}
	}
	e.reigns.touched = true
}

// held keeps what is found of a POP from firing while this host may be cut off itself, and after that until every way to the POP was
// measured anew: what was lost before is no fault of the POP. What fires already goes on.
func (e *engine) held(findings []bgp.Finding) []bgp.Finding {
	for i := range findings {
		f := &findings[i]
		f.Quiet = f.Quiet || e.uplink.holds || !e.plane.Fresh(f.POP, e.uplink.released)
	}
	return findings
}
