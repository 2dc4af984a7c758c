package notify

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	"peervane/daemon/notice"
)

// chore is what a channel does by the clock, beside the outbox.
type chore struct {
	every time.Duration
	look  time.Duration // when to look again where there was nothing to do
	due   time.Time     // zero: at once
	do    func(ctx context.Context, now time.Time) (result Result, done bool)
}

// nextChore is the one that is due first; nil when there is none.
func (c *channel) nextChore() *chore {
	if len(c.chores) == 0 {
		return nil
	}
	return slices.MinFunc(c.chores, func(a, b *chore) int { return a.due.Compare(b.due) })
}

// doChore makes one attempt at it. One that fails is not tried again before it is due again.
func (c *channel) doChore(ctx context.Context, task *chore, now time.Time) {
	task.due = now.Add(task.every)
	result, done := task.do(ctx, now)
	if !done {
		task.due = now.Add(task.look)
		return
	}
	if ctx.Err() != nil && result.Outcome != Delivered {
		return // broken off
	}
	now = time.Now()
	switch result.Outcome {
	case Delivered:
		c.works()
	case Gone:
		c.gone()
	default:
		if result.Outcome == Permanent { // that it is refused says nothing of what is to be told
			c.ill(result.Err, now)
		} else {
			c.fails(result, now)
		}
		c.metrics.Notice(c.name, "retried")
		c.log.Warn("notice not repeated, trying again when it is due", zap.Duration("every", task.every), zap.Error(result.Err))
	}
	c.rest(now)
}

// remember keeps what the receiver was told last of an incident that stands, to tell it again.
func (c *channel) remember(l *lane, d notice.Delivery) {
	switch {
	case c.standing == nil:
	case l.deliveries[0].ends:
		delete(c.standing, l.key)
	default:
		c.standing[l.key] = d
	}
}

// repeat is the chore of telling again what stands.
func (c *channel) repeat(to Repeater) func(context.Context, time.Time) (Result, bool) {
	return func(ctx context.Context, _ time.Time) (Result, bool) {
		c.recall(ctx)
		if len(c.standing) == 0 {
			return Result{}, false
		}
		all := slices.SortedFunc(maps.Values(c.standing), func(a, b notice.Delivery) int { return cmp.Compare(a.Incident, b.Incident) })
		return to.Repeat(ctx, all), true
	}
}

// recall reads, once, what was told before this run and stands.
func (c *channel) recall(ctx context.Context) {
	if c.recalled {
		return
	}
	before, err := c.journal.Standing(ctx, c.name)
	if err != nil {
		c.log.Warn("cannot read what was told before, trying again", zap.Error(err))
		return
	}
	c.recalled = true
	for _, d := range before {
		if key, ends, _ := laneOf(d); !ends {
			if _, newer := c.standing[key]; !newer {
				c.standing[key] = d
			}
		}
	}
}
