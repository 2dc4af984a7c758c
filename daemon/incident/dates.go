package incident

import (
	"cmp"
	"container/heap"
	"time"
)

// dates remembers when scopes are to be judged again, one time for each. The zero value is empty.
type dates struct {
	queue  appointments
	wanted map[Scope]time.Time // an appointment that is not this one is void
}

type appointment struct {
	at    time.Time
	scope Scope
}

// set replaces a scope's time; zero = none.
func (d *dates) set(s Scope, t time.Time) {
	if t.IsZero() {
		delete(d.wanted, s)
		return
	}
	if d.wanted == nil {
		d.wanted = map[Scope]time.Time{}
	}
	if have, ok := d.wanted[s]; ok && have.Equal(t) {
		return
	}
	d.wanted[s] = t
	heap.Push(&d.queue, appointment{t, s})
}

// next is the earliest time; zero = none.
func (d *dates) next() time.Time {
	for len(d.queue) > 0 {
		if d.valid(d.queue[0]) {
			return d.queue[0].at
		}
		heap.Pop(&d.queue)
	}
	return time.Time{}
}

// due takes out every scope whose time has come.
func (d *dates) due(now time.Time) []Scope {
	var out []Scope
	for t := d.next(); !t.IsZero() && !t.After(now); t = d.next() {
		a := heap.Pop(&d.queue).(appointment)
		delete(d.wanted, a.scope)
		out = append(out, a.scope)
	}
	return out
}

func (d *dates) valid(a appointment) bool {
	t, ok := d.wanted[a.scope]
	return ok && t.Equal(a.at)
}

// appointments is a heap by time, then scope.
type appointments []appointment

func (a appointments) Len() int { return len(a) }
func (a appointments) Less(i, j int) bool {
	return cmp.Or(a[i].at.Compare(a[j].at), a[i].scope.compare(a[j].scope)) < 0
}
func (a appointments) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *appointments) Push(x any)   { *a = append(*a, x.(appointment)) }
func (a *appointments) Pop() any {
	old := *a
	last := old[len(old)-1]
	*a = old[:len(old)-1]
	return last
}
