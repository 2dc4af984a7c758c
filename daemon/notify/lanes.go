package notify

import (
	"cmp"
	"slices"
	"time"

	"peervane/daemon/notice"
)

// lanes hold the deliveries of a channel that are in memory, one lane for each incident. Only the first of a lane may be
// sent, so that an incident is told in order; one lane that waits for its next attempt holds up no other.
type lanes struct {
	schedule   schedule
	byIncident map[string]*lane
	held       map[int64]bool // by Seq
}

type lane struct {
	due        time.Time // of the first
	thawed     bool      // the first was hurried once
	deliveries []notice.Delivery
}

func newLanes(s schedule) lanes { return lanes{s, map[string]*lane{}, map[int64]bool{}} }

func (l *lanes) len() int { return len(l.held) }

// add puts a delivery at its place in its lane, unless it is held already.
func (l *lanes) add(d notice.Delivery, now time.Time) {
	if l.held[d.Seq] {
		return
	}
	l.held[d.Seq] = true
	found, ok := l.byIncident[d.Incident]
	if !ok {
		found = &lane{}
		l.byIncident[d.Incident] = found
	}
	at, _ := slices.BinarySearchFunc(found.deliveries, d.Seq, func(d notice.Delivery, seq int64) int { return cmp.Compare(d.Seq, seq) })
	found.deliveries = slices.Insert(found.deliveries, at, d)
	if at == 0 {
		found.due = l.schedule.due(d, now)
	}
}

// first gives the lane that is due first, the oldest delivery of several; nil when there is none. The lanes in memory
// are few enough to look at each.
func (l *lanes) first() *lane {
	var first *lane
	for _, candidate := range l.byIncident {
		if first == nil || candidate.before(first) {
			first = candidate
		}
	}
	return first
}

func (l *lane) before(other *lane) bool {
	if !l.due.Equal(other.due) {
		return l.due.Before(other.due)
	}
	return l.deliveries[0].Seq < other.deliveries[0].Seq
}

// finish takes out the first of a lane.
func (l *lanes) finish(of *lane, now time.Time) {
	d := of.deliveries[0]
	delete(l.held, d.Seq)
	of.deliveries = of.deliveries[1:]
	if len(of.deliveries) == 0 {
		delete(l.byIncident, d.Incident)
		return
	}
	of.due, of.thawed = l.schedule.due(of.deliveries[0], now), false
}

// thaw makes everything due that waits for another attempt; once, so that a delivery which the receiver never takes is
// not tried again with every one that it does take.
func (l *lanes) thaw() {
	for _, each := range l.byIncident {
		if !each.thawed {
			each.due, each.thawed = time.Time{}, true
		}
	}
}
