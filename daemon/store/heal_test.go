package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"peervane/daemon/notice"
)

func one(id int) Batch { return Batch{Outbox: []notice.Delivery{delivery(id, "noc")}} }

// settled waits, on the bubble's clock, until the store has done all it will.
func (r *running) settled() {
	time.Sleep(2 * retryMax)
	synctest.Wait()
}

func (r *running) expectPending(t *testing.T, want ...string) {
	t.Helper()
	if got := r.pending(t, "noc"); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("pending: got %v, want %v", got, want)
	}
}

func asides(t *testing.T, file string) []string {
	t.Helper()
	found, err := filepath.Glob(file + ".corrupt-*Z")
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// withoutRedo takes the redo log away, until the writer makes another.
func (r *running) withoutRedo() { r.giveUp(r.redo, errors.New("the test took it")) }

func TestFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Options{Path: path(t)})
		s.withoutRedo()
		s.mustPut(t, one(1))
		limit := func(pages int) {
			if _, err := s.database().write.Exec(fmt.Sprint("PRAGMA max_page_count = ", pages)); err != nil {
				t.Fatal(err)
			}
		}
		limit(1) // SQLite takes the size that it has: every new page is refused as by a full disk
		big := one(2)
		big.Outbox[0].Body = make([]byte, 1<<20)
		if err := s.put(big); err == nil {
			t.Fatal("a full disk took a megabyte")
		}
		s.expectPending(t, "d1", "d2") // served from memory
		if err := s.put(one(3)); err == nil || s.Trouble() == nil {
			t.Error("nobody was told of the trouble")
		}
		limit(1 << 20)
		s.settled()
		if s.Trouble() != nil {
			t.Errorf("still in trouble: %v", s.Trouble())
		}
		s.expectPending(t, "d1", "d2", "d3")
		if s.Depth("noc") != 3 {
			t.Errorf("depth %d", s.Depth("noc"))
		}
		if s.logs.FilterMessage("state is written again").Len() != 1 {
			t.Error("the log does not say that all is well again")
		}
	})
}

// What the redo log has room for is promised on a full disk, too.
func TestFullDiskBehindTheRedoLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Options{Path: path(t)})
		limit := func(pages int) {
			if _, err := s.database().write.Exec(fmt.Sprint("PRAGMA max_page_count = ", pages)); err != nil {
				t.Fatal(err)
			}
		}
		limit(1)
		big := one(1)
		big.Outbox[0].Body = make([]byte, 1<<20)
		s.mustPut(t, big)
		s.expectPending(t, "d1")
		time.Sleep(time.Second)
		synctest.Wait()
		if s.Trouble() == nil {
			t.Error("nobody was told of the trouble")
		}
		if err := s.put(one(2)); err == nil {
			t.Error("promised behind what is not written")
		}
		s.expectPending(t, "d1", "d2")
		limit(1 << 20)
		s.settled()
		s.mustPut(t, one(3))
		s.expectPending(t, "d1", "d2", "d3")
		if s.Depth("noc") != 3 || s.Trouble() != nil {
			t.Errorf("depth %d, trouble %v", s.Depth("noc"), s.Trouble())
		}
	})
}

func TestRemovedDatabaseIsSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file, recovered := path(t), 0
		s := start(t, Options{Path: file, Recovered: func() { recovered++ }})
		s.mustPut(t, one(1))
		if err := os.RemoveAll(filepath.Dir(file)); err != nil {
			t.Fatal(err)
		}
		if err := s.put(one(2)); err != nil { // the rescue needs the folder, which the next attempt makes
			s.settled()
		}
		s.expectPending(t, "d1", "d2")
		if recovered != 1 {
			t.Errorf("the engine was asked %d times for its state", recovered)
		}
		s.stop()
		s = start(t, Options{Path: file})
		s.expectPending(t, "d1", "d2")
	})
}

// What was promised, and delivered before the database had it, counts once in the next one, and that as delivered.
func TestRemovedDatabaseCountsWhatWasDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Options{Path: path(t)})
		s.mustPut(t, one(1))
		s.settled()
		s.mustPut(t, one(2)) // the redo log has it
		if err := os.Remove(s.opts.Path); err != nil {
			t.Fatal(err)
		}
		rows, err := s.Pending(t.Context(), "noc", 0, 10)
		if err != nil || len(rows) != 2 {
			t.Fatalf("pending %v, %v", rows, err)
		}
		rows[1].State = notice.Delivered
		s.Record(rows[1])
		s.settled()
		s.expectPending(t, "d1")
		if n := s.Depth("noc"); n != 1 {
			t.Errorf("depth %d", n)
		}
	})
}

