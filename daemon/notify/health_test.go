package notify

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"peervane/config"
	"peervane/daemon/notice"
)

func TestHealth(t *testing.T) {
	inBubble(t, func(b *bench) {
		var broken atomic.Bool
		broken.Store(true)
		r := newReceiver(func(d notice.Delivery) Result {
			if broken.Load() {
				return Result{Err: errors.New("answered 500")}
			}
			return takes(d)
		})
		began := time.Now()
		b.startWith(b.ctx, config.Channel{Name: "noc"}, r, b.opts.Log)
		synctest.Wait()
		if h, known := b.Health()["noc"]; !known || h != (Health{}) {
			t.Errorf("at the start: %+v, %v", h, known)
		}
		b.outbox.put("noc", "i1", 1)
		b.Reread()
		time.Sleep(10 * time.Minute)
		if h := b.Health()["noc"]; h.Since != began || h.Error != "answered 500" {
			t.Errorf("while it fails: %+v", h)
		}
		broken.Store(false)
		time.Sleep(3 * time.Hour)
		if h := b.Health()["noc"]; h != (Health{}) {
			t.Errorf("when it works: %+v", h)
		}
	})
}

func TestHealthAfterARestart(t *testing.T) {
	inBubble(t, func(b *bench) {
		began := time.Now()
		b.outbox.put("noc", "i1", 1)
		d := b.outbox.rows[1]
		d.Attempts, d.Error, d.NextAt = 3, "answered 500", began.Add(time.Hour)
		b.outbox.rows[1] = d
		b.startWith(b.ctx, config.Channel{Name: "noc"}, newReceiver(fails), b.opts.Log)
		synctest.Wait()
		if h := b.Health()["noc"]; h != (Health{Behind: began, Error: "answered 500"}) {
			t.Errorf("before an attempt: %+v", h)
		}
		time.Sleep(2 * time.Hour)
		if h := b.Health()["noc"]; h.Since != began || !h.Behind.IsZero() {
			t.Errorf("after one that failed: %+v", h)
		}
	})
}

func TestAFailingChannelIsNotToldOfItself(t *testing.T) {
	n := &notice.Notice{Type: notice.ChannelFailing, Status: notice.Firing, Severity: notice.Error, Labels: map[string]string{"channel": "a"}}
	to, _ := Route(n, nil, []config.Channel{
		{Name: "a", Kind: "webhook", MinSeverity: "info"}, {Name: "b", Kind: "webhook", MinSeverity: "info"},
	})
	if len(to) != 1 || to[0] != "b" {
		t.Errorf("told to %v", to)
	}
}

// A test goes before all that waits, while the channel is left alone too, and is never tried again.
func TestATestGoesFirst(t *testing.T) {
	inBubble(t, func(b *bench) {
		var broken atomic.Bool
		broken.Store(true)
		r := newReceiver(func(d notice.Delivery) Result {
			if broken.Load() {
				return Result{Err: errors.New("answered 500")}
			}
			return takes(d)
		})
		b.startWith(b.ctx, config.Channel{Name: "noc"}, r, zap.NewNop())
		for range 2 * window {
			b.outbox.put("noc", "i1", 1)
		}
		b.Reread()
		time.Sleep(time.Minute)
		for _, want := range []Outcome{Retry, Delivered} {
			n := Test(config.Channel{Name: "noc"}, "host", time.Now())
			n.Delivery = fmt.Sprint("t", want)
			body, err := n.Body()
			if err != nil {
				t.Fatal(err)
			}
			row := Deliveries(&n, body, []string{"noc"}, time.Now())[0]
			before, asked := len(r.ids()), time.Now()
			got, err := b.Try(context.Background(), row, func(d notice.Delivery) notice.Delivery {
				b.outbox.mu.Lock()
				defer b.outbox.mu.Unlock()
				b.outbox.seq++
				d.Seq = b.outbox.seq
				b.outbox.rows[d.Seq] = d
				return d
			})
			if err != nil || got.Outcome != want || time.Since(asked) > time.Second {
				t.Errorf("%+v, %v after %v, want %v", got, err, time.Since(asked), want)
			}
			if ids := r.ids(); ids[before] != n.Delivery {
				t.Errorf("sent first: %s", ids[before])
			}
			broken.Store(false)
		}
		if _, err := b.Try(context.Background(), notice.Delivery{Channel: "nobody"}, nil); !errors.Is(err, ErrNoChannel) {
			t.Errorf("got %v", err)
		}
	})
}
