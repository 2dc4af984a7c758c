package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"peervane/config"
	"peervane/daemon/notice"
)

// unwritten is an outbox that gives, while its disk cannot be read, what was put or recorded since, as that of a store does.
type unwritten struct {
	*outbox
	down  atomic.Bool
	fresh map[int64]bool
}

func (u *unwritten) Record(d notice.Delivery) {
	u.outbox.Record(d)
	u.keep(d)
}

func (u *unwritten) keep(d notice.Delivery) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.fresh[d.Seq] = u.fresh[d.Seq] || u.down.Load()
}

func (u *unwritten) Pending(ctx context.Context, channel string, after int64, limit int) ([]notice.Delivery, error) {
	if !u.down.Load() {
		return u.outbox.Pending(ctx, channel, after, limit)
	}
	rows, _ := u.outbox.Pending(ctx, channel, after, 1<<30)
	u.mu.Lock()
	defer u.mu.Unlock()
	rows = slices.DeleteFunc(rows, func(d notice.Delivery) bool { return !u.fresh[d.Seq] })
	return rows[:min(limit, len(rows))], errors.New("no disk")
}

// What memory has is sent while the disk cannot be read, though something older waits that only the disk has.
func TestWhatMemoryHasDoesNotWaitForTheDisk(t *testing.T) {
	inBubble(t, func(b *bench) {
		u := &unwritten{outbox: b.outbox, fresh: map[int64]bool{}}
		b.opts.Journal = u
		var refuses atomic.Bool
		refuses.Store(true)
		r := newReceiver(func(d notice.Delivery) Result {
			if refuses.Load() && !strings.HasPrefix(d.Incident, "good") {
				return fails(d)
			}
			return takes(d)
		})
		_, start, stop := b.begin(config.Channel{Name: "noc"}, r)
		start()
		give := func(name string, i int) {
			for _, incident := range []string{name, "good " + name} { // so that it never has a pause
				rows := b.outbox.put("noc", fmt.Sprint(incident, i), 1)
				u.keep(rows[0])
				b.Hand(rows)
				synctest.Wait()
			}
		}
		for i := range page + 50 {
			give("old", i)
		}
		u.down.Store(true)
		for i := range page + 50 {
			give("new", i)
		}
		refuses.Store(false)
		time.Sleep(time.Hour)
		synctest.Wait()
		left := 0
		for _, d := range b.outbox.rows {
			if d.State == notice.Pending && strings.HasPrefix(d.Incident, "new") {
				left++
			}
		}
		if left > 0 {
			t.Errorf("%d that memory has wait for the disk", left)
		}
		stop()
	})
}

// What was sent leaves memory, though there is more of its incident.
func TestWhatWasSentLeavesMemory(t *testing.T) {
	l, now := newLanes(standardSchedule(), 0, false), time.Now()
	for i := range 100 {
		l.add(notice.Delivery{Seq: int64(i + 1), Incident: "i", Body: []byte("{}")}, now)
	}
	lane := l.byKey["i"]
	all := lane.deliveries
	for range 99 {
		l.finish(lane, now)
	}
	if i := slices.IndexFunc(all[:99], func(q queued) bool { return q.Body != nil }); i >= 0 {
		t.Errorf("the body of the %d. is kept", i+1)
	}
}
