package notify

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"peervane/config"
	"peervane/daemon/notice"
)

func TestMain(m *testing.M) {
	if is, code := childMain(); is {
		os.Exit(code)
	}
	goleak.VerifyTestMain(m)
}

// bench is a dispatcher in a bubble whose channels are receivers of the test.
type bench struct {
	*Dispatcher
	outbox *outbox
	counts *counts
	ctx    context.Context
}

// inBubble runs a test on a clock of its own.
func inBubble(t *testing.T, test func(b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		o, c := newOutbox(), newCounts()
		b := &bench{New(Options{Journal: o, Log: zap.NewNop(), Metrics: c, Version: "test"}), o, c, ctx}
		test(b)
		cancel()
		synctest.Wait()
	})
}

func (b *bench) run(name string, r *receiver) runner {
	return b.startWith(b.ctx, config.Channel{Name: name}, r, zap.NewNop())
}

// begin runs a channel that the test looks into, until stop.
func (b *bench) begin(c config.Channel, r *receiver) (ch *channel, start, stop func()) {
	ch = newChannel(c, r, b.opts, zap.NewNop(), newLine())
	b.setLine(c.Name, ch.line)
	ctx, cancel := context.WithCancel(b.ctx)
	ended := make(chan struct{})
	start = func() {
		go func() { defer close(ended); ch.run(ctx) }()
	}
	return ch, start, func() { cancel(); <-ended }
}

func (b *bench) put(channel, incident string, n int) {
	b.Hand(b.outbox.put(channel, incident, n))
	synctest.Wait()
}

func fails(notice.Delivery) Result { return Result{Outcome: Retry, Err: errors.New("refused")} }
func takes(notice.Delivery) Result { return Result{Outcome: Delivered} }

func TestScheduleUntilGivenUp(t *testing.T) {
	inBubble(t, func(b *bench) {
		r := newReceiver(fails)
		b.run("noc", r)
		b.put("noc", "i1", 1)
		time.Sleep(5 * 24 * time.Hour)
		synctest.Wait()
		delays := standardSchedule()
		for i, want := range []time.Duration{0, delays[0], delays[1], delays[2], delays[3], delays[4], delays[5], delays[5]} {
			got := r.at[i]
			if i > 0 {
				got -= r.at[i-1]
			}
			if slack := time.Duration(jitter * float64(want)); got < want-slack || got > want+slack {
				t.Errorf("attempt %d came after %v, want %v", i+1, got, want)
			}
		}
		last := r.at[len(r.at)-1]
		if last < giveUpAfter || last > giveUpAfter+3*time.Hour {
			t.Errorf("given up after %v", last)
		}
		if n := b.outbox.states()[notice.Dead]; n != 1 {
			t.Errorf("%d dead letters", n)
		}
		if got := b.counts.outcomes; got["noc dead"] != 1 || got["noc retried"] != len(r.at)-1 {
			t.Errorf("counted %v", got)
		}
		for _, d := range r.got {
			if d.ID != "d1" {
				t.Errorf("the id changed to %s", d.ID)
			}
		}
	})
}

