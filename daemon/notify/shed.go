package notify

import (
	"context"
	"math"
	"slices"
	"time"

	"go.uber.org/zap"
)

// shed leaves the bodies of what can wait to the outbox, until there is room for so many more, as far as that is possible: of what was
// refused, and of ends that are held back, the least urgent first.
func (l *lanes) shed(room int, now time.Time) {
	if window-l.bodies >= room {
		return
	}
	var waiting []*lane
	for _, each := range l.byKey {
		if each.canWait(now) && slices.ContainsFunc(each.deliveries, func(q queued) bool { return !q.away }) {
			waiting = append(waiting, each)
		}
	}
	slices.SortFunc(waiting, func(a, b *lane) int {
		if a.before(b) {
			return 1
		}
		return -1
	})
	for _, each := range waiting {
		if window-l.bodies >= room {
			return
		}
		l.strip(each)
	}
}

// many says whether as many are held as may be.
func (l *lanes) many() bool { return len(l.held) > remembered-page }

func (l *lane) canWait(now time.Time) bool {
	return !l.test && (l.deliveries[0].Attempts > 0 || l.due.After(now))
}

// strip takes the bodies of a lane out of memory.
func (l *lanes) strip(of *lane) {
	for i := range of.deliveries {
		if q := &of.deliveries[i]; !q.away {
			q.Body, q.away = nil, true
			l.bodies--
		}
	}
}

// putOff has those from one number to before another wait whose body is in the outbox alone, and is needed.
func (l *lanes) putOff(from, to int64, until time.Time) {
	for _, each := range l.byKey {
		first := &each.deliveries[0]
		if first.away && !each.superseded && first.Seq >= from && first.Seq < to && each.due.Before(until) {
			each.due = until
		}
	}
}

// fetch has the body of the first of a lane in memory again. Where the outbox cannot be read, it is tried again later.
func (c *channel) fetch(ctx context.Context, l *lane) (ok bool) {
	first := &l.deliveries[0]
	if !first.away {
		return true
	}
	rows, err := c.journal.Pending(ctx, c.name, first.Seq-1, 1)
	now := time.Now()
	switch {
	case len(rows) > 0 && rows[0].Seq == first.Seq:
		c.queue.shed(1, now)
		first.Body, first.away = rows[0].Body, false
		c.queue.bodies++
		return true
	case err != nil:
		next := int64(math.MaxInt64) // that memory has: nothing before it can be read now
		if len(rows) > 0 {
			next = rows[0].Seq
		}
		c.queue.putOff(first.Seq, next, now.Add(rereadWait))
		c.unreadable(err, now)
	case !l.missed: // the database may just have been replaced
		l.missed, l.due = true, now.Add(rereadWait)
	default:
		c.log.Error("notice not delivered, it is not in the outbox any more", zap.String("delivery", first.ID), zap.String("incident", first.Incident))
		c.queue.finish(l, now)
	}
	return false
}
