package notify

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"peervane/daemon/notice"
)

// outbox is a Journal in memory.
type outbox struct {
	mu       sync.Mutex
	rows     map[int64]notice.Delivery
	seq      int64
	disabled map[string]string
	broken   error
	hidden   bool // nothing of it can be read
	standing []notice.Delivery
}

func newOutbox() *outbox {
	return &outbox{rows: map[int64]notice.Delivery{}, disabled: map[string]string{}}
}

func (o *outbox) put(channel, incident string, n int) (rows []notice.Delivery) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for range n {
		o.seq++
		d := notice.Delivery{
			Seq: o.seq, ID: fmt.Sprint("d", o.seq), Channel: channel, Incident: incident, Body: fmt.Appendf(nil, `{"delivery":"d%d"}`, o.seq), Created: time.Now(),
		}
		o.rows[o.seq] = d
		rows = append(rows, d)
	}
	return rows
}

func (o *outbox) Pending(_ context.Context, channel string, after int64, limit int) ([]notice.Delivery, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var rows []notice.Delivery
	for _, d := range o.rows {
		if !o.hidden && d.Channel == channel && d.Seq > after && d.State == notice.Pending {
			rows = append(rows, d)
		}
	}
	slices.SortFunc(rows, func(a, b notice.Delivery) int { return cmp.Compare(a.Seq, b.Seq) })
	return rows[:min(limit, len(rows))], o.broken
}

func (o *outbox) Standing(context.Context, string) ([]notice.Delivery, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.standing, o.broken
}

func (o *outbox) Record(d notice.Delivery) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rows[d.Seq] = d
}

func (o *outbox) Depth(channel string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for _, d := range o.rows {
		if d.Channel == channel && d.State == notice.Pending {
			n++
		}
	}
	return n
}

func (o *outbox) Disable(channel, config string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.disabled[channel] = config
}

func (o *outbox) Disabled(_ context.Context, channel string) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.disabled[channel], nil
}

func (o *outbox) states() map[notice.DeliveryState]int {
	o.mu.Lock()
	defer o.mu.Unlock()
	count := map[notice.DeliveryState]int{}
	for d := range maps.Values(o.rows) {
		count[d.State]++
	}
	return count
}

// receiver is a Notifier that answers as told, and keeps what it was sent.
type receiver struct {
	answer func(d notice.Delivery) Result
	mu     sync.Mutex
	got    []notice.Delivery
	at     []time.Duration // since the bubble began
	began  time.Time
	closed atomic.Bool
}

func newReceiver(answer func(d notice.Delivery) Result) *receiver {
	return &receiver{answer: answer, began: time.Now()}
}

// newBroken is a receiver that takes nothing as long as it is down, as it is at first.
func newBroken() (*receiver, *atomic.Bool) {
	down := new(atomic.Bool)
	down.Store(true)
	return newReceiver(func(d notice.Delivery) Result {
		if down.Load() {
			return fails(d)
		}
		return takes(d)
	}), down
}

func (r *receiver) Send(_ context.Context, d notice.Delivery) Result {
	result := r.answer(d)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got, r.at = append(r.got, d), append(r.at, time.Since(r.began))
	return result
}

func (r *receiver) Close() { r.closed.Store(true) }

func (r *receiver) ids() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var ids []string
	for _, d := range r.got {
		ids = append(ids, d.ID)
	}
	return ids
}

type counts struct {
	mu       sync.Mutex
	outcomes map[string]int
	depth    map[string]int
}

func newCounts() *counts { return &counts{outcomes: map[string]int{}, depth: map[string]int{}} }

func (c *counts) Notice(channel, outcome string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.outcomes[channel+" "+outcome]++
}

func (c *counts) OutboxDepth(channel string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.depth[channel] = n
}
