package notify

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"peervane/config"
	"peervane/daemon/notice"
)

// ErrNoChannel says that there is no channel of that name, or that it cannot be used.
var ErrNoChannel = errors.New("no such channel")

// trials are the test notices that somebody waits for, by delivery.
type trials struct {
	mu      sync.Mutex
	waiting map[string]chan Result
}

func (t *trials) expect(id string) <-chan Result {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waiting == nil {
		t.waiting = map[string]chan Result{}
	}
	answer := make(chan Result, 1)
	t.waiting[id] = answer
	return answer
}

func (t *trials) forget(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.waiting, id)
}

func (t *trials) waits(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.waiting[id] != nil
}

func (t *trials) answer(id string, r Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if answer := t.waiting[id]; answer != nil {
		answer <- r // there is room for the only one
		delete(t.waiting, id)
	}
}

// Try has a channel make one attempt at a test notice, ahead of all that waits there, and says what came of it. submit
// takes the delivery to the outbox, and gives it back with its number. With an error nothing is known of the receiver.
func (d *Dispatcher) Try(ctx context.Context, test notice.Delivery, submit func(notice.Delivery) notice.Delivery) (Result, error) {
	line, err := d.lineOf(ctx, test.Channel)
	if err != nil {
		return Result{}, err
	}
	answer := d.opts.trials.expect(test.ID)
	defer d.opts.trials.forget(test.ID)
	test, hurry := submit(test), line.hurry
	for {
		select {
		case hurry <- test:
			hurry = nil
		case result := <-answer:
			return result, nil
		case <-ctx.Done():
			return Result{}, fmt.Errorf("the channel is busy with another attempt: %w", context.Cause(ctx))
		}
	}
}

// Test makes the notice of a trial: of the least severity that the channel is told of, with the labels that it asks for, so
// that it takes the way of a true one.
func Test(c config.Channel, source string, now time.Time) notice.Notice {
	severity, err := notice.ParseSeverity(c.MinSeverity)
	if err != nil {
		severity = notice.Warning
	}
	return notice.Notice{
		Incident: newID(now), Fingerprint: notice.Identity{Type: notice.Test, Peer: source, POP: c.Name}.Fingerprint(),
		Status: notice.Firing, Type: notice.Test, Severity: severity, Labels: c.Labels,
		Summary:   "test of channel " + c.Name + " by peervane on " + source + ": nothing is wrong",
		StartedAt: notice.At(now), UpdatedAt: notice.At(now), Source: source,
	}
}

// hurried takes in a test notice that somebody waits for, though there may be no room for more of the outbox.
func (c *channel) hurried(d notice.Delivery) {
	if c.trials.waits(d.ID) {
		c.queue.add(d, time.Now())
	}
}

// try makes the only attempt at a test notice: whoever waits for it is told, and nobody later.
func (c *channel) try(ctx context.Context, l *lane, d *notice.Delivery) {
	result := c.notifier.Send(ctx, *d)
	if ctx.Err() != nil && result.Outcome != Delivered {
		return // broken off, which says nothing of the receiver
	}
	c.log.Info("test notice", zap.String("delivery", d.ID), zap.Bool("delivered", result.Outcome == Delivered), zap.Error(result.Err))
	d.Attempts++
	id := d.ID
	c.finish(l, d, notice.Delivered)
	switch result.Outcome {
	case Delivered:
		c.metrics.Notice(c.name, "delivered")
		c.works()
	case Retry:
		c.fails(result, time.Now())
	case Gone:
		c.gone()
	}
	c.rest(time.Now())
	c.trials.answer(id, result)
}
