package notify

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"peervane/daemon/notice"
)

// Where others of a channel have a notice, those who lack it slow no other notice, and hold up what comes of the incident for a
// quarter of an hour at most.
func TestPartlyTakenHoldsUpLittle(t *testing.T) {
	inBubble(t, func(b *bench) {
		began := time.Now()
		r := newReceiver(func(d notice.Delivery) Result {
			if d.Incident == "partly0" && time.Since(began) < 5*time.Minute {
				return Result{Outcome: Retry, Err: errors.New("no answer")} // those attempts do not count
			}
			if strings.HasPrefix(d.Incident, "partly") {
				return Result{Outcome: Retry, Partly: true, Err: errors.New("452 mailbox full")}
			}
			return takes(d)
		})
		b.run("noc", r)
		for i := range 20 {
			b.put("noc", fmt.Sprint("partly", i), 1)
		}
		time.Sleep(time.Minute)
		before := time.Now()
		b.put("noc", "other", 1)
		synctest.Wait()
		if n := b.outbox.states()[notice.Delivered]; n != 1 || time.Since(before) > 0 {
			t.Errorf("%d delivered after %s", n, time.Since(before))
		}
		if h := b.Health()["noc"]; !h.Since.IsZero() {
			t.Errorf("the channel fails: %+v", h)
		}
		time.Sleep(16 * time.Minute)
		synctest.Wait()
		if n := b.outbox.states()[notice.Dead]; n != 19 {
			t.Errorf("%d dead letters", n)
		}
	})
}
