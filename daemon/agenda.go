package daemon

import (
	"container/heap"
	"net/netip"
	"time"

	"peervane/bgp"
	"peervane/config"
)

// scope is the unit of judgement: one route prefix under the registration that answers for it. Where both are equal it
// is the exact scope, in which absence and path changes are judged too.
type scope struct{ reg, prefix netip.Prefix }

// agenda is what the engine still has to judge: scopes that a change touched, in the order in which they were; then those that
// a session's first table did, or the loss of its table, so that it holds up nobody else's changes; after those
// the ones that a change of the whole may concern, a session in sync or lost, a reload, of which there may be very many:
// all exact scopes, which are not listed but gone through, and single ones; and scopes that must be looked at again when some time has come. The zero value is empty.
type agenda struct {
	heard   time.Time // when the change was read that touches scopes now, or did the one that was taken last; zero: no change does
	touched queue
	shown   queue
	taken   uint // of both
	tours   [bgp.NumFamilies]tour
	later   queue
	timed   timedScopes
	wanted  map[scope]time.Time // the earliest time on the heap that still counts, for each scope
}

// touch asks for a scope to be judged now.
func (a *agenda) touch(s scope) { a.touched.add(s, a.heard) }

// show asks for a scope to be judged when all is judged that was touched by other than first tables.
func (a *agenda) show(s scope) {
	if !a.touched.has[s].wanted {
		a.shown.add(s, a.heard)
	}
}

// review asks for a scope to be judged when all is judged that was touched.
func (a *agenda) review(s scope) {
	if !a.touched.has[s].wanted && !a.shown.has[s].wanted {
		a.later.add(s, time.Time{})
	}
}

// reviewAll asks for the exact scopes of a family to be judged when all is judged that was touched.
func (a *agenda) reviewAll(f bgp.Family, registered []config.Registration) {
	a.tours[f].begin(registered)
}

// at asks for a scope to be judged at t; it replaces the scope's earlier wish. The zero time withdraws it.
func (a *agenda) at(s scope, t time.Time) {
	if t.IsZero() {
		delete(a.wanted, s)
		return
	}
	if a.wanted == nil {
		a.wanted = map[scope]time.Time{}
	}
	if have, ok := a.wanted[s]; ok && have.Equal(t) {
		return
	}
	a.wanted[s] = t
	heap.Push(&a.timed, timedScope{t, s})
	if len(a.timed) > 2*len(a.wanted)+minTimed {
		a.compact()
	}
}

// minTimed is how many times may be on the heap that do not count any more, whatever counts.
const minTimed = 64

// compact drops from the heap what does not count any more.
func (a *agenda) compact() {
	a.timed = a.timed[:0]
	for s, t := range a.wanted {
		a.timed = append(a.timed, timedScope{t, s})
	}
	heap.Init(&a.timed) // times and prefixes order it wholly, so the order of the map does not show
}

// due moves every scope whose time has come to the touched ones.
func (a *agenda) due(now time.Time) {
	for len(a.timed) > 0 && !a.timed[0].at.After(now) {
		first := heap.Pop(&a.timed).(timedScope)
		if t, ok := a.wanted[first.scope]; ok && t.Equal(first.at) {
			delete(a.wanted, first.scope)
			a.touch(first.scope)
		}
	}
	if len(a.wanted) == 0 {
		a.wanted, a.timed = nil, nil // a burst's memory is not kept
	}
}

// next is when due has something to do; false when nothing waits for a time.
func (a *agenda) next() (time.Time, bool) {
	for len(a.timed) > 0 {
		first := a.timed[0]
		if t, ok := a.wanted[first.scope]; ok && t.Equal(first.at) {
			return first.at, true
		}
		heap.Pop(&a.timed)
	}
	return time.Time{}, false
}

// take gives the next scope to judge.
func (a *agenda) take() (scope, bool) {
	first, second := &a.touched, &a.shown
	if a.taken++; a.taken%8 == 0 {
		first, second = second, first // so that first tables are judged whatever else changes
	}
	s, heard, ok := first.take()
	if !ok {
		s, heard, ok = second.take()
	}
	a.heard = heard
	a.touched.pass(s)
	a.shown.pass(s)
	for f := 0; !ok && f < len(a.tours); f++ {
		s, ok = a.tours[f].take(bgp.Family(f))
	}
	if !ok {
		s, _, ok = a.later.take()
		return s, ok
	}
	a.later.pass(s)
	return s, true
}

// waits says whether there is anything to judge.
func (a *agenda) waits() bool {
	for i := range a.tours {
		if len(a.tours[i].rest) > 0 {
			return true
		}
	}
	return len(a.touched.list)+len(a.shown.list)+len(a.later.list) > 0
}

// queue holds each scope at most once, first in, first out.
type queue struct {
	list []scope
	has  map[scope]wish
	most int // that it has held since it was empty
}

// wish is that a scope be judged.
type wish struct {
	wanted bool      // false: it was taken out of turn
	heard  time.Time // when the change was read that asked for it first; zero: no change did
}

func (q *queue) add(s scope, heard time.Time) {
	have, listed := q.has[s]
	if have.wanted {
		return
	}
	if q.has == nil {
		q.has = map[scope]wish{}
	}
	if !listed {
		q.list = append(q.list, s)
		q.most = max(q.most, len(q.list))
	}
	q.has[s] = wish{true, heard}
}

// pass takes a scope out of turn: judged now, it is not once more.
func (q *queue) pass(s scope) {
	if q.has[s].wanted {
		q.has[s] = wish{}
	}
}

func (q *queue) take() (s scope, heard time.Time, ok bool) {
	for len(q.list) > 0 {
		s := q.list[0]
		q.list = q.list[1:]
		have := q.has[s]
		delete(q.has, s)
		if have.wanted {
			return s, have.heard, true
		}
	}
	if q.most > bite {
		*q = queue{} // a burst's memory is not kept
	}
	return scope{}, time.Time{}, false
}

type timedScope struct {
	at    time.Time
	scope scope
}

type timedScopes []timedScope

func (t timedScopes) Len() int           { return len(t) }
func (t timedScopes) Less(i, j int) bool { return t[i].before(t[j]) }
func (t timedScopes) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *timedScopes) Push(x any)        { *t = append(*t, x.(timedScope)) }
func (t *timedScopes) Pop() any {
	old := *t
	last := old[len(old)-1]
	*t = old[:len(old)-1]
	return last
}

// before breaks ties by prefix, so that a replay judges in the same order every time.
func (t timedScope) before(u timedScope) bool {
	if !t.at.Equal(u.at) {
		return t.at.Before(u.at)
	}
	if c := t.scope.reg.Compare(u.scope.reg); c != 0 {
		return c < 0
	}
	return t.scope.prefix.Compare(u.scope.prefix) < 0
}
