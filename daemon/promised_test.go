package daemon

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"go.uber.org/zap"

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
