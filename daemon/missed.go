package daemon

import (
	"maps"
	"slices"
	"time"

	"peervane/bgp"
	"peervane/daemon/incident"
	"peervane/daemon/notice"
)

// missed are the vantages of an earlier run that may return of themselves, as the neighbours in a dynamic range do, and until when each is
// waited for: incidents rest on them, and this run has no session that would be forgotten.
type missed map[string]time.Time

// returnGrace is how long after a start a vantage may take to return, however long it was away before.
const returnGrace = 10 * time.Minute

func (m missed) next() (first time.Time) {
	for _, until := range m {
		first = earliest(first, until)
	}
	return first
}

// miss waits for those whom open incidents name and nobody knows.
func (e *engine) miss(k *kept) {
	for i := range k.records {
		r := &k.records[i]
		if !r.Open || k.at.IsZero() {
			continue
		}
		for _, w := range r.Bad {
			e.missOne(w.Vantage, k.at)
		}
		if r.Scope.Kind == incident.Session {
			e.missOne(r.Scope.Subject, k.at)
		}
	}
}

func (e *engine) missOne(name string, now time.Time) {
	if e.vantages.named(name) != nil || !e.known.mayReturn(name) {
		return
	}
	since := e.book.Began(incident.Scope{Kind: incident.Session, Subject: name}, notice.SessionDown)
	if since.IsZero() {
		since = now
	}
	until := since.Add(forgetAfter)
	if least := now.Add(returnGrace); until.Before(least) {
		until = least
	}
	if e.missed == nil {
		e.missed = missed{}
	}
	e.missed[name] = until
}

// judgeMissed forgets those that have not returned in time.
func (e *engine) judgeMissed(now time.Time) {
	for _, name := range slices.Sorted(maps.Keys(e.missed)) {
		if now.Before(e.missed[name]) {
			continue
		}
		delete(e.missed, name)
		e.forget(name)
		e.sessions.touch(&vantage{Vantage: &bgp.Vantage{Name: name}})
	}
}

// forget has a vantage that will not return stand for nothing any more.
func (e *engine) forget(name string) {
	of := e.book.Of(name)
	if len(of) > 0 {
		if e.forgotten == nil {
			e.forgotten = map[string]bool{}
		}
		e.forgotten[name] = true
	}
	for _, s := range of {
		if s.Kind == incident.Routing {
			e.agenda.touch(scope{s.Prefix, s.Offending})
		}
	}
	for reg := range e.regs.all() {
		if reg.memory.Forget(name) {
			e.out.memories = append(e.out.memories, reg)
		}
	}
}
