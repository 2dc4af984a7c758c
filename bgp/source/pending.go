package source

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"

	"peervane/bgp"
)

// Pending holds what a live peer has to tell until the engine takes it. Put never blocks: changes of one prefix, path
// and cause merge into one, which keeps the last state, the first and the last time, and exact counts. So at most a
// few changes for each watched route wait between two session events. Session events are never merged, and no change
// moves across one.
//
// The peer puts, the engine takes; both may be different goroutines.
type Pending struct {
	wake chan struct{}

	mu    sync.Mutex
	spans []span                             // what waits, in order; the last one has no event yet
	limit *bgp.LimitExceeded                 // only the latest counts, and it stands beside the routes
	leaks *bgp.LeakedTable                   // likewise
	drops [bgp.NumFamilies]*bgp.TableDropped // likewise
	index map[changeKey]int32                // into the changes of the last span
	seq   uint64
}

// span is the changes up to a session event.
type span struct {
	changes []pendingChange
	event   bgp.Input
}

type changeKey struct {
	prefix netip.Prefix
	pathID uint32
	cause  bgp.Cause
}

type pendingChange struct {
	bgp.Change
	seq uint64 // of the last that was merged in
}

// maxEvents is how many session events may wait. An engine that is so far behind a flapping session is told of its last
// loss alone, after which nothing of before matters. Between two of them each family has one End-of-RIB.
const maxEvents = 256

// smallIndex is how many changes an index may have held that is used again: a burst's memory is not kept.
const smallIndex = 64

// NewPending makes an empty queue. Whenever something waits, wake has been sent to, without blocking; several queues
// may share a channel (of capacity 1). With nil it gets its own.
func NewPending(wake chan struct{}) *Pending {
	if wake == nil {
		wake = make(chan struct{}, 1)
	}
	return &Pending{wake: wake}
}

// Wake is the channel to wait on before Take.
func (p *Pending) Wake() <-chan struct{} { return p.wake }

// Put adds one Input. It never blocks, and its error is always nil.
func (p *Pending) Put(in bgp.Input) error {
	p.mu.Lock()
	switch in := in.(type) {
	case bgp.Change:
		p.change(in)
	case bgp.LimitExceeded:
		p.limit = &in
	case bgp.LeakedTable:
		p.leaks = &in
	case bgp.TableDropped:
		p.drops[in.Family] = &in
	default:
		p.event(in)
	}
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
	return nil
}

// last is the open span.
func (p *Pending) last() *span {
	if n := len(p.spans); n > 0 && p.spans[n-1].event == nil {
		return &p.spans[n-1]
	}
	p.spans = append(p.spans, span{})
	return &p.spans[len(p.spans)-1]
}

func (p *Pending) change(c bgp.Change) {
	p.seq++
	s, key := p.last(), changeKey{c.Prefix, c.PathID, c.Cause}
	if i, ok := p.index[key]; ok {
		merge(&s.changes[i].Change, c)
		s.changes[i].seq = p.seq
		return
	}
	if p.index == nil {
		p.index = make(map[changeKey]int32)
	}
	p.index[key] = int32(len(s.changes))
	s.changes = append(s.changes, pendingChange{c, p.seq})
}

// merge adds a later change to an earlier one.
func merge(into *bgp.Change, c bgp.Change) {
	into.Attrs, into.At = c.Attrs, c.At
	into.Announced += c.Announced
	into.Withdrawn += c.Withdrawn
	into.PathChanges += c.PathChanges
}

func (p *Pending) event(in bgp.Input) {
	if len(p.spans) >= maxEvents {
		switch event := in.(type) {
		case bgp.SessionDown:
			event.Kept = nil
			in, p.spans = event, nil
		case bgp.SessionUp: // of a peer that says so again and again: what it showed before is lost too
			down := bgp.SessionDown{Vantage: event.Vantage, At: event.At, Reason: "the session came up again"}
			p.spans = []span{{event: down}}
		}
	}
	p.last().event = in
	p.index = nil
}

// Take appends everything that waits to buf. Between two session events, changes come in the order of their last time.
func (p *Pending) Take(buf []bgp.Input) []bgp.Input {
	p.mu.Lock()
	spans, limit, leaks, drops := p.spans, p.limit, p.leaks, p.drops
	p.spans, p.limit, p.leaks, p.drops = nil, nil, nil, [bgp.NumFamilies]*bgp.TableDropped{}
	if len(p.index) > smallIndex {
		p.index = nil
	}
	clear(p.index)
	p.mu.Unlock()
	for _, s := range spans {
		slices.SortFunc(s.changes, func(a, b pendingChange) int { return cmp.Compare(a.seq, b.seq) })
		for _, c := range s.changes {
			buf = append(buf, c.Change)
		}
		if s.event != nil {
			buf = append(buf, s.event)
		}
	}
	if limit != nil {
		buf = append(buf, *limit)
	}
	if leaks != nil {
		buf = append(buf, *leaks)
	}
	for _, d := range drops {
		if d != nil {
			buf = append(buf, *d)
		}
	}
	return buf
}
