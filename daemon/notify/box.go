package notify

import (
	"sync"
	"time"

	"peervane/daemon/notice"
)

// box holds what a channel was handed and has not taken out yet. What does not fit is in the outbox.
type box struct {
	mu   sync.Mutex
	rows []notice.Delivery
	more bool // there is more in the outbox than was handed over
	now  bool // and it is to be read at once
}

func (b *box) put(d notice.Delivery) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.more:
	case len(b.rows) == page:
		b.rows, b.more = nil, true
	default:
		b.rows = append(b.rows, d)
	}
}

// refer has the channel look into the outbox.
func (b *box) refer() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rows, b.more, b.now = nil, true, true
}

func (b *box) empty() (rows []notice.Delivery, more, now bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	rows, more, now = b.rows, b.more, b.now
	b.rows, b.more, b.now = nil, false, false
	return rows, more, now
}

// unbox takes in what was handed over, unless there is older to be read, or no room: then it is read with the rest. While the
// outbox cannot be read nothing is waited for.
func (c *channel) unbox() {
	rows, more, atOnce := c.line.box.empty()
	now := time.Now()
	if atOnce {
		c.more, c.reread = true, time.Time{}
		return
	}
	behind := c.more && !c.reread.After(now)
	if more || len(rows) > 0 && (behind || (c.queue.bodies+len(rows) > window || c.queue.many())) {
		c.hasten()
		return
	}
	for _, d := range rows {
		if d.Seq > c.after { // else it was read, and may have been sent
			c.queue.add(d, now)
		}
	}
}
