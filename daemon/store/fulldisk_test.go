package store

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// smallDisk mounts a disk of a few megabytes.
func smallDisk(t *testing.T) string {
	t.Helper()
	return disk(t, "3m")
}

func disk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		lacking(t, "a small disk cannot be mounted", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill leaves no byte free, and says how to free it again.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	filler := filepath.Join(dir, "filler")
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	return func() {
		if err := os.Remove(filler); err != nil {
			t.Error(err)
		}
	}
}

func TestDiskThatFillsUpWhileRunning(t *testing.T) {
	dir := smallDisk(t)
	synctest.Test(t, func(t *testing.T) {
		recovered := 0
		s := start(t, Options{Path: filepath.Join(dir, "x.db"), Recovered: func() { recovered++ }})
		s.mustPut(t, one(1))
		free := fill(t, dir)
		failed := 0
		for i := range 300 { // there is room in the log for a few
			b := one(i)
			b.Outbox[0].Body = make([]byte, 4096)
			if s.put(b) != nil {
				failed++
			}
		}
		if failed == 0 {
			t.Fatal("a full disk took everything")
		}
		if n := len(s.pending(t, "noc")); n != 301 {
			t.Errorf("%d of 301 served while the disk is full", n)
		}
		free()
		s.settled()
		if s.Trouble() != nil || len(s.pending(t, "noc")) != 301 || recovered != 0 {
			t.Errorf("trouble: %v, pending %d, asked for the state %d times", s.Trouble(), len(s.pending(t, "noc")), recovered)
		}
	})
}

func TestStartOnAFullDisk(t *testing.T) {
	dir := smallDisk(t)
	synctest.Test(t, func(t *testing.T) {
		recovered := 0
		free := fill(t, dir)
		s := start(t, Options{Path: filepath.Join(dir, "x.db"), Log: zap.NewNop(), Recovered: func() { recovered++ }})
		if s.put(one(1)) == nil {
			t.Error("a full disk took it")
		}
		free()
		s.settled()
		s.expectPending(t, "d1")
		if s.Trouble() != nil || recovered != 1 {
			t.Errorf("trouble: %v, asked for the state %d times", s.Trouble(), recovered)
		}
	})
}

// On a disk that has filled up meanwhile the room that the redo log does not need is there for what is in it.
func TestRedoOnAFullDisk(t *testing.T) {
	dir := disk(t, "200m")
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Options{Path: filepath.Join(dir, "before", "x.db")})
		for i := 1; i <= 3; i++ {
			s.mustPut(t, all(i)) // the database follows only as time goes on
		}
		file := filepath.Join(dir, "after", "x.db")
		s.killedInto(t, file)
		s.stop()
		fill(t, dir)
		again := start(t, Options{Path: file})
		again.expect(t, 3)
		again.mustPut(t, all(4))
		again.expect(t, 4)
		if again.Trouble() != nil {
			t.Error(again.Trouble())
		}
	})
}

// A small disk is left to the database.
func TestNoRedoLogOnASmallDisk(t *testing.T) {
	dir := disk(t, "100m")
	s := start(t, Options{Path: filepath.Join(dir, "x.db")})
	s.mustPut(t, all(1))
	s.expect(t, 1)
	if _, err := os.Stat(redoPath(s.opts.Path)); !os.IsNotExist(err) {
		t.Errorf("it is there: %v", err)
	}
	if s.logs.FilterMessageSnippet("no redo log can be made").Len() != 1 {
		t.Errorf("the log says %v", s.logs.All())
	}
}
