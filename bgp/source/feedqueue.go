package source

import (
	"sync"
	"time"

	"peervane/bgp"
)

// feedQueue holds what the vantages of a feed have to tell: one Pending each, so that what waits is bounded by what is watched. It
// never blocks.
type feedQueue struct {
	wake chan struct{}

	mu      sync.Mutex
	pending map[*bgp.Vantage]*Pending
	waiting []*bgp.Vantage // with something to tell, in the order in which that began
	listed  map[*bgp.Vantage]bool
	rest    []bgp.Input // of the one that is being taken from
	held    bool
	gained  time.Time // when prefixes were registered last that nobody has been asked for
}

func newFeedQueue(wake chan struct{}) *feedQueue {
	return &feedQueue{wake: wake, pending: map[*bgp.Vantage]*Pending{}, listed: map[*bgp.Vantage]bool{}}
}

// Put implements Sink. Its error is always nil.
func (q *feedQueue) Put(in bgp.Input) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	v := in.Of()
	p := q.pending[v]
	if p == nil {
		p = NewPending(nil)
		q.pending[v] = p
	}
	_ = p.Put(in) // always nil
	if !q.listed[v] {
		q.listed[v] = true
		q.waiting = append(q.waiting, v)
	}
	if !q.held {
		q.ring()
	}
	return nil
}

// hold has everything wait that is put until release: of what belongs together the engine hears nothing before it is whole.
func (q *feedQueue) hold() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.held = true
}

func (q *feedQueue) release() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.held = false
	if len(q.waiting)+len(q.rest) > 0 {
		q.ring()
	}
}

func (q *feedQueue) ring() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// gain notes that more is watched from now on: what was said before to be a whole table was not asked for it.
func (q *feedQueue) gain(at time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.gained = at
}

// eventWeight is how many changes a session event counts for: that a vantage is lost costs the engine all that it showed.
const eventWeight = 8

// take gives about so many Inputs.
func (q *feedQueue) take(buf []bgp.Input, most int) (_ []bgp.Input, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for most > 0 {
		if len(q.rest) == 0 && !q.next() {
			return buf, false
		}
		in := q.rest[0]
		if end, ok := in.(bgp.EndOfRIB); !ok || !end.At.Before(q.gained) {
			buf = append(buf, in)
		}
		q.rest = q.rest[1:]
		if _, ok := in.(bgp.Change); ok {
			most--
		} else {
			most -= eventWeight
		}
	}
	return buf, len(q.rest) > 0 || len(q.waiting) > 0 && !q.held
}

// next takes up the vantage that has waited longest.
func (q *feedQueue) next() bool {
	if q.held || len(q.waiting) == 0 {
		return false
	}
	v := q.waiting[0]
	q.waiting = q.waiting[1:]
	delete(q.listed, v)
	q.rest = q.pending[v].Take(nil)
	if n := len(q.rest); n > 0 {
		if _, gone := q.rest[n-1].(bgp.Gone); gone {
			delete(q.pending, v)
		}
	}
	return true
}

// empty says whether everything was taken.
func (q *feedQueue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)+len(q.rest) == 0
}