func TestOrderOfAnIncidentIsHeld(t *testing.T) {
	inBubble(t, func(b *bench) {
		failed := 0
		r := newReceiver(func(d notice.Delivery) Result {
			if d.Incident == "i1" && failed < 2 {
				failed++
				return fails(d)
			}
			return takes(d)
		})
		b.run("noc", r)
		b.put("noc", "i1", 2)
		b.put("noc", "i2", 2)
		if want := []string{"d1", "d3", "d1", "d4"}; !slices.Equal(r.ids()[:2], want[:2]) {
			t.Errorf("got %v", r.ids())
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		order := slices.DeleteFunc(r.ids(), func(id string) bool { return id == "d3" || id == "d4" })
		if want := []string{"d1", "d1", "d1", "d2"}; !slices.Equal(order, want) {
			t.Errorf("i1 was told as %v", order)
		}
		if n := b.outbox.states()[notice.Delivered]; n != 4 {
			t.Errorf("%d delivered", n)
		}
	})
}

func TestAfterAnOutageNobodyWaits(t *testing.T) {
	inBubble(t, func(b *bench) {
		r, down := newBroken()
		b.run("noc", r)
		for i := range 20 {
			b.put("noc", fmt.Sprint("i", i), 1)
		}
		time.Sleep(3 * time.Hour)
		down.Store(false)
		b.put("noc", "new", 1)
		time.Sleep(maxPause * 6 / 5)
		synctest.Wait()
		if n := b.outbox.states()[notice.Delivered]; n != 21 {
			t.Errorf("%d of 21 delivered within %v of the receiver's return", n, maxPause)
		}
	})
}

// What failed before a restart is tried again as soon as the receiver has taken anything.
func TestAfterAnOutageAndARestartNobodyWaits(t *testing.T) {
	inBubble(t, func(b *bench) {
		for i := range 20 {
			b.outbox.put("noc", fmt.Sprint("i", i), 1)
			d := b.outbox.rows[b.outbox.seq]
			d.Attempts, d.NextAt = 6, time.Now().Add(2*time.Hour)
			b.outbox.rows[d.Seq] = d
		}
		r := newReceiver(takes)
		b.run("noc", r)
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(r.ids()); n != 0 {
			t.Errorf("%d attempts before they are due", n)
		}
		b.put("noc", "new", 1)
		if n := b.outbox.states()[notice.Delivered]; n != 21 {
			t.Errorf("%d of 21 delivered", n)
		}
	})
}

func TestADownChannelIsLeftAloneBetweenAttempts(t *testing.T) {
	inBubble(t, func(b *bench) {
		r := newReceiver(fails)
		b.run("noc", r)
		for i := range 500 {
			b.put("noc", fmt.Sprint("i", i), 1)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := len(r.ids()); n > 60 {
			t.Errorf("%d attempts in an hour at a channel that is down", n)
		}
	})
}

func TestOneBadDeliveryIsNotHurried(t *testing.T) {
	inBubble(t, func(b *bench) {
		bad := 0
		r := newReceiver(func(d notice.Delivery) Result {
			if d.Incident == "bad" {
				bad++
				return fails(d)
			}
			return takes(d)
		})
		b.run("noc", r)
		b.put("noc", "bad", 1)
		for i := range 100 {
			b.put("noc", fmt.Sprint("i", i), 1)
		}
		if bad > 2 {
			t.Errorf("it was tried %d times at once", bad)
		}
		if n := b.outbox.states()[notice.Delivered]; n != 100 {
			t.Errorf("%d of 100 others were delivered", n)
		}
	})
}

func TestRetryAfterHoldsTheChannel(t *testing.T) {
	inBubble(t, func(b *bench) {
		first := true
		r := newReceiver(func(d notice.Delivery) Result {
			if first {
				first = false
				return Result{Outcome: Retry, Err: errors.New("answered 429"), After: 90 * time.Second}
			}
			return takes(d)
		})
		b.run("noc", r)
		b.put("noc", "i1", 1)
		b.put("noc", "i2", 1)
		time.Sleep(89 * time.Second)
		synctest.Wait()
		if n := len(r.ids()); n != 1 {
			t.Fatalf("%d attempts before the time asked for", n)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if n := len(r.ids()); n != 3 {
			t.Errorf("%d attempts after it", n)
		}
	})
}

func TestPermanentGoesToTheDeadLettersAndOthersGoOn(t *testing.T) {
	inBubble(t, func(b *bench) {
		r := newReceiver(func(d notice.Delivery) Result {
			if d.ID == "d1" {
				return Result{Outcome: Permanent, Err: errors.New("answered 400")}
			}
			return takes(d)
		})
		b.run("noc", r)
		b.put("noc", "i1", 2)
		if got := b.outbox.states(); got[notice.Dead] != 1 || got[notice.Delivered] != 1 {
			t.Errorf("got %v", got)
		}
		if b.outbox.rows[1].Error != "answered 400" {
			t.Errorf("the dead letter says %q", b.outbox.rows[1].Error)
		}
	})
}

func TestGoneDisablesUntilTheConfigurationChanges(t *testing.T) {
	inBubble(t, func(b *bench) {
		r := newReceiver(func(notice.Delivery) Result { return Result{Outcome: Gone, Err: errors.New("answered 410")} })
		first := b.run("noc", r)
		b.put("noc", "i1", 2)
		b.put("noc", "i2", 1)
		if n := len(r.ids()); n != 1 {
			t.Errorf("%d attempts at a channel that is gone", n)
		}
		if n := b.outbox.states()[notice.Dead]; n != 3 {
			t.Errorf("%d dead letters", n)
		}
		if !r.closed.Load() {
			t.Error("the notifier was not closed")
		}
		first.cancel()
		<-first.ended

		again := b.run("noc", r) // the same configuration, after a restart
		b.put("noc", "i3", 1)
		if n := len(r.ids()); n != 1 {
			t.Errorf("%d attempts after the restart", n)
		}
		again.cancel()
		<-again.ended

		r = newReceiver(takes)
		changed := config.Channel{Name: "noc", URL: config.NewURL("https://other.example/", false)}
		b.startWith(b.ctx, changed, r, zap.NewNop())
		b.put("noc", "i4", 1)
		if n := len(r.ids()); n != 1 {
			t.Errorf("%d attempts after the configuration changed", n)
		}
		b.run("noc", r) // and changed back: whoever does so means it
		b.put("noc", "i5", 1)
		if n := len(r.ids()); n != 2 {
			t.Errorf("%d attempts after the configuration was changed back", n)
		}
	})
}

func TestADeadChannelDelaysNoOther(t *testing.T) {
	inBubble(t, func(b *bench) {
		hang := make(chan struct{})
		defer close(hang)
		b.run("dead", newReceiver(func(d notice.Delivery) Result { <-hang; return fails(d) }))
		r := newReceiver(takes)
		b.run("noc", r)
		b.outbox.put("dead", "i1", 1000)
		b.Reread()
		b.put("noc", "i1", 1000)
		if n := len(r.ids()); n != 1000 {
			t.Errorf("%d of 1000 delivered beside a channel that hangs", n)
		}
		if r.at[999] != 0 {
			t.Errorf("it took %v", r.at[999])
		}
	})
}

func TestMemoryIsBounded(t *testing.T) {
	inBubble(t, func(b *bench) {
		var down atomic.Bool
		down.Store(true)
		var ch *channel
		most := 0
		r := newReceiver(func(d notice.Delivery) Result {
			most = max(most, ch.queue.bodies)
			if down.Load() {
				return fails(d)
			}
			return takes(d)
		})
		ch = newChannel(config.Channel{Name: "noc"}, r, b.opts, zap.NewNop(), newLine())
		const total = 3 * window
		for i := range total {
			b.outbox.put("noc", fmt.Sprint("i", i), 1)
		}
		ended := make(chan struct{})
		ctx, cancel := context.WithCancel(b.ctx)
		go func() { defer close(ended); ch.run(ctx) }()
		synctest.Wait()
		down.Store(false)
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := b.outbox.states()[notice.Delivered]; n != total {
			t.Errorf("%d of %d delivered", n, total)
		}
		if n := b.counts.depth["noc"]; n != 0 {
			t.Errorf("depth %d", n)
		}
		cancel()
		<-ended
		if most > window {
			t.Errorf("%d deliveries in memory", most)
		}
	})
}

func TestSteppedClockHoldsNothingBack(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.outbox.put("noc", "i1", 1)
		d := b.outbox.rows[1]
		d.Attempts, d.NextAt = 1, time.Now().Add(10*365*24*time.Hour) // written before the clock was set right
		b.outbox.rows[1] = d
		r := newReceiver(takes)
		b.run("noc", r)
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		if n := len(r.ids()); n != 1 {
			t.Errorf("%d attempts", n)
		}
	})
}

func TestAnOldDeliveryIsTriedBeforeItIsGivenUp(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.outbox.put("noc", "i1", 1)
		time.Sleep(10 * 24 * time.Hour) // the host was off
		r := newReceiver(fails)
		b.run("noc", r)
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if n := len(r.ids()); n != len(standardSchedule())+1 {
			t.Errorf("%d attempts", n)
		}
	})
}
