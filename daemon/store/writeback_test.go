package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"peervane/daemon/notice"
)

// logLimit is the pages of a log that is bounded as for smallSize.
const (
	logLimit  = 100
	smallSize = logLimit * 16 * pageSize
)

func (r *running) logBytes(t *testing.T) int64 {
	t.Helper()
	info, err := os.Stat(r.opts.Path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// floodBounded floods the store with more than ten logs, and says how long the log was at most, in pages.
func floodBounded(t *testing.T, s *running) (most int64) {
	t.Helper()
	for i := range 40 {
		flood(t, s, 100*i, 100)
		synctest.Wait() // the writer has looked after the log
		most = max(most, s.logBytes(t)/pageSize)
	}
	return most
}

func TestTheLogStaysBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Options{Path: path(t)})
		s.Retain(Retention{Size: smallSize})
		s.tidied()
		if most := floodBounded(t, s); most > 3*logLimit {
			t.Errorf("the log grew to %d pages", most)
		}
		if n := s.logs.FilterMessageSnippet("cannot be written back").Len(); n > 0 {
			t.Errorf("%d warnings", n)
		}
	})
}

// Where it cannot be written back beside the writer, the writer does it before the log is too long, and that is said once.
func TestTheLogStaysBoundedWithoutHelp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Options{Path: path(t)})
		s.Retain(Retention{Size: smallSize})
		s.tidied()
		s.database().back.beside.Close()
		if most := floodBounded(t, s); most > 3*logLimit {
			t.Errorf("the log grew to %d pages", most)
		}
		if n := s.logs.FilterMessageSnippet("cannot be written back").Len(); n != 1 {
			t.Errorf("said %d times", n)
		}
		if s.Trouble() != nil {
			t.Errorf("what is promised is safe, and yet: %v", s.Trouble())
		}
	})
}

// A reader of an old state keeps the log from beginning anew, and nobody from writing; after it the log is as short as ever.
func TestTheLogBesideAReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Options{Path: path(t)})
		s.Retain(Retention{Size: smallSize})
		s.tidied()
		release := s.holdOldState(t)
		if most := floodBounded(t, s); most < 5*logLimit {
			t.Errorf("only %d pages: the reader held nothing back", most)
		}
		release()
		floodBounded(t, s)
		if n := s.logBytes(t) / pageSize; n > 3*logLimit {
			t.Errorf("the log is still %d pages", n)
		}
	})
}

// Whoever closes waits for what is written back.
func TestClosedWhileTheLogIsWrittenBack(t *testing.T) {
	file := path(t)
	for round := range 5 {
		d, err := openDatabase(t.Context(), file, false)
		if err != nil {
			t.Fatal(err)
		}
		p := newPending()
		for i := range 1000 {
			row := delivery(1000*round+i, "noc")
			row.Seq = int64(1000*round + i)
			p.outbox[row.Seq] = row
		}
		if err := d.commit(p, mark{}); err != nil {
			t.Fatal(err)
		}
		d.back.start()
		d.close()
		if d.back.failed != nil {
			t.Error(d.back.failed)
		}
	}
	d, err := openDatabase(t.Context(), file, false)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	if found, err := takeCensus(t.Context(), d.read); err != nil || found.depth["noc"] != 5000 {
		t.Errorf("%v, %v", found, err)
	}
}

// What cannot be taken to disk is not promised, and is on disk once it can.
func TestTheLogCannotBeTakenToDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Options{Path: path(t)})
		s.mustPut(t, one(1))
		s.catchUp(t.Context())
		s.withoutRedo()
		s.database().log.Close()
		if err := s.put(one(2)); err == nil {
			t.Error("it was promised")
		}
		s.settled()
		if s.Trouble() != nil {
			t.Error(s.Trouble())
		}
		s.expectPending(t, "d1", "d2")
	})
}

const killedStore = "PEERVANE_KILLED_STORE"

// TestKilledWhileTheLogIsWrittenBack kills a process that writes, and whose log begins anew all the time, and looks whether all
// that it promised is there.
func TestKilledWhileTheLogIsWrittenBack(t *testing.T) {
	if file := os.Getenv(killedStore); file != "" {
		promiseUntilKilled(t, file)
	}
	file := filepath.Join(t.TempDir(), "peervane.db")
	promised := 0
	for round := range 3 {
		promised += promisedUntilKill(t, file, 120+37*round)
		s := start(t, Options{Path: file})
		if n := s.Depth("noc"); n < promised {
			t.Fatalf("round %d: %d were promised, %d are there", round, promised, n)
		}
		promised = s.Depth("noc")
		if err := check(t.Context(), s.database().write); err != nil {
			t.Fatal(err)
		}
		s.stop()
	}
}

// promisedUntilKill runs the process until it has promised n.
func promisedUntilKill(t *testing.T, file string, n int) (promised int) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run", "^TestKilledWhileTheLogIsWrittenBack$")
	child.Env = append(os.Environ(), killedStore+"="+file)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if _, err := strconv.Atoi(lines.Text()); err != nil {
			t.Fatalf("the process says %q", lines.Text())
		}
		if promised++; promised == n {
			child.Process.Kill()
		}
	}
	child.Wait()
	if promised < n {
		t.Fatalf("only %d were promised", promised)
	}
	return promised
}

func promiseUntilKilled(t *testing.T, file string) {
	s, err := Open(Options{Path: file, Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	s.database().back.limit = 20
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	for i := range 100_000 { // so that it ends by itself where nobody kills it
		answer := make(chan error, 1)
		row := delivery(i, "noc")
		row.Body = make([]byte, 2000)
		s.Submit(Batch{Outbox: []notice.Delivery{row}}, func(err error) { answer <- err })
		if err := <-answer; err != nil {
			t.Fatal(err)
		}
		fmt.Println(i)
	}
	cancel()
	if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

// What is in the redo log already waits while the log is written back, unless somebody wants it in the database now.
func TestNoTransactionBesideTheWriteBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Options{Path: path(t)})
		synctest.Wait()
		running := make(chan struct{})
		s.database().back.running = running
		put := func(id int) (before, after uint64) {
			s.mustPut(t, Batch{Outbox: []notice.Delivery{delivery(id, "noc")}})
			before = s.applied()
			time.Sleep(9*writePause + writePause/2) // the bubble's clock; between two looks of the writer
			synctest.Wait()
			return before, s.applied()
		}
		if before, after := put(1); after != before {
			t.Errorf("the database is at %d of the redo log, and was at %d", after, before)
		}
		if s.catchUp(t.Context()); s.applied() == 0 {
			t.Error("what is asked for is not in the database")
		}
		if before, after := put(2); after != before {
			t.Errorf("the database is at %d of the redo log, and was at %d", after, before)
		}
		close(running)
		if before, after := put(3); after != before+2 {
			t.Errorf("once it is written back, the database is at %d of the redo log, and was at %d", after, before)
		}
	})
}

// applied says how much of the redo log is in the database.
func (r *running) applied() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.committed
}
