package notify

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"peervane/daemon/notice"
)

// lanes hold the deliveries of a channel that were read, one lane for each fingerprint: what is told of one condition
// is told in order, from one of its incidents to the next. Only the first of a lane may be sent; one lane that waits for
// its next attempt holds up no other, and may leave its bodies to the outbox.
type lanes struct {
	schedule   schedule
	keepFiring time.Duration // how long an end is held back
	merges     bool          // an end that is overtaken by the next beginning need not be told
	byKey      map[string]*lane
	held       map[int64]bool // by Seq
	bodies     int            // of how many deliveries the body is in memory
}

type lane struct {
	key        string
	due        time.Time // of the first
	thawed     bool      // the first was hurried once
	missed     bool      // the body of the first was not found in the outbox
	partly     int       // how often the first was taken for others alone
	keeps      bool      // the first is an end that is held back
	superseded bool      // the first need not be told any more
	test       bool      // goes before all others, whatever the channel waits for
	deliveries []queued
}

// queued is a delivery with what a channel needs to know of its notice.
type queued struct {
	notice.Delivery
	ends bool // it tells the end of its incident
	away bool // its body is in the outbox alone
}

func newLanes(s schedule, keepFiring time.Duration, merges bool) lanes {
	return lanes{schedule: s, keepFiring: keepFiring, merges: merges, byKey: map[string]*lane{}, held: map[int64]bool{}}
}

// add puts a delivery at its place in its lane, unless it is held already.
func (l *lanes) add(d notice.Delivery, now time.Time) {
	if l.held[d.Seq] {
		return
	}
	l.held[d.Seq] = true
	l.bodies++
	key, ends, test := laneOf(d)
	found, ok := l.byKey[key]
	if !ok {
		found = &lane{key: key, test: test}
		l.byKey[key] = found
	}
	at, _ := slices.BinarySearchFunc(found.deliveries, d.Seq, func(q queued, seq int64) int { return cmp.Compare(q.Seq, seq) })
	found.deliveries = slices.Insert(found.deliveries, at, queued{Delivery: d, ends: ends})
	if at == 0 {
		l.begin(found, now)
	} else if found.keeps {
		l.overtake(found)
	}
}

// laneOf reads of a notice what puts it in order. A body that tells no fingerprint has its incident's lane.
func laneOf(d notice.Delivery) (key string, ends, test bool) {
	var n struct {
		Fingerprint, Type string
		Status            notice.Status
	}
	if err := json.Unmarshal(d.Body, &n); err != nil || n.Fingerprint == "" {
		return d.Incident, false, false
	}
	return n.Fingerprint, n.Status == notice.Resolved, n.Type == notice.Test
}

// begin says when the first of a lane is due: at once, after the attempts it has had, or, if it tells an end, when the
// condition has been gone for so long.
func (l *lanes) begin(of *lane, now time.Time) {
	first := &of.deliveries[0]
	of.due, of.thawed, of.missed, of.partly, of.keeps, of.superseded = l.schedule.due(first.Delivery, now), false, false, 0, false, false
	if !first.ends || first.Attempts > 0 || l.keepFiring == 0 || of.test {
		return
	}
	// What is read from disk tells wall-clock time, which may have been set back since.
	until := first.Created.Add(l.keepFiring)
	if latest := now.Add(l.keepFiring); until.After(latest) {
		until = latest
	}
	if until.After(now) {
		of.due, of.keeps = until, true
		if len(of.deliveries) > 1 {
			l.overtake(of)
		}
	}
}

// overtake ends the wait of an end: the condition is back, and that must be told now.
func (l *lanes) overtake(of *lane) {
	of.due, of.keeps, of.superseded = time.Time{}, false, l.merges
}

// release has the end told now that is held back least long from now on.
func (l *lanes) release() {
	var soonest *lane
	for _, candidate := range l.byKey {
		if candidate.keeps && (soonest == nil || candidate.before(soonest)) {
			soonest = candidate
		}
	}
	if soonest != nil {
		soonest.due, soonest.keeps = time.Time{}, false
	}
}

// first gives the lane that is due first, the oldest delivery of several; nil when there is none. There are few enough
// to look at each.
func (l *lanes) first() *lane {
	return l.firstOf(func(*lane) bool { return true })
}

// dueNow gives that of those which are due and were tried before, or never.
func (l *lanes) dueNow(now time.Time, tried bool) *lane {
	return l.firstOf(func(each *lane) bool { return each.deliveries[0].Attempts > 0 == tried && !each.due.After(now) })
}

func (l *lanes) firstOf(which func(*lane) bool) *lane {
	var first *lane
	for _, candidate := range l.byKey {
		if which(candidate) && (first == nil || candidate.before(first)) {
			first = candidate
		}
	}
	return first
}

func (l *lane) before(other *lane) bool {
	if l.test != other.test {
		return l.test
	}
	if !l.due.Equal(other.due) {
		return l.due.Before(other.due)
	}
	return l.deliveries[0].Seq < other.deliveries[0].Seq
}

// finish takes out the first of a lane.
func (l *lanes) finish(of *lane, now time.Time) {
	delete(l.held, of.deliveries[0].Seq)
	if !of.deliveries[0].away {
		l.bodies--
	}
	of.deliveries[0] = queued{} // its body goes now
	of.deliveries = of.deliveries[1:]
	if len(of.deliveries) == 0 {
		delete(l.byKey, of.key)
		return
	}
	l.begin(of, now)
}

// thaw makes everything due that waits for another attempt; once, so that a delivery which the receiver never takes is
// not tried again with every one that it does take.
func (l *lanes) thaw() {
	for _, each := range l.byKey {
		if !each.thawed && !each.keeps {
			each.due, each.thawed = time.Time{}, true
		}
	}
}
