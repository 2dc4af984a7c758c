package daemon

import (
	"container/heap"
	"net/netip"
	"time"
)

// scope is the unit of judgement: one route prefix under the registration that answers for it. Where both are equal it
// is the exact scope, in which absence and path changes are judged too.
type scope struct{ reg, prefix netip.Prefix }

// agenda is what the engine still has to judge: scopes that were touched, in the order in which they were, and scopes
// that must be looked at again when some time has come. The zero value is empty.
type agenda struct {
	touched []scope
	queued  map[scope]bool
	timed   timedScopes
	wanted  map[scope]time.Time // the earliest time on the heap that still counts, for each scope
}

// touch asks for a scope to be judged now.
func (a *agenda) touch(s scope) {
	if a.queued[s] {
		return
	}
	if a.queued == nil {
		a.queued = map[scope]bool{}
	}
	a.queued[s] = true
	a.touched = append(a.touched, s)
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

// take gives the next touched scope.
func (a *agenda) take() (scope, bool) {
	if len(a.touched) == 0 {
		a.touched = nil // a burst's backing array is not kept
		return scope{}, false
	}
	s := a.touched[0]
	a.touched = a.touched[1:]
	delete(a.queued, s)
	return s, true
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
