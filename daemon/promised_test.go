package daemon

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"peervane/config"
	"peervane/daemon/incident"
	"peervane/daemon/notice"
	"peervane/daemon/notify"
	"peervane/daemon/store"
)

// afterKill gives the incidents that are found after a kill -9 at this moment, by their ids.
func afterKill(t *testing.T, dir string) map[string]incident.Record {
	t.Helper()
	left := t.TempDir()
	if err := os.CopyFS(left, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(store.Options{Path: filepath.Join(left, "peervane.db"), Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	state, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]incident.Record{}
	for _, row := range state.Incidents {
		r, err := incident.Decode(row.Notice, row.State)
		if err != nil {
			t.Fatal(err)
		}
		found[r.ID()] = r
	}
	return found
}

// promising is a store that runs in a bubble, and where it is.
func promising(t *testing.T) (s *store.Store, dir string) {
	t.Helper()
	dir = t.TempDir()
	s, err := store.Open(store.Options{Path: filepath.Join(dir, "peervane.db"), Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended })
	return s, dir
}

// Whoever is told that an incident is acknowledged may rely on it, also where a group tells of it, so that nobody is told and
// its state is in no hurry.
func TestAckIsOnDiskBeforeItIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, dir := promising(t)
		w := newStorm(t, 0)
		for i := range groupedFrom + 5 {
			w.strike(i, true, false)
		}
		d := &Daemon{engine: w.engine, store: s, channels: &notify.Dispatcher{}, calls: make(chan func())}
		d.publisher = &publisher{store: s, channels: d.channels, log: zap.NewNop(), told: map[string]notice.Told{}, unwritten: map[netip.Prefix]*registration{}}
		publish := func() { d.publisher.publish(w.engine.take(), w.engine.book.Changed(), w.now) }
		w.engine.take() // what was told before
		publish()
		var member string
		for _, r := range w.engine.book.Records() {
			if r.Group != "" {
				member = r.ID()
			}
		}
		answer := httptest.NewRecorder()
		q := url.Values{"id": {member}, "by": {"noc"}}
		go d.acknowledge(answer, httptest.NewRequest(http.MethodPost, "/ack?"+q.Encode(), nil))
		(<-d.calls)()
		synctest.Wait() // the engine has not handed over the incident yet
		select {
		case f := <-d.calls:
			publish()
			f()
		default:
			t.Error("the answer does not wait for the engine")
			publish()
		}
		synctest.Wait()
		if answer.Body.Len() == 0 || answer.Code != http.StatusOK {
			t.Fatalf("answered %d %s", answer.Code, answer.Body)
		}
		if got := afterKill(t, dir)[member]; got.Ack == nil || got.Ack.By != "noc" {
			t.Errorf("it is acknowledged, and after a kill -9 by %+v", got.Ack)
		}
	})
}

// State that is written anew, for a database that is not known to hold it, waits for no company.
func TestStateWrittenAnewIsPromised(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, dir := promising(t)
		w := newStorm(t, 0)
		w.strike(0, true, false)
		p := &publisher{store: s, log: zap.NewNop(), told: map[string]notice.Told{}}
		p.rewrite(w.engine)
		synctest.Wait() // no time passes
		if found := afterKill(t, dir); len(found) != 1 {
			t.Errorf("after a kill -9 there are %d", len(found))
		}
	})
}

// Nothing is said of a notice that is not on disk: not to a channel, not to the log, not to who follows.
func TestNothingIsToldBeforeItIsOnDisk(t *testing.T) {
	asked := make(chan string, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.Header.Get("webhook-id") }))
	defer receiver.Close()
	s, err := store.Open(store.Options{Path: filepath.Join(t.TempDir(), "peervane.db"), Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	core, logged := observer.New(zap.InfoLevel)
	log := zap.New(core)
	channels := []config.Channel{{
		Name: "noc", Kind: "webhook", URL: config.NewURL(receiver.URL, false), AllowPrivate: true, MinSeverity: notice.Warning.String(), Resolve: true,
	}}
	d := notify.New(notify.Options{Journal: s, Log: zap.NewNop()})
	d.SetChannels(channels)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	running.Go(func() { _ = d.Run(ctx) })
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, begun := d.Health()["noc"]; begun {
			break
		} else if time.Now().After(deadline) {
			t.Fatal("the channel has not begun")
		}
	}

	w := newStorm(t, 0)
	w.engine.take() // what was told before
	w.strike(0, true, false)
	p := &publisher{
		store: s, channels: d, followers: &followers{}, log: log, hooks: hooks{queued: func(time.Time) {}, durable: func(time.Time) {}},
		configured: channels, told: map[string]notice.Told{}, unwritten: map[netip.Prefix]*registration{},
	}
	p.publish(w.engine.take(), w.engine.book.Changed(), w.now)
	select {
	case id := <-asked:
		t.Fatalf("%s was sent, and nothing is on disk", id)
	case <-time.After(300 * time.Millisecond): // the store does not run
	}
	if logged.Len() > 0 {
		t.Fatalf("logged: %v", logged.All()[0])
	}
	running.Go(func() { _ = s.Run(ctx) })
	select {
	case <-asked:
	case <-time.After(20 * time.Second):
		t.Fatal("it was never sent")
	}
}
