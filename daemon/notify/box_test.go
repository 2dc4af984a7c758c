package notify

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"peervane/daemon/notice"
)

// readings counts how often the outbox is read.
type readings struct {
	*outbox
	n atomic.Int64
}

func (r *readings) Pending(ctx context.Context, channel string, after int64, limit int) ([]notice.Delivery, error) {
	r.n.Add(1)
	return r.outbox.Pending(ctx, channel, after, limit)
}

// hand puts rows into the outbox, one of each of some incidents, and hands them over.
func (b *bench) hand(channel string, incidents ...string) {
	var rows []notice.Delivery
	for _, incident := range incidents {
		rows = append(rows, b.outbox.put(channel, incident, 1)...)
	}
	b.Hand(rows)
}

func many(n int) (incidents []string) {
	for i := range n {
		incidents = append(incidents, fmt.Sprint("i", i))
	}
	return incidents
}

// What a channel is handed it need not read, unless there is more than it can hold, or older to be read.
func TestWhatIsHandedOverIsNotRead(t *testing.T) {
	inBubble(t, func(b *bench) {
		journal := &readings{outbox: b.outbox}
		b.opts.Journal = journal
		busy := make(chan struct{})
		r := newReceiver(func(d notice.Delivery) Result {
			if d.Incident == "slow" {
				<-busy
			}
			return takes(d)
		})
		b.outbox.put("noc", "i0", 1)
		b.run("noc", r)
		b.hand("noc", "i0") // as it begins: not before what is in the outbox
		synctest.Wait()
		before := journal.n.Load()
		b.hand("noc", "i1", "i1")
		synctest.Wait()
		b.hand("noc", "i2")
		synctest.Wait()
		if n := journal.n.Load() - before; n != 0 {
			t.Errorf("the outbox was read %d times", n)
		}
		if got, want := r.ids(), []string{"d1", "d2", "d3", "d4", "d5"}; !slices.Equal(got, want) {
			t.Errorf("sent %v", got)
		}
		b.hand("noc", "slow")
		synctest.Wait()
		b.hand("noc", many(3*page)...)
		close(busy)
		synctest.Wait()
		b.put("noc", "i3", 1)
		if got := r.ids(); len(got) != 3*page+7 || len(slices.Compact(slices.Sorted(slices.Values(got)))) != len(got) {
			t.Errorf("%d were sent of %d", len(got), 3*page+7)
		}
	})
}

// handing hands over what it gives, as it gives it.
type handing struct {
	*outbox
	hand func([]notice.Delivery)
}

func (h *handing) Pending(ctx context.Context, channel string, after int64, limit int) ([]notice.Delivery, error) {
	rows, err := h.outbox.Pending(ctx, channel, after, limit)
	h.hand(rows)
	return rows, err
}

// What is read and handed over is sent once.
func TestReadAndHandedOver(t *testing.T) {
	inBubble(t, func(b *bench) {
		journal := &handing{outbox: b.outbox}
		b.opts.Journal = journal
		journal.hand = func(rows []notice.Delivery) { go b.Hand(rows) } // the dispatcher is busy with the start of the channel
		for _, incident := range many(3) {
			b.outbox.put("noc", incident, 1)
		}
		r := newReceiver(takes)
		b.run("noc", r)
		synctest.Wait()
		if got := r.ids(); len(got) != 3 {
			t.Errorf("sent %v", got)
		}
	})
}

// What an outbox that can be read again has for a channel comes before what is handed over then.
func TestRereadComesFirst(t *testing.T) {
	inBubble(t, func(b *bench) {
		r := newReceiver(takes)
		b.outbox.put("noc", "i1", 1)
		b.outbox.hidden = true
		b.outbox.broken = context.DeadlineExceeded
		b.run("noc", r)
		synctest.Wait() // it was read once, in vain
		b.outbox.hidden, b.outbox.broken = false, nil
		b.Reread()
		b.hand("noc", "i1")
		synctest.Wait()
		if got, want := r.ids(), []string{"d1", "d2"}; !slices.Equal(got, want) {
			t.Errorf("sent %v", got)
		}
	})
}

// While the outbox cannot be read, what is handed over is sent without a look into it.
func TestWhatIsHandedOverNeedsNoOutbox(t *testing.T) {
	inBubble(t, func(b *bench) {
		r := newReceiver(takes)
		b.outbox.broken = context.DeadlineExceeded
		b.run("noc", r)
		synctest.Wait()
		b.hand("noc", "i1")
		synctest.Wait()
		if n := len(r.ids()); n != 1 {
			t.Errorf("%d were sent", n)
		}
	})
}