// What SQLite wrote to a log that was removed is saved, too.
func TestRemovedLogIsSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Options{Path: path(t)})
		s.mustPut(t, one(1))
		s.settled()
		if err := os.Remove(s.opts.Path + "-wal"); err != nil {
			t.Fatal(err)
		}
		s.mustPut(t, one(2))
		s.settled()
		if s.Trouble() != nil {
			t.Error(s.Trouble())
		}
		start(t, Options{Path: s.killed(t)}).expectPending(t, "d1", "d2")
	})
}

func TestCorruptAtStart(t *testing.T) {
	file := path(t)
	s := start(t, Options{Path: file})
	s.mustPut(t, one(1))
	s.stop()
	spoil(t, file, 0)
	s = start(t, Options{Path: file})
	s.mustPut(t, one(2))
	if len(asides(t, file)) != 1 {
		t.Errorf("set aside: %v", asides(t, file))
	}
	if s.logs.FilterMessageSnippet("set aside").Len() != 1 {
		t.Error("the log does not say that a database was set aside")
	}
}

// spoil writes garbage into the file.
func spoil(t *testing.T, file string, at int64) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	garbage := make([]byte, 8192)
	for i := range garbage {
		garbage[i] = byte(i*7 + 13)
	}
	if _, err := f.WriteAt(garbage, at); err != nil {
		t.Fatal(err)
	}
}

func TestTruncatedWhileRunning(t *testing.T) {
	for _, size := range []int64{0, 100, 5000} {
		synctest.Test(t, func(t *testing.T) {
			file, recovered := path(t), 0
			s := start(t, Options{Path: file, Recovered: func() { recovered++ }})
			s.mustPut(t, one(1))
			if _, err := s.database().write.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
				t.Fatal(err)
			}
			s.mustPut(t, one(2))
			s.catchUp(t.Context()) // sees the size
			if err := os.Truncate(file, size); err != nil {
				t.Fatal(err)
			}
			if err := s.put(one(3)); err != nil {
				t.Errorf("the store did not recover at once: %v", err)
			}
			s.settled()
			if recovered != 1 || len(asides(t, file)) != 1 {
				t.Errorf("asked for the state %d times, set aside %v", recovered, asides(t, file))
			}
			s.expectPending(t, "d1", "d2", "d3") // memory had copies
			if s.Depth("noc") != 3 {
				t.Errorf("depth %d", s.Depth("noc"))
			}
		})
	}
}

func TestReplacedWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file, other, recovered := path(t), path(t), 0
		o := start(t, Options{Path: other})
		o.mustPut(t, one(1))
		o.stop()
		s := start(t, Options{Path: file, Recovered: func() { recovered++ }})
		if err := os.Rename(other, file); err != nil {
			t.Fatal(err)
		}
		for _, suffix := range []string{"-wal", "-shm"} {
			if err := os.Remove(file + suffix); err != nil {
				t.Fatal(err)
			}
		}
		s.mustPut(t, one(2))
		s.settled()
		if recovered != 1 {
			t.Errorf("asked for the state %d times", recovered)
		}
	})
}

func TestStartWithoutADisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file, recovered := path(t), 0
		obstacle := filepath.Dir(file)
		if err := os.WriteFile(obstacle, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		s := start(t, Options{Path: file, Recovered: func() { recovered++ }})
		if err := s.put(one(1)); err == nil {
			t.Error("written to nowhere")
		}
		if state, err := s.Load(t.Context()); !errors.Is(err, ErrUnavailable) || len(state.Incidents) != 0 {
			t.Errorf("loaded %+v, %v", state, err)
		}
		rows, err := s.Pending(t.Context(), "noc", 0, 10)
		if err == nil || len(rows) != 1 {
			t.Errorf("from memory: got %v, %v", rows, err)
		}
		if err := os.Remove(obstacle); err != nil {
			t.Fatal(err)
		}
		s.settled()
		s.expectPending(t, "d1")
		if recovered != 1 || s.Trouble() != nil {
			t.Errorf("asked for the state %d times; trouble: %v", recovered, s.Trouble())
		}
	})
}

func TestSlowDiskHoldsNobodyUp(t *testing.T) {
	file := path(t)
	s := start(t, Options{Path: file, patience: time.Millisecond})
	s.withoutRedo()
	other, err := connect(file, "_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	tx, err := other.Begin() // whoever writes now waits
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{1, 2} {
		if err := s.put(one(i)); !errors.Is(err, errSlow) {
			t.Errorf("the answer is %v", err)
		}
	}
	s.expectPending(t, "d1", "d2") // sent from memory
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	s.stop() // waits for the disk
	s = start(t, Options{Path: file})
	s.expectPending(t, "d1", "d2")
}

func TestTroubleIsLoggedSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.InfoLevel)
		r := report{log: zap.New(core)}
		for range 600 {
			r.ill(errSlow, 1, Dropped{})
			time.Sleep(time.Second)
		}
		if n := logs.Len(); n != 10 {
			t.Errorf("%d lines in ten minutes", n)
		}
	})
}
