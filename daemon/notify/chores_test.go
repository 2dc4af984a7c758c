package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"peervane/config"
	"peervane/daemon/notice"
)

// repeated is a receiver that must be told again.
type repeated struct {
	*receiver
	mu      sync.Mutex
	repeats []string // the incidents of each repetition
	answer  func() Result
}

func (r *repeated) Repeat(_ context.Context, standing []notice.Delivery) Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	var ids []string
	for _, d := range standing {
		ids = append(ids, d.Incident)
	}
	r.repeats = append(r.repeats, fmt.Sprint(ids))
	if r.answer != nil {
		return r.answer()
	}
	return Result{Outcome: Delivered}
}

func newRepeated(answer func(notice.Delivery) Result) *repeated {
	return &repeated{receiver: newReceiver(answer)}
}

// take gives what was repeated since the last call.
func (r *repeated) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.repeats
	r.repeats = nil
	return taken
}

// tell puts a notice of an incident into the outbox.
func (b *bench) tell(channel, incident, fingerprint string, status notice.Status) {
	b.outbox.tell(channel, incident, fingerprint, status)
	b.Reread()
	synctest.Wait()
}

func (o *outbox) tell(channel, incident, fingerprint string, status notice.Status) {
	body, err := notice.Notice{Incident: incident, Fingerprint: fingerprint, Status: status}.Body()
	if err != nil {
		panic(err)
	}
	o.put(channel, incident, 1)
	o.mu.Lock()
	defer o.mu.Unlock()
	d := o.rows[o.seq]
	d.Body = body
	o.rows[o.seq] = d
}

func alerts(keepFiring time.Duration) config.Channel {
	return config.Channel{Name: "am", Kind: "alertmanager", KeepFiring: keepFiring}
}

func TestWhatStandsIsToldAgain(t *testing.T) {
	inBubble(t, func(b *bench) {
		r := newRepeated(takes)
		b.startWith(b.ctx, alerts(0), r, zap.NewNop())
		b.tell("am", "i1", "f1", notice.Firing)
		b.tell("am", "i2", "f2", notice.Firing)
		time.Sleep(2*time.Minute + time.Second)
		synctest.Wait()
		if got, want := r.take(), []string{"[i1 i2]", "[i1 i2]"}; !slices.Equal(got, want) {
			t.Errorf("repeated %v, want %v", got, want)
		}
		b.tell("am", "i1", "f1", notice.Resolved)
		time.Sleep(time.Minute)
		b.tell("am", "i2", "f2", notice.Resolved)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if got, want := r.take(), []string{"[i2]"}; !slices.Equal(got, want) {
			t.Errorf("repeated %v, want %v", got, want)
		}
	})
}

func TestOnlyWhatWasTakenIsToldAgain(t *testing.T) {
	inBubble(t, func(b *bench) {
		r := newRepeated(func(d notice.Delivery) Result {
			if d.Incident == "bad" {
				return Result{Outcome: Permanent, Err: errors.New("answered 400")}
			}
			return takes(d)
		})
		b.startWith(b.ctx, alerts(0), r, zap.NewNop())
		b.tell("am", "bad", "f1", notice.Firing)
		b.tell("am", "good", "f2", notice.Firing)
		time.Sleep(time.Minute)
		synctest.Wait()
		if got, want := r.take(), []string{"[good]"}; !slices.Equal(got, want) {
			t.Errorf("repeated %v, want %v", got, want)
		}
	})
}

func TestWhatWasToldBeforeARestartIsToldAgain(t *testing.T) {
	inBubble(t, func(b *bench) {
		firing := func(incident, fingerprint string) notice.Delivery {
			body, _ := notice.Notice{Incident: incident, Fingerprint: fingerprint, Status: notice.Firing}.Body()
			return notice.Delivery{Incident: incident, Channel: "am", Body: body}
		}
		b.outbox.standing = []notice.Delivery{firing("old", "f1"), firing("both", "f2")}
		b.outbox.broken = errors.New("no disk")
		r := newRepeated(takes)
		b.startWith(b.ctx, alerts(0), r, zap.NewNop())
		b.tell("am", "both", "f2", notice.Updated)
		synctest.Wait()
		if got := r.take(); len(got) != 0 {
			t.Errorf("repeated %v before anything was known", got)
		}
		b.outbox.mu.Lock()
		b.outbox.broken = nil
		b.outbox.mu.Unlock()
		time.Sleep(time.Minute)
		synctest.Wait()
		if got, want := r.take(), []string{"[both old]"}; !slices.Equal(got, want) {
			t.Errorf("repeated %v, want %v", got, want)
		}
		b.tell("am", "old", "f1", notice.Resolved)
		time.Sleep(time.Minute)
		synctest.Wait()
		if got, want := r.take(), []string{"[both]"}; !slices.Equal(got, want) {
			t.Errorf("repeated %v, want %v", got, want)
		}
	})
}

