package store

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"peervane/daemon/notice"
)

// A log that was removed is missed, and another is made.
func TestRedoLogRemovedWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Options{Path: path(t)})
		s.mustPut(t, all(1))
		if err := os.Remove(redoPath(s.opts.Path)); err != nil {
			t.Fatal(err)
		}
		s.mustPut(t, all(2))
		s.expect(t, 2)
		s.settled()
		s.held(t)
		s.mustPut(t, all(3))
		if n := s.logs.FilterMessageSnippet("redo log cannot be written").Len(); n != 1 {
			t.Errorf("said %d times", n)
		}
		start(t, Options{Path: s.killed(t)}).expect(t, 3)
	})
}

// What is too long for the log goes to the database at once, in its turn.
func TestTooLongForTheRedoLog(t *testing.T) {
	s := start(t, Options{Path: path(t)})
	s.mustPut(t, all(1))
	long := all(2)
	long.Outbox[0].Body = make([]byte, mostSlots*slotSize)
	s.mustPut(t, long)
	s.mustPut(t, all(3))
	s.expect(t, 3)
	if s.redo == nil {
		t.Error("the log was given up")
	}
	again := start(t, Options{Path: s.killed(t)})
	again.expect(t, 3)
}

// What goes to the database at once is not overtaken by what comes later: a channel reads on from the last that it saw.
func TestNothingOvertakes(t *testing.T) {
	s := start(t, Options{Path: path(t)})
	other, err := connect(s.opts.Path, "_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	tx, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan int, 3)
	for i := 1; i <= 3; i++ {
		b := one(i)
		if i == 2 {
			b.Outbox[0].Body = make([]byte, mostSlots*slotSize)
		}
		s.Submit(b, func(err error) {
			if err != nil {
				t.Error(err)
			}
			told <- i
		})
		if i == 1 {
			<-told
		}
	}
	s.expectPending(t, "d1")
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if first, then := <-told, <-told; first != 2 || then != 3 {
		t.Errorf("told of %d, then %d", first, then)
	}
	s.expectPending(t, "d1", "d2", "d3")
}

func TestTheHeaderFitsItsSlot(t *testing.T) {
	if n := len(encodeHeader(1)); n != slotSize {
		t.Errorf("it takes %d bytes", n)
	}
}

// However much is promised at once, the room in the log is used again and again, and each promise is kept.
func TestRedoLogGoesAround(t *testing.T) {
	s := start(t, Options{Path: path(t)})
	const n = 3 * redoSlots / 100
	answers := make(chan error, n)
	for i := range n {
		row := delivery(i, "noc")
		row.Body = make([]byte, 100*slotSize-1000)
		s.Submit(Batch{Outbox: []notice.Delivery{row}}, func(err error) { answers <- err })
		if i%3 == 0 {
			if err := <-answers; err != nil {
				t.Fatal(err)
			}
		}
	}
	for range n - (n+2)/3 {
		if err := <-answers; err != nil {
			t.Fatal(err)
		}
	}
	again := start(t, Options{Path: s.killed(t)})
	if again.Depth("noc") != n {
		t.Errorf("%d of %d are there", again.Depth("noc"), n)
	}
}

func TestAWholeEndLeavesNoRedoLog(t *testing.T) {
	s := start(t, Options{Path: path(t)})
	s.mustPut(t, all(1))
	s.stop()
	if _, err := os.Stat(redoPath(s.opts.Path)); !os.IsNotExist(err) {
		t.Errorf("it is there: %v", err)
	}
}

// Nobody waits for a database that does not answer.
func TestCatchUpWithADatabaseThatIsHeld(t *testing.T) {
	s := start(t, Options{Path: path(t)})
	s.held(t)
	s.mustPut(t, all(1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.catchUp(ctx)
	s.fail(errSlow)
	s.catchUp(t.Context())
}

// model is what a redo log must hold.
type model struct {
	records  map[uint64][]byte
	released uint64
}

func TestRedoLogAgainstAModel(t *testing.T) {
	file := redoPath(path(t))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	r, err := createRedo(file, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	rng, m, lsn := rand.New(rand.NewPCG(1, 2)), model{records: map[uint64][]byte{}}, uint64(0)
	for step := range 400 {
		b := make([]byte, headSize, headSize+rng.IntN(mostSlots*slotSize/2))
		b = append(b, fmt.Sprint("record ", lsn)...)
		b = b[:cap(b)]
		switch err := r.append(lsn+1, seal(b, r.id, lsn+1)); err {
		case nil:
			lsn++
			m.records[lsn] = b
		case errNoRoom:
			if len(m.records) < 2 {
				t.Fatal("no room in a log that is as good as empty")
			}
			m.release(r, m.released+1+rng.Uint64N(lsn-m.released))
		default:
			t.Fatal(err)
		}
		if step%20 == 0 {
			m.check(t, file, r.id)
		}
	}
	m.check(t, file, r.id)
}

func (m *model) release(r *redo, lsn uint64) {
	r.release(lsn)
	for ; m.released < lsn; m.released++ {
		delete(m.records, m.released+1)
	}
}

func (m *model) check(t *testing.T, file string, id uint64) {
	t.Helper()
	log, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, records := readRedo(log, mark{id, m.released})
	if len(records) != len(m.records) {
		t.Fatalf("%d records, want %d", len(records), len(m.records))
	}
	for _, r := range records {
		if want := m.records[r.lsn]; !bytes.Equal(r.body, want[headSize:]) {
			t.Fatalf("record %d is another", r.lsn)
		}
	}
}

// What is written is taken to the disk before it is promised: where that cannot be done, nothing is.
func TestNothingIsPromisedBeforeItIsOnTheDisk(t *testing.T) {
	nowhere, err := os.OpenFile(os.DevNull, os.O_RDWR, 0) // it takes what is written, and has no disk
	if err != nil {
		t.Fatal(err)
	}
	defer nowhere.Close()
	info, err := nowhere.Stat()
	if err != nil {
		t.Fatal(err)
	}
	r := &redo{f: nowhere, path: os.DevNull, file: info, at: 1, free: redoSlots - 1}
	if err := r.append(1, make([]byte, slotSize)); err == nil {
		t.Error("promised")
	}
}
