package notify

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"peervane/config"
	"peervane/daemon/notice"
)

func TestAnEndIsHeldBack(t *testing.T) {
	inBubble(t, func(b *bench) {
		r := newReceiver(takes)
		b.startWith(b.ctx, config.Channel{Name: "noc", Kind: "webhook", KeepFiring: 10 * time.Minute}, r, zap.NewNop())
		b.tell("noc", "i1", "f1", notice.Firing)
		b.tell("noc", "i1", "f1", notice.Resolved)
		b.tell("noc", "i2", "f2", notice.Firing)
		time.Sleep(10*time.Minute - time.Second)
		synctest.Wait()
		if got, want := r.ids(), []string{"d1", "d3"}; !slices.Equal(got, want) {
			t.Errorf("told %v before the time, want %v", got, want)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got, want := r.ids(), []string{"d1", "d3", "d2"}; !slices.Equal(got, want) {
			t.Errorf("told %v, want %v", got, want)
		}
	})
}

func TestAnEndThatIsOvertaken(t *testing.T) {
	for kind, want := range map[string][]string{
		"webhook":   {"d1", "d2", "d3"}, // which knows incidents by their id
		"pagerduty": {"d1", "d3"},       // which knows them by their fingerprint
	} {
		inBubble(t, func(b *bench) {
			r := newReceiver(takes)
			b.startWith(b.ctx, config.Channel{Name: "noc", Kind: kind, KeepFiring: 10 * time.Minute}, r, zap.NewNop())
			b.tell("noc", "i1", "f1", notice.Firing)
			b.tell("noc", "i1", "f1", notice.Resolved)
			time.Sleep(time.Minute)
			b.tell("noc", "i2", "f1", notice.Firing)
			if got := r.ids(); !slices.Equal(got, want) {
				t.Errorf("%s was told %v, want %v", kind, got, want)
			}
			if got := b.outbox.states(); got[notice.Delivered] != 3 {
				t.Errorf("%s: %v", kind, got)
			}
			b.tell("noc", "i2", "f1", notice.Resolved)
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			if got := r.ids(); !slices.Equal(got, append(want, "d4")) {
				t.Errorf("%s was told %v at the end", kind, got)
			}
		})
	}
}

func TestAnEndIsHeldBackOverARestart(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.outbox.tell("noc", "i1", "f1", notice.Resolved)
		b.outbox.tell("noc", "i2", "f2", notice.Resolved)
		late := b.outbox.rows[2]
		late.Created = time.Now().Add(24 * time.Hour) // the clock was set back since
		b.outbox.rows[2] = late
		time.Sleep(6 * time.Minute)
		r := newReceiver(takes)
		b.startWith(b.ctx, config.Channel{Name: "noc", Kind: "webhook", KeepFiring: 10 * time.Minute}, r, zap.NewNop())
		time.Sleep(4 * time.Minute)
		synctest.Wait()
		if got, want := r.ids(), []string{"d1"}; !slices.Equal(got, want) {
			t.Errorf("told %v, want %v", got, want)
		}
		time.Sleep(6 * time.Minute)
		synctest.Wait()
		if got, want := r.ids(), []string{"d1", "d2"}; !slices.Equal(got, want) {
			t.Errorf("told %v, want %v", got, want)
		}
	})
}

// What stands is told again until its end has been told, also while that is held back.
func TestWhatIsHeldBackStands(t *testing.T) {
	inBubble(t, func(b *bench) {
		r := newRepeated(takes)
		b.startWith(b.ctx, alerts(150*time.Second), r, zap.NewNop())
		b.tell("am", "i1", "f1", notice.Firing)
		b.tell("am", "i1", "f1", notice.Resolved)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if got, want := r.take(), []string{"[i1]", "[i1]"}; !slices.Equal(got, want) {
			t.Errorf("repeated %v, want %v", got, want)
		}
	})
}

// The end of one incident is told before the next of the same fingerprint, even if it has to be tried again: a receiver
// that knows it by the fingerprint would end the wrong one.
func TestOrderIsHeldFromIncidentToIncident(t *testing.T) {
	inBubble(t, func(b *bench) {
		failed := false
		r := newReceiver(func(d notice.Delivery) Result {
			if d.ID == "d2" && !failed {
				failed = true
				return fails(d)
			}
			return takes(d)
		})
		b.startWith(b.ctx, config.Channel{Name: "noc", Kind: "pagerduty"}, r, zap.NewNop())
		b.tell("noc", "i1", "f1", notice.Firing)
		b.tell("noc", "i1", "f1", notice.Resolved)
		b.tell("noc", "i2", "f1", notice.Firing)
		time.Sleep(time.Minute)
		synctest.Wait()
		if got, want := r.ids(), []string{"d1", "d2", "d2", "d3"}; !slices.Equal(got, want) {
			t.Errorf("told %v, want %v", got, want)
		}
	})
}

// However many ends are held back, what fires is told at once, and memory is bounded.
func TestEndsThatAreHeldBackHoldUpNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("it has thousands of them")
	}
	inBubble(t, func(b *bench) {
		r := newReceiver(takes)
		for i := range remembered + window {
			b.outbox.tell("noc", fmt.Sprint("i", i), fmt.Sprint("f", i), notice.Resolved)
		}
		ch, start, stop := b.begin(config.Channel{Name: "noc", Kind: "webhook", KeepFiring: time.Hour}, r)
		start()
		b.outbox.tell("noc", "new", "new", notice.Firing)
		ch.line.box.refer()
		ch.line.wake <- struct{}{}
		synctest.Wait()
		if last := fmt.Sprint("d", remembered+window+1); !slices.Contains(r.ids(), last) {
			t.Error("what fires waits for ends that are held back")
		}
		if n := remembered + window + 1 - len(r.ids()); n < remembered-2*page || n > remembered {
			t.Errorf("%d ends are held back", n)
		}
		if ch.queue.bodies > window {
			t.Errorf("%d bodies are in memory", ch.queue.bodies)
		}
		stop()
	})
}
