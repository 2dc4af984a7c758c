package notify

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"peervane/daemon/notice"
)

// attempt sends the first of a lane once, and keeps what came of it.
func (c *channel) attempt(ctx context.Context, l *lane) {
	d := &l.deliveries[0].Delivery
	if l.superseded {
		c.finish(l, d, notice.Delivered)
		c.metrics.Notice(c.name, "superseded")
		return
	}
	if !c.fetch(ctx, l) {
		return
	}
	result := c.notifier.Send(ctx, *d)
	if ctx.Err() != nil && result.Outcome != Delivered {
		return // broken off, which says nothing of the receiver
	}
	d.Attempts++
	switch result.Outcome {
	case Delivered:
		c.delivered(l, d, result.Err)
	case Retry:
		c.retry(l, d, result)
	case Permanent:
		c.bury(l, d, result.Err)
	case Gone:
		c.bury(l, d, result.Err)
		c.gone()
	}
	c.rest(time.Now())
}

// rest keeps to the pace that the receiver can take.
func (c *channel) rest(now time.Time) {
	if next := now.Add(c.kind.pace); c.until.Before(next) {
		c.until = next
	}
}

func (c *channel) delivered(l *lane, d *notice.Delivery, flaw error) {
	if flaw != nil {
		c.log.Warn("notice delivered, but not to all", zap.String("delivery", d.ID), zap.String("incident", d.Incident), zap.Error(flaw))
	}
	c.remember(l, *d)
	c.finish(l, d, notice.Delivered)
	c.metrics.Notice(c.name, "delivered")
	c.works()
}

// works is called when the receiver has taken something.
func (c *channel) works() {
	if c.failures > 0 || !c.health.Behind.IsZero() { // it was down now, or in an earlier run
		c.log.Info("channel works again", zap.Int("failures", c.failures))
		c.queue.thaw() // what waits for a channel that was down has waited long enough
	}
	c.failures, c.until = 0, time.Time{}
	c.show(Health{})
}

// fails is called when the receiver has not taken something that it may take later.
func (c *channel) fails(result Result, now time.Time) {
	c.failures++
	c.ill(result.Err, now)
	c.until = now.Add(c.schedule.pause(c.failures))
	if result.After > 0 {
		c.until = now.Add(asked(result.After)) // the receiver speaks of itself, not of this delivery
	}
}

func (c *channel) retry(l *lane, d *notice.Delivery, result Result) {
	now := time.Now()
	d.Error = result.Err.Error()
	if result.Partly {
		l.partly++
	}
	if c.schedule.expired(*d, now) || l.partly >= partlyTries {
		c.bury(l, d, fmt.Errorf("given up after %d attempts: %w", d.Attempts, result.Err))
		return
	}
	if result.Partly {
		c.works()
	} else {
		c.fails(result, now)
	}
	d.NextAt = now.Add(c.schedule.delay(d.Attempts))
	if result.After > 0 {
		d.NextAt = c.until
	}
	l.due = d.NextAt
	c.journal.Record(*d)
	c.metrics.Notice(c.name, "retried")
	c.log.Warn("notice not delivered, trying again", zap.String("delivery", d.ID), zap.String("incident", d.Incident),
		zap.Int("attempts", d.Attempts), zap.Time("next", d.NextAt), zap.Error(result.Err))
}

func (c *channel) bury(l *lane, d *notice.Delivery, why error) {
	d.Error = why.Error()
	c.log.Error("notice not delivered, kept among the dead letters", zap.String("delivery", d.ID),
		zap.String("incident", d.Incident), zap.Int("attempts", d.Attempts), zap.Error(why))
	c.metrics.Notice(c.name, "dead")
	if l.deliveries[0].ends {
		delete(c.standing, l.key)
	}
	c.finish(l, d, notice.Dead)
	c.board.changed()
}

func (c *channel) finish(l *lane, d *notice.Delivery, state notice.DeliveryState) {
	d.State, d.NextAt = state, time.Time{}
	c.journal.Record(*d)
	c.queue.finish(l, time.Now())
}

// gone keeps that the receiver wants no more.
func (c *channel) gone() {
	c.journal.Disable(c.name, c.config)
	c.metrics.Notice(c.name, "disabled")
	c.disable()
}

// disable sends nothing any more, until the channel's configuration changes.
func (c *channel) disable() {
	c.log.Error("channel disabled", zap.Error(errDisabled))
	c.notifier.Close()
	c.notifier = disabled{}
	c.failures, c.until, c.chores = 0, time.Time{}, nil
	c.show(Health{Useless: true, Error: errDisabled.Error(), At: time.Now()})
	for _, l := range c.queue.byKey {
		l.due = time.Time{}
	}
}
