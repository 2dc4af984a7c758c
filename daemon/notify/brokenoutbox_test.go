package notify

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestBrokenOutboxIsReadAgain(t *testing.T) {
	inBubble(t, func(b *bench) {
		r := newReceiver(takes)
		b.outbox.broken = errors.New("no disk")
		b.run("noc", r)
		b.put("noc", "i1", 2)
		if n := len(r.ids()); n != 0 && n != 2 {
			t.Errorf("%d delivered from memory", n)
		}
		b.put("noc", "i1", 1)
		time.Sleep(rereadWait)
		synctest.Wait()
		if got, want := r.ids(), []string{"d1", "d2", "d3"}; !slices.Equal(got, want) {
			t.Errorf("delivered %v", got)
		}
	})
}

// While the outbox cannot be read, what is new goes out of memory as soon as the channel is called, however much it is.
func TestBrokenOutboxDelaysNothingNew(t *testing.T) {
	inBubble(t, func(b *bench) {
		r := newReceiver(takes)
		b.outbox.broken = errors.New("no disk")
		b.run("noc", r)
		synctest.Wait() // it was read once, in vain
		for i, n := range []int{1, 1, 4 * page} {
			before, began := len(r.ids()), time.Now()
			b.put("noc", fmt.Sprint("i", i), n)
			for len(r.ids()) < before+n && time.Since(began) < rereadWait {
				time.Sleep(time.Millisecond)
				synctest.Wait()
			}
			if took := time.Since(began); took > time.Duration(n/page+1)*rereadPause {
				t.Errorf("%d new ones were sent after %v", n, took)
			}
		}
		if n := len(r.ids()); n != 2+4*page {
			t.Errorf("%d were sent", n)
		}
	})
}
