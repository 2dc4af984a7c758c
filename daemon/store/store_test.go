package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"peervane/daemon/notice"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// running is a store whose writer runs until stop, or the end of the test.
type running struct {
	*Store
	logs *observer.ObservedLogs
	stop func()
}

func start(t *testing.T, opts Options) *running {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	opts.Log, opts.laziness = zap.New(core), time.Millisecond
	s, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	}
	t.Cleanup(stop)
	return &running{s, logs, stop}
}

// put submits and waits for the answer.
func (r *running) put(b Batch) error {
	answer := make(chan error, 1)
	r.Submit(b, func(err error) { answer <- err })
	return <-answer
}

func (r *running) mustPut(t *testing.T, b Batch) {
	t.Helper()
	if err := r.put(b); err != nil {
		t.Fatal(err)
	}
}

// pending gives the ids of what is to be sent.
func (r *running) pending(t *testing.T, channel string) []string {
	t.Helper()
	rows, err := r.Pending(t.Context(), channel, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, d := range rows {
		ids = append(ids, d.ID)
	}
	return ids
}

var (
	epoch  = time.Date(2026, 11, 22, 10, 0, 0, 123456000, time.UTC)
	prefix = netip.MustParsePrefix("203.0.113.0/24")
)

func delivery(id int, channel string) notice.Delivery {
	return notice.Delivery{ID: fmt.Sprint("d", id), Channel: channel, Incident: "i1", Body: []byte(`{"n":1}`), Created: epoch}
}

func incident(id string) Incident {
	return Incident{
		ID: id, Fingerprint: "f", Type: notice.SubPrefix, Prefix: prefix, Status: notice.Firing, Severity: notice.Critical,
		Started: epoch, Updated: epoch.Add(time.Second), Told: notice.Told{"noc": true, "log": false},
		Notice: []byte(`{}`), State: []byte{0, 1, 2},
	}
}

func path(t *testing.T) string { return filepath.Join(t.TempDir(), "state", "peervane.db") }

func TestEverythingComesBackAfterARestart(t *testing.T) {
	file := path(t)
	s := start(t, Options{Path: file})
	open, ended := incident("i1"), incident("i2")
	ended.Status, ended.Resolved, ended.Told = notice.Resolved, epoch.Add(time.Hour), nil
	event := Event{At: epoch, Type: "session_up", Severity: notice.Info, Prefix: prefix, Peer: "edge1", Detail: []byte(`{"a":1}`)}
	latency := hour()
	kv := []KV{{"settled", "a", []byte("1")}, {"settled", "b", []byte("2")}, {"empty", "e", []byte{}}}
	s.mustPut(t, Batch{
		Incidents: []Incident{open, ended}, Events: []Event{event}, Latency: []Latency{latency}, KV: kv,
		Outbox: []notice.Delivery{delivery(1, "noc"), delivery(1, "pager")},
	})
	s.mustPut(t, Batch{KV: []KV{{"settled", "a", nil}}})
	s.stop()

	s = start(t, Options{Path: file})
	state, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := []Incident{open}; !reflect.DeepEqual(state.Incidents, want) {
		t.Errorf("incidents: got %+v, want %+v", state.Incidents, want)
	}
	if len(state.KV) != 2 || state.KV[0].Kind != "empty" || state.KV[1].Key != "b" {
		t.Errorf("kv: got %+v", state.KV)
	}
	resolved, err := s.Incidents(t.Context(), notice.Resolved, "", 10)
	if err != nil || len(resolved) != 1 || !resolved[0].Resolved.Equal(ended.Resolved) {
		t.Errorf("resolved: got %+v, %v", resolved, err)
	}
	if all, err := s.Incidents(t.Context(), "", "", 10); err != nil || len(all) != 2 {
		t.Errorf("all: got %+v, %v", all, err)
	}
	if one, err := s.Incident(t.Context(), "i1"); err != nil || one.ID != "i1" {
		t.Errorf("one: got %+v, %v", one, err)
	}
	for _, of := range []netip.Prefix{prefix, {}} {
		if events, err := s.Events(t.Context(), of, epoch, 10); err != nil || !reflect.DeepEqual(events, []Event{event}) {
			t.Errorf("events: got %+v, %v", events, err)
		}
	}
	if history := s.history(t, "par1", epoch); !reflect.DeepEqual(history, []Latency{latency}) {
		t.Errorf("latency: got %+v", history)
	}
	if got := s.pending(t, "noc"); !reflect.DeepEqual(got, []string{"d1"}) {
		t.Errorf("noc has %v pending", got)
	}
	if s.Depth("noc") != 1 || s.Depth("pager") != 1 {
		t.Errorf("depth: %d, %d", s.Depth("noc"), s.Depth("pager"))
	}
}

func TestSequenceGoesOnAfterARestart(t *testing.T) {
	file := path(t)
	s := start(t, Options{Path: file})
	s.mustPut(t, Batch{Outbox: []notice.Delivery{delivery(1, "noc"), delivery(2, "noc")}})
	s.stop()
	s = start(t, Options{Path: file})
	s.mustPut(t, Batch{Outbox: []notice.Delivery{delivery(3, "noc")}})
	if got := s.pending(t, "noc"); !reflect.DeepEqual(got, []string{"d1", "d2", "d3"}) {
		t.Errorf("got %v", got)
	}
}

func TestRecord(t *testing.T) {
	for _, path := range []string{path(t), memory} {
		s := start(t, Options{Path: path})
		rows := []notice.Delivery{delivery(1, "noc"), delivery(2, "noc"), delivery(3, "noc")}
		s.mustPut(t, Batch{Outbox: rows})
		rows[0].State = notice.Delivered
		rows[1].State, rows[1].Error = notice.Dead, "400 Bad Request"
		rows[2].Attempts, rows[2].NextAt, rows[2].Error = 1, epoch.Add(time.Minute), "refused"
		for _, d := range rows {
			s.Record(d)
		}
		for range 2 { // from memory, then from disk
			got, err := s.Pending(t.Context(), "noc", 0, 10)
			if err != nil || !reflect.DeepEqual(got, rows[2:]) {
				t.Errorf("pending: got %+v, %v", got, err)
			}
			if s.Depth("noc") != 1 {
				t.Errorf("depth %d", s.Depth("noc"))
			}
			s.mustPut(t, Batch{})
		}
		dead, err := s.DeadLetters(t.Context(), 0, 10)
		if err != nil || !reflect.DeepEqual(dead, rows[1:2]) {
			t.Errorf("dead letters: got %+v, %v", dead, err)
		}
	}
}

func TestPendingPagesOverFinishedRows(t *testing.T) {
	s := start(t, Options{Path: path(t)})
	var rows []notice.Delivery
	for i := range 10 {
		rows = append(rows, delivery(i, "noc"))
	}
	s.mustPut(t, Batch{Outbox: rows})
	for _, d := range rows[:7] {
		d.State = notice.Delivered
		s.Record(d)
	}
	got, err := s.Pending(t.Context(), "noc", 0, 3)
	if err != nil || len(got) == 0 || got[0].Seq != rows[7].Seq {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestNothingIsPendingBeforeItIsOnDisk(t *testing.T) {
	core, _ := observer.New(zap.InfoLevel)
	s, err := Open(Options{Path: path(t), Log: zap.New(core)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	answer := make(chan error, 1)
	s.Submit(Batch{Outbox: []notice.Delivery{delivery(1, "noc")}}, func(err error) { answer <- err })
	if rows, err := s.Pending(t.Context(), "noc", 0, 10); err != nil || len(rows) != 0 {
		t.Errorf("nothing was written, but %v, %v is pending", rows, err)
	}
	s.Close()
	if err := <-answer; !errors.Is(err, ErrClosed) {
		t.Errorf("the answer is %v", err)
	}
}

func TestDisabledChannelIsRemembered(t *testing.T) {
	file := path(t)
	s := start(t, Options{Path: file})
	for range 2 {
		if config, err := s.Disabled(t.Context(), "pager"); err != nil || config != "" {
			t.Errorf("got %q, %v", config, err)
		}
		s.Disable("noc", "v1")
		if config, err := s.Disabled(t.Context(), "noc"); err != nil || config != "v1" {
			t.Errorf("got %q, %v", config, err)
		}
		s.stop()
		s = start(t, Options{Path: file})
	}
}

func TestModes(t *testing.T) {
	file := path(t)
	s := start(t, Options{Path: file})
	s.mustPut(t, Batch{KV: []KV{{"k", "k", []byte("v")}}})
	for name, want := range map[string]os.FileMode{
		filepath.Dir(file): 0o700, file: 0o600, file + "-wal": 0o600, file + "-shm": 0o600, file + ".lock": 0o600,
	} {
		info, err := os.Stat(name)
		if err != nil {
			t.Error(err)
		} else if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", name, got, want)
		}
	}
}

func TestASecondProcessIsKeptOff(t *testing.T) {
	file := path(t)
	start(t, Options{Path: file})
	if _, err := Open(Options{Path: file, Log: zap.NewNop()}); err == nil {
		t.Error("the database was opened twice")
	}
}

func TestANewerDatabaseIsRefused(t *testing.T) {
	file := path(t)
	s := start(t, Options{Path: file})
	if _, err := s.database().write.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	s.stop()
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Path: file, Log: zap.NewNop()}); !errors.Is(err, ErrNewer) {
		t.Errorf("got %v", err)
	}
	if after, _ := os.ReadFile(file); !bytes.Equal(before, after) {
		t.Error("the newer database was changed")
	}
}

func TestStrangePaths(t *testing.T) {
	for _, name := range []string{"a b", "a?b=c", "a#b", "a%20b", "ü"} {
		file := filepath.Join(t.TempDir(), name, "x.db")
		s := start(t, Options{Path: file})
		s.mustPut(t, Batch{KV: []KV{{"k", "k", []byte("v")}}})
		s.stop()
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
}
