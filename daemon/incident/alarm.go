package incident

import (
	"cmp"
	"container/heap"
	"time"
)

// alarms are the times at which incidents must be looked at again, one for each: the earliest that was asked for. What
// rings too early does no harm. The zero value is empty.
type alarms struct {
	heap alarmHeap
	due  map[string]time.Time // those on the heap that still count
}

type alarm struct {
	at time.Time
	id string
}

func (a *alarms) set(id string, at time.Time) {
	if have, ok := a.due[id]; ok && !at.Before(have) {
		return
	}
	if a.due == nil {
		a.due = map[string]time.Time{}
	}
	a.due[id] = at
	heap.Push(&a.heap, alarm{at, id})
}

func (a *alarms) drop(id string) { delete(a.due, id) }

// next is the first alarm; zero when there is none.
func (a *alarms) next() time.Time {
	for len(a.heap) > 0 {
		first := a.heap[0]
		if at, ok := a.due[first.id]; ok && at.Equal(first.at) {
			return first.at
		}
		heap.Pop(&a.heap)
	}
	return time.Time{}
}

// take gives the next incident whose time has come.
func (a *alarms) take(now time.Time) (id string, ok bool) {
	at := a.next()
	if len(a.heap) == 0 || at.After(now) {
		return "", false
	}
	first := heap.Pop(&a.heap).(alarm)
	delete(a.due, first.id)
	return first.id, true
}

type alarmHeap []alarm

func (h alarmHeap) Len() int { return len(h) }
func (h alarmHeap) Less(i, j int) bool {
	return cmp.Or(h[i].at.Compare(h[j].at), cmp.Compare(h[i].id, h[j].id)) < 0
}
func (h alarmHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *alarmHeap) Push(x any)   { *h = append(*h, x.(alarm)) }
func (h *alarmHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