func TestARepetitionThatFailsIsMadeWhenItIsDueAgain(t *testing.T) {
	inBubble(t, func(b *bench) {
		r := newRepeated(takes)
		r.answer = func() Result { return Result{Outcome: Retry, Err: errors.New("refused")} }
		b.startWith(b.ctx, alerts(0), r, zap.NewNop())
		b.tell("am", "i1", "f1", notice.Firing)
		time.Sleep(3*time.Minute + time.Second)
		synctest.Wait()
		if got := r.take(); len(got) != 3 {
			t.Errorf("%d repetitions in three minutes", len(got))
		}
		b.tell("am", "i2", "f2", notice.Firing)
		if n := len(r.ids()); n != 2 {
			t.Errorf("%d deliveries beside repetitions that fail", n)
		}
	})
}

// A chore that fails however often, and is due again before the pause is over, holds up nothing that is to be told: not when the
// receiver refuses just that, and when it does not answer it no longer than the pause.
func TestChoresThatFailHoldUpNothing(t *testing.T) {
	for outcome, patience := range map[Outcome]time.Duration{Permanent: 0, Retry: maxPause * 6 / 5} {
		inBubble(t, func(b *bench) {
			r := newRepeated(takes)
			r.answer = func() Result { return Result{Outcome: outcome, Err: errors.New("answered 413")} }
			b.startWith(b.ctx, alerts(0), r, zap.NewNop())
			b.tell("am", "i1", "f1", notice.Firing)
			time.Sleep(time.Hour)
			synctest.Wait()
			if got := r.take(); len(got) < 20 {
				t.Errorf("%d repetitions in an hour", len(got))
			}
			if b.Health()["am"].Since.IsZero() {
				t.Error("nobody is told that they fail")
			}
			b.tell("am", "i2", "f2", notice.Firing)
			time.Sleep(patience)
			synctest.Wait()
			if n := len(r.ids()); n != 2 {
				t.Errorf("outcome %d: %d of 2 were told", outcome, n)
			}
		})
	}
}

// One request of a repetition that is refused, as a proxy refuses what is too large, ends none of what stands in the others.
func TestARefusedRequestEndsNoOtherAlerts(t *testing.T) {
	told := map[string]bool{}
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var alerts []alert
		if err := json.NewDecoder(r.Body).Decode(&alerts); err != nil {
			t.Error(err)
		}
		if alerts[0].Labels["fingerprint"] == "f0" {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		for _, a := range alerts {
			told[a.Labels["fingerprint"]] = true
		}
	})
	c := to(url)
	c.Kind = "alertmanager"
	opened, err := newAlertmanager(c, "")
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	var standing []notice.Delivery
	for i := range 3 * alertsAtOnce {
		n := notice.Notice{Incident: fmt.Sprint("i", i), Fingerprint: fmt.Sprint("f", i), Type: notice.SubPrefix, Status: notice.Firing, StartedAt: notice.At(epoch)}
		body, _ := n.Body()
		standing = append(standing, notice.Delivery{Body: body})
	}
	if got := opened.(Repeater).Repeat(t.Context(), standing); got.Outcome != Permanent || !strings.Contains(got.Err.Error(), "413") {
		t.Errorf("got %+v", got)
	}
	if len(told) != 2*alertsAtOnce {
		t.Errorf("%d alerts were told again, want %d", len(told), 2*alertsAtOnce)
	}
}

func TestAGoneReceiverIsNotToldAgain(t *testing.T) {
	inBubble(t, func(b *bench) {
		r := newRepeated(takes)
		r.answer = func() Result { return Result{Outcome: Gone, Err: errors.New("answered 410")} }
		b.startWith(b.ctx, alerts(0), r, zap.NewNop())
		b.tell("am", "i1", "f1", notice.Firing)
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := r.take(); len(got) != 1 {
			t.Errorf("%d repetitions", len(got))
		}
		if !r.closed.Load() {
			t.Error("the notifier was not closed")
		}
	})
}

