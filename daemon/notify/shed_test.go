package notify

import (
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

// crowd is a channel with more deliveries than have room in memory with their bodies, all of them refused so far.
type crowd struct {
	*bench
	*receiver
	ch    *channel
	takes atomic.Bool
	wrong []string // what came with the body of another
	most  int      // bodies in memory
}

const crowded = 2 * window

func withCrowd(t *testing.T, test func(c *crowd)) {
	inBubble(t, func(b *bench) {
		c := &crowd{bench: b}
		c.receiver = newReceiver(func(d notice.Delivery) Result {
			c.most = max(c.most, c.ch.queue.bodies)
			if string(d.Body) != fmt.Sprintf(`{"delivery":"%s"}`, d.ID) {
				c.wrong = append(c.wrong, d.ID)
			}
			if c.takes.Load() || strings.HasPrefix(d.Incident, "good") {
				return takes(d)
			}
			return fails(d)
		})
		ch, start, stop := b.begin(config.Channel{Name: "noc"}, c.receiver)
		c.ch = ch
		for i := range crowded {
			b.outbox.put("noc", fmt.Sprint("i", i), 1)
			b.outbox.put("noc", fmt.Sprint("good", i), 1) // so that it never has a pause
		}
		b.outbox.put("noc", "i0", 2)
		start()
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := c.outbox.states(); n[notice.Pending] != crowded+2 || len(c.ch.queue.held) != crowded+2 {
			t.Fatalf("%v, %d in memory", n, len(c.ch.queue.held))
		}
		test(c)
		stop()
		if len(c.wrong) > 0 || c.most > window {
			t.Errorf("%d bodies were in memory; with the body of another came %v", c.most, c.wrong)
		}
	})
}

// since gives the attempts from the i-th on.
func (c *crowd) since(i int) []string {
	synctest.Wait()
	return c.ids()[i:]
}

// What was refused is sent with its body when the receiver takes it at last, once, and in the order of each incident.
func TestWhatWasRefusedIsSentWithItsBody(t *testing.T) {
	withCrowd(t, func(c *crowd) {
		c.takes.Store(true)
		before := len(c.ids())
		time.Sleep(3 * time.Hour)
		got := c.since(before)
		if n := c.outbox.states()[notice.Pending]; n > 0 || len(got) != crowded+2 {
			t.Fatalf("%d are not delivered, after %d attempts", n, len(got))
		}
		last := 2*crowded + 2
		first, second, third := slices.Index(got, "d1"), slices.Index(got, fmt.Sprint("d", last-1)), slices.Index(got, fmt.Sprint("d", last))
		if first >= second || second >= third {
			t.Errorf("of one incident came %d, %d, %d", first, second, third)
		}
		if n := c.ch.queue.bodies; n != 0 || len(c.ch.queue.held) > 0 {
			t.Errorf("%d bodies, %d deliveries are left in memory", n, len(c.ch.queue.held))
		}
	})
}

// As long as the outbox cannot be read, what has its body there waits, and nothing else.
func TestWhatCannotBeReadWaits(t *testing.T) {
	withCrowd(t, func(c *crowd) {
		c.outbox.mu.Lock()
		c.outbox.broken, c.outbox.hidden = errors.New("no disk"), true
		c.outbox.mu.Unlock()
		c.takes.Store(true)
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		if n := crowded + 2 - c.outbox.states()[notice.Pending]; n == 0 || n > window {
			t.Errorf("%d were sent out of memory", n)
		}
		c.outbox.mu.Lock()
		c.outbox.broken, c.outbox.hidden = nil, false
		c.outbox.mu.Unlock()
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := c.outbox.states()[notice.Pending]; n > 0 {
			t.Errorf("%d were not sent", n)
		}
	})
}

// What is not in the outbox any more is not sent, and holds up nothing of its incident.
func TestWhatIsGoneFromTheOutboxIsPassed(t *testing.T) {
	withCrowd(t, func(c *crowd) {
		c.outbox.mu.Lock()
		for _, q := range c.ch.queue.byKey {
			if first := q.deliveries[0]; first.away {
				delete(c.outbox.rows, first.Seq)
			}
		}
		gone := 2*crowded + 2 - len(c.outbox.rows)
		c.outbox.mu.Unlock()
		c.takes.Store(true)
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		if n := c.outbox.states()[notice.Pending]; n > 0 || gone == 0 {
			t.Errorf("%d were not sent, after %d had gone", n, gone)
		}
	})
}

// What was refused again leaves its body to the outbox again, also when there is nothing new to read.
func TestBodiesAreBoundedWhereAllWasRead(t *testing.T) {
	patience := 8 * time.Hour
	if testing.Short() {
		patience /= 8
	}
	for name, answer := range map[string]Result{
		"refused": {Outcome: Retry, Err: errors.New("refused")}, "partly taken": {Outcome: Retry, Partly: true, Err: errors.New("452 mailbox full")},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				var ch *channel
				most := 0
				r := newReceiver(func(notice.Delivery) Result {
					most = max(most, ch.queue.bodies)
					return answer
				})
				var start, stop func()
				ch, start, stop = b.begin(config.Channel{Name: "noc"}, r)
				for i := range 2 * window {
					b.outbox.put("noc", fmt.Sprint("i", i), 1)
				}
				for seq, d := range b.outbox.rows { // as after a restart: all were tried
					d.Attempts, d.NextAt = 1, time.Now().Add(time.Second)
					b.outbox.rows[seq] = d
				}
				start()
				time.Sleep(patience)
				stop()
				if most > window {
					t.Errorf("%d bodies were in memory", most)
				}
			})
		})
	}
}
