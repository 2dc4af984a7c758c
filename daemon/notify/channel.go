package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"go.uber.org/zap"

	"peervane/config"
	"peervane/daemon/notice"
)

const (
	window     = 512             // deliveries of a channel in memory; the others wait in the outbox
	page       = window / 2      // that are read at once
	rereadWait = 5 * time.Second // until the outbox is read again when it could not be
)

// channel takes the deliveries of one channel from the outbox to its notifier. One goroutine owns it.
type channel struct {
	name     string
	config   string // tells this configuration from any other
	notifier Notifier
	journal  Journal
	metrics  Metrics
	log      *zap.Logger
	wake     chan struct{}
	schedule schedule

	queue    lanes
	after    int64     // the last delivery that was read from the outbox
	more     bool      // there may be more to read
	reread   time.Time // no reading before
	failures int       // in a row
	until    time.Time // nothing is sent before
}

func newChannel(c config.Channel, n Notifier, opts Options, log *zap.Logger, wake chan struct{}) *channel {
	return &channel{
		name: c.Name, config: digest(c), notifier: n, journal: opts.Journal, metrics: opts.Metrics, log: log, wake: wake,
		schedule: opts.schedule, queue: newLanes(opts.schedule), more: true,
	}
}

// digest tells one configuration of a channel from another, secrets included, and gives none away.
func digest(c config.Channel) string {
	h := sha256.New()
	fmt.Fprintf(h, "%#v\n%q\n", c, c.URL.Reveal())
	for _, key := range c.Secrets {
		fmt.Fprintf(h, "%q\n", key.Reveal())
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func (c *channel) run(ctx context.Context) {
	defer func() { c.notifier.Close() }() // the notifier may have changed by then
	if config, err := c.journal.Disabled(ctx, c.name); err != nil {
		c.log.Warn("cannot read whether the channel is disabled", zap.Error(err))
	} else if config == c.config {
		c.disable()
	}
	for ctx.Err() == nil {
		c.fill(ctx)
		c.metrics.OutboxDepth(c.name, c.journal.Depth(c.name))
		now := time.Now()
		next := c.queue.first()
		if next != nil && !c.notBefore(next).After(now) {
			c.attempt(ctx, next)
			continue
		}
		c.sleep(ctx, next, now)
	}
}

// fill reads more of the outbox, if there is room for it.
func (c *channel) fill(ctx context.Context) {
	for now := time.Now(); c.more && c.queue.len() <= window-page && !c.reread.After(now); {
		rows, err := c.journal.Pending(ctx, c.name, c.after, page)
		for _, d := range rows {
			c.queue.add(d, now)
		}
		if err != nil {
			// What came is from memory alone: what is on disk before it is still to be read.
			c.log.Warn("outbox cannot be read, trying again", zap.Error(err))
			c.reread = now.Add(rereadWait)
			return
		}
		if c.more = len(rows) > 0; c.more {
			c.after = rows[len(rows)-1].Seq
		}
	}
}

// notBefore is when the first of a lane may be sent.
func (c *channel) notBefore(l *lane) time.Time {
	if l.due.Before(c.until) {
		return c.until
	}
	return l.due
}

// sleep waits for what comes first: the next attempt, the next reading, or a call.
func (c *channel) sleep(ctx context.Context, next *lane, now time.Time) {
	var alarm <-chan time.Time
	wait := time.Duration(-1)
	if next != nil {
		wait = c.notBefore(next).Sub(now)
	}
	if c.more && c.reread.After(now) && (wait < 0 || c.reread.Sub(now) < wait) {
		wait = c.reread.Sub(now)
	}
	if wait >= 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		alarm = timer.C
	}
	select {
	case <-ctx.Done():
	case <-alarm:
	case <-c.wake:
		c.more = true
	}
}

// attempt sends the first of a lane once, and keeps what came of it.
func (c *channel) attempt(ctx context.Context, l *lane) {
	d := &l.deliveries[0]
	result := c.notifier.Send(ctx, *d)
	if ctx.Err() != nil && result.Outcome != Delivered {
		return // broken off, which says nothing of the receiver
	}
	d.Attempts++
	switch result.Outcome {
	case Delivered:
		c.delivered(l, d)
	case Retry:
		c.retry(l, d, result)
	case Permanent:
		c.bury(l, d, result.Err)
	case Gone:
		c.bury(l, d, result.Err)
		c.journal.Disable(c.name, c.config)
		c.metrics.Notice(c.name, "disabled")
		c.disable()
	}
}

func (c *channel) delivered(l *lane, d *notice.Delivery) {
	c.finish(l, d, notice.Delivered)
	c.metrics.Notice(c.name, "delivered")
	if c.failures > 0 {
		c.log.Info("channel works again", zap.Int("failures", c.failures))
		c.queue.thaw() // what waits for a channel that was down has waited long enough
	}
	c.failures, c.until = 0, time.Time{}
}

func (c *channel) retry(l *lane, d *notice.Delivery, result Result) {
	now := time.Now()
	d.Error = result.Err.Error()
	if c.schedule.expired(*d, now) {
		c.bury(l, d, fmt.Errorf("given up after %d attempts: %w", d.Attempts, result.Err))
		return
	}
	c.failures++
	d.NextAt = now.Add(c.schedule.delay(d.Attempts))
	c.until = now.Add(c.schedule.pause(c.failures))
	if result.After > 0 {
		// The receiver speaks of itself, not of this delivery.
		c.until = now.Add(asked(result.After))
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
	c.finish(l, d, notice.Dead)
}

func (c *channel) finish(l *lane, d *notice.Delivery, state notice.DeliveryState) {
	d.State, d.NextAt = state, time.Time{}
	c.journal.Record(*d)
	c.queue.finish(l, time.Now())
}

// disable sends nothing any more, until the channel's configuration changes.
func (c *channel) disable() {
	c.log.Error("channel disabled: it answered 410 Gone; change its configuration to enable it")
	c.notifier.Close()
	c.notifier = disabled{}
	c.failures, c.until = 0, time.Time{}
	for _, l := range c.queue.byIncident {
		l.due = time.Time{}
	}
}
