package notify

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"peervane/daemon/notice"
)

// takesGood refuses some notices, whenever they come, and takes others.
func takesGood(d notice.Delivery) Result {
	if strings.HasPrefix(d.Incident, "bad") {
		return fails(d)
	}
	return takes(d)
}

// What is new is sent between the attempts of what a receiver refuses, not behind all of them; and those are made, too.
func TestNewAndRefusedGoByTurns(t *testing.T) {
	inBubble(t, func(b *bench) {
		r := newReceiver(takesGood)
		b.run("noc", r)
		for i := range 100 {
			b.put("noc", fmt.Sprint("bad", i), 1)
		}
		time.Sleep(10 * time.Hour) // the first attempts of all, with their pauses
		for i := range 24 {
			b.put("noc", fmt.Sprint("good", i), 1)
			time.Sleep(5 * time.Minute) // two pauses
			synctest.Wait()
			if n := b.outbox.states(); n[notice.Delivered] != i+1 {
				t.Fatalf("hour %d: %v", i, n)
			}
			time.Sleep(55 * time.Minute)
		}
		before := len(r.ids())
		for i := range 300 { // more that is new, and refused, than there is time for
			b.put("noc", fmt.Sprint("bad, too, ", i), 1)
			time.Sleep(time.Minute)
		}
		again := map[string]bool{}
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, d := range r.got[before:] {
			if strings.HasPrefix(d.Incident, "bad") && !strings.HasPrefix(d.Incident, "bad, too") {
				again[d.Incident] = true
			}
		}
		if len(again) < 50 {
			t.Errorf("%d of the first 100 were tried again", len(again))
		}
	})
}

// However many are refused, what is new is read and sent; over a restart, too.
func TestRefusedOnesLeaveRoom(t *testing.T) {
	inBubble(t, func(b *bench) {
		first := b.run("noc", newReceiver(takesGood))
		told := 0
		for i := range 3 * window {
			b.put("noc", fmt.Sprint("bad", i), 1)
			b.put("noc", "good", 1) // so that it never has a pause
			told++
		}
		goods := func() {
			for range 20 {
				b.put("noc", "good", 1)
				told++
				time.Sleep(5 * time.Minute)
				synctest.Wait()
				if n := b.outbox.states(); n[notice.Delivered] != told || n[notice.Dead] > 0 {
					t.Fatalf("%v, want %d delivered", n, told)
				}
			}
		}
		goods()
		first.cancel()
		<-first.ended
		b.run("noc", newReceiver(takesGood))
		time.Sleep(time.Hour)
		goods()
	})
}