// beating is a channel with a heartbeat, and the channel's configuration.
func beating(b *bench, r Notifier) {
	b.startWith(b.ctx, config.Channel{Name: "beat", Kind: "webhook", Heartbeat: 10 * time.Second}, r, zap.NewNop())
	synctest.Wait()
}

func TestHeartbeat(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.opts.Source = "host7"
		r := newReceiver(takes)
		beating(b, r)
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(r.got) != 7 {
			t.Fatalf("%d heartbeats in a minute", len(r.got))
		}
		var first notice.Notice
		for i, d := range r.got {
			n, err := notice.Parse(d.Body)
			if err != nil {
				t.Fatal(err)
			}
			if n.Type != notice.Heartbeat || n.Status != notice.Firing || n.Severity != notice.Info || n.Source != "host7" || n.Delivery != d.ID {
				t.Errorf("got %s", d.Body)
			}
			if i == 0 {
				first = n
			} else if n.Incident != first.Incident || n.Delivery == first.Delivery || n.StartedAt != first.StartedAt || !n.UpdatedAt.After(first.UpdatedAt.Time) {
				t.Errorf("got %s after %+v", d.Body, first)
			}
		}
		if len(b.outbox.rows) != 0 {
			t.Error("heartbeats went through the outbox")
		}
	})
}

func TestHeartbeatsAreNotMadeUpFor(t *testing.T) {
	inBubble(t, func(b *bench) {
		r, down := newBroken()
		beating(b, r)
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := len(r.ids()); n > 80 {
			t.Errorf("%d heartbeats in an hour to a receiver that is down", n)
		}
		down.Store(false)
		time.Sleep(maxPause * 6 / 5)
		synctest.Wait()
		before := len(r.ids())
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(r.ids()) - before; n != 6 {
			t.Errorf("%d heartbeats in the minute after it is back", n)
		}
	})
}

func TestHeartbeatSpeaksForTheEngine(t *testing.T) {
	inBubble(t, func(b *bench) {
		var last atomic.Value   // of time.Time
		last.Store(time.Time{}) // no sign of life yet
		b.opts.Alive = func() time.Time { return last.Load().(time.Time) }
		r := newReceiver(takes)
		beating(b, r)
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(r.ids()); n != 0 {
			t.Errorf("%d heartbeats of an engine that has not begun", n)
		}
		last.Store(time.Now())
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := len(r.ids()); n != int(stalled/(10*time.Second)) {
			t.Errorf("%d heartbeats of an engine that stands still", n)
		}
	})
}

func TestAlertmanagerEndsWhatItToldUnderOtherLabels(t *testing.T) {
	var posted [][]alert
	r := recorder(t, &posted)
	c := to(r)
	c.Kind = "alertmanager"
	opened, err := newAlertmanager(c, "")
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	send := func(severity notice.Severity, status notice.Status) {
		n := notice.Notice{Incident: "i1", Fingerprint: "f1", Type: notice.SubPrefix, Severity: severity, Status: status, StartedAt: notice.At(epoch)}
		if status == notice.Resolved {
			n.ResolvedAt = notice.At(epoch.Add(time.Hour))
		}
		body, _ := n.Body()
		if got := opened.Send(t.Context(), notice.Delivery{Body: body}); got.Outcome != Delivered {
			t.Fatalf("got %+v", got)
		}
	}
	send(notice.Warning, notice.Firing)
	send(notice.Warning, notice.Updated)
	send(notice.Critical, notice.Updated)
	send(notice.Critical, notice.Resolved)
	var got []string
	for _, alerts := range posted {
		line := ""
		for _, a := range alerts {
			line += fmt.Sprintf("%s stands=%v ", a.Labels["severity"], a.EndsAt.After(time.Now().Add(time.Minute)))
		}
		got = append(got, line)
	}
	want := []string{"warning stands=true ", "warning stands=true ", "critical stands=true warning stands=false ", "critical stands=false "}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// recorder is an Alertmanager that keeps what it is sent.
func recorder(t *testing.T, posted *[][]alert) string {
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		var alerts []alert
		if err := json.NewDecoder(r.Body).Decode(&alerts); err != nil {
			t.Error(err)
		}
		*posted = append(*posted, alerts)
	})
}
