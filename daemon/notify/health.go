package notify

import (
	"maps"
	"sync"
	"time"
)

// Health is how a channel is, as far as its attempts tell.
type Health struct {
	// Since is when the attempts began to fail that have failed ever since; zero: the last one did not, or none was made.
	// What is Behind waits since then for an attempt after one that failed in an earlier run, which tells nothing new.
	Since, Behind time.Time
	Useless       bool      // it sends nothing: it answered 410, or cannot be used
	Error         string    // why the last attempt failed; never a secret
	At            time.Time // when that was; zero where an earlier run saw it
}

// board shows how each channel is that runs.
type board struct {
	changed func()
	mu      sync.Mutex
	by      map[string]Health
}

func (b *board) set(channel string, h Health) {
	b.mu.Lock()
	if b.by == nil {
		b.by = map[string]Health{}
	}
	b.by[channel] = h
	b.mu.Unlock()
	b.changed()
}

func (b *board) remove(channel string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.by, channel)
}

// Health gives how each channel is that has begun.
func (d *Dispatcher) Health() map[string]Health {
	d.opts.board.mu.Lock()
	defer d.opts.board.mu.Unlock()
	return maps.Clone(d.opts.board.by)
}

// ill keeps that an attempt failed.
func (c *channel) ill(why error, now time.Time) {
	h := Health{Since: c.health.Since, Error: why.Error(), At: now}
	switch {
	case h.Since.IsZero() && !c.health.Behind.IsZero():
		h.Since = c.health.Behind
	case h.Since.IsZero():
		h.Since = now
	}
	c.show(h)
}

// show tells how the channel is, if that is new.
func (c *channel) show(h Health) {
	if h != c.health {
		c.health = h
		c.board.set(c.name, h)
	}
}

// begin shows how the channel is found: behind, when attempts of an earlier run have failed.
func (c *channel) begin() {
	if c.begun {
		return
	}
	c.begun = true
	for _, l := range c.queue.byKey {
		for _, q := range l.deliveries {
			if q.Attempts > 0 && (c.health.Behind.IsZero() || q.Created.Before(c.health.Behind)) {
				c.health.Behind, c.health.Error = q.Created, q.Error
			}
		}
	}
	c.board.set(c.name, c.health)
}
