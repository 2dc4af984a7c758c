package notify

import (
	"cmp"
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
	window     = 512             // deliveries of a channel that are in memory with their bodies; the others wait in the outbox
	page       = window / 2      // that are read at once
	remembered = 16 * window     // that are in memory, with their bodies or without: the rest of the outbox is not read before
	rereadWait = 5 * time.Second // until the outbox is read again when it could not be,

	// rereadPause is when a call has it read again all the same: what is new is in memory, and must go out. It bounds what the
	// calls of a storm cost, since all that is in memory is looked through.
	rereadPause = 50 * time.Millisecond
)

// channel takes the deliveries of one channel from the outbox to its notifier. One goroutine owns it.
type channel struct {
	name     string
	config   string // tells this configuration from any other
	kind     kind
	notifier Notifier
	journal  Journal
	metrics  Metrics
	log      *zap.Logger
	line     line
	trials   *trials
	board    *board
	health   Health // as shown
	begun    bool   // it is shown
	schedule schedule

	queue    lanes
	after    int64     // the last delivery that was read from the outbox
	more     bool      // there may be more to read
	reread   time.Time // no reading before,
	asked    time.Time // or, when there is known to be more, before this
	warned   time.Time // that it could not be read
	failures int       // in a row
	until    time.Time // nothing is sent before

	chores   []*chore
	choreWas bool                       // the last thing that was done: what waits goes before the next one
	wasNew   bool                       // what was sent last was sent for the first time
	standing map[string]notice.Delivery // what a Repeater was told last of each open incident, by lane; nil for other kinds
	recalled bool                       // standing holds what an earlier run told
}

func newChannel(c config.Channel, n Notifier, opts Options, log *zap.Logger, l line) *channel {
	k, _ := kindOf(c.Kind) // one that is not known is none in particular
	ch := &channel{
		name: c.Name, config: digest(c), kind: k, notifier: n, journal: opts.Journal, metrics: opts.Metrics, log: log, line: l, trials: opts.trials, board: opts.board,
		schedule: opts.schedule, queue: newLanes(opts.schedule, c.KeepFiring, k.merges), more: true,
	}
	if repeater, ok := n.(Repeater); ok && k.repeat > 0 {
		ch.standing = map[string]notice.Delivery{}
		ch.chores = append(ch.chores, &chore{every: k.repeat, look: k.repeat, do: ch.repeat(repeater)})
	}
	if c.Heartbeat > 0 {
		ch.chores = append(ch.chores, &chore{every: c.Heartbeat, look: lookForLife, do: ch.beat(newHeart(opts))})
	}
	return ch
}

// digest tells one configuration of a channel from another, secrets included, and gives none away.
func digest(c config.Channel) string {
	h := sha256.New()
	fmt.Fprintf(h, "%#v\n%q\n%q\n", c, c.URL.Reveal(), c.Key.Reveal())
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
	} else if config != "" {
		c.journal.Disable(c.name, "") // whoever changes it back means it
	}
	for ctx.Err() == nil {
		c.unbox()
		c.fill(ctx)
		c.metrics.OutboxDepth(c.name, c.journal.Depth(c.name))
		now := time.Now()
		next, task := c.next(now), c.nextChore()
		waits := next != nil && !c.notBefore(next.due).After(now)
		switch {
		case next != nil && next.test:
			c.try(ctx, next, &next.deliveries[0].Delivery)
		// By turns: a chore that fails pauses the channel, and after the pause it would be due again before anything is told.
		case task != nil && !c.notBefore(task.due).After(now) && !(waits && c.choreWas):
			c.choreWas = true
			c.doChore(ctx, task, now)
		case waits:
			c.choreWas, c.wasNew = false, next.deliveries[0].Attempts == 0
			c.attempt(ctx, next)
		default:
			c.sleep(ctx, c.nextStep(next, task, now), now)
		}
	}
}

// fill reads more of the outbox, if there is room for it.
func (c *channel) fill(ctx context.Context) {
	for now := time.Now(); c.more && !c.reread.After(now); {
		if c.queue.shed(page, now); c.full() {
			break
		}
		held := c.queue.bodies
		rows, err := c.journal.Pending(ctx, c.name, c.after, page)
		for _, d := range rows {
			c.queue.add(d, now)
		}
		if err != nil {
			c.unread(err, now)
			if c.queue.bodies > held && len(rows) == page {
				c.hasten()
			}
			return
		}
		c.begin()
		if c.more = len(rows) > 0; c.more {
			c.after = rows[len(rows)-1].Seq
		}
	}
	if c.more && c.queue.many() {
		c.queue.release() // an end too early is better than a beginning too late
	}
}

// full says whether there is no room for another page.
func (c *channel) full() bool { return c.queue.bodies > window-page || c.queue.many() }

// unread says when the outbox is read again that could not be. What came is from memory alone: what is on disk before it is
// still to be read.
func (c *channel) unread(why error, now time.Time) {
	c.unreadable(why, now)
	c.reread, c.asked = now.Add(rereadWait), now.Add(rereadPause)
}

// unreadable warns, from time to time.
func (c *channel) unreadable(why error, now time.Time) {
	if now.Sub(c.warned) >= rereadWait {
		c.warned = now
		c.log.Warn("outbox cannot be read, trying again", zap.Error(why))
	}
}

// hasten is called when there is more to read.
func (c *channel) hasten() {
	c.more = true
	if c.asked.Before(c.reread) {
		c.reread = c.asked
	}
}

// next gives what is to be sent next. Where the last attempt failed, what was never tried and what was refused before go by turns: the
// receiver may take what is new, which does not wait for all the others, with a pause of the channel between any two.
func (c *channel) next(now time.Time) *lane {
	first := c.queue.first()
	if c.failures > 0 && first != nil && !first.test {
		return cmp.Or(c.queue.dueNow(now, c.wasNew), first)
	}
	return first
}

// notBefore is when what is due may be sent.
func (c *channel) notBefore(due time.Time) time.Time {
	if due.Before(c.until) {
		return c.until
	}
	return due
}

// nextStep is when there is something to do: an attempt, a chore, another reading; zero: nothing by itself.
func (c *channel) nextStep(next *lane, task *chore, now time.Time) time.Time {
	var at time.Time
	sooner := func(t time.Time) {
		if at.IsZero() || t.Before(at) {
			at = t
		}
	}
	if next != nil {
		sooner(c.notBefore(next.due))
	}
	if task != nil {
		sooner(c.notBefore(task.due))
	}
	if c.more && c.reread.After(now) {
		sooner(c.reread)
	}
	return at
}

// sleep waits until then, or for a call.
func (c *channel) sleep(ctx context.Context, until, now time.Time) {
	var alarm <-chan time.Time
	if !until.IsZero() {
		timer := time.NewTimer(until.Sub(now))
		defer timer.Stop()
		alarm = timer.C
	}
	select {
	case <-ctx.Done():
	case <-alarm:
	case <-c.line.wake:
	case test := <-c.line.hurry:
		c.hurried(test)
	}
}
