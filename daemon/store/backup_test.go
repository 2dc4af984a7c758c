package store

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// stuck is somebody who asks for a copy and takes nothing of it before they are let go.
type stuck struct{ began, free chan struct{} }

func (s stuck) Write(p []byte) (int, error) {
	s.began <- struct{}{}
	<-s.free
	return 0, errors.New("gone")
}

// Several may ask for a copy at once, and one of them may never read it: each of the others gets a whole one, and nothing is left.
func TestSeveralBackupsAtOnce(t *testing.T) {
	s := start(t, Options{Path: path(t)})
	for i := range 9 {
		s.mustPut(t, all(i+1))
	}
	never := stuck{make(chan struct{}), make(chan struct{})}
	var askers sync.WaitGroup
	askers.Go(func() { _ = s.Backup(t.Context(), never) })
	<-never.began
	copies := make([]bytes.Buffer, 8)
	var others sync.WaitGroup
	for i := range copies {
		others.Go(func() {
			if err := s.Backup(t.Context(), &copies[i]); err != nil {
				t.Error(err)
			}
		})
	}
	done := make(chan struct{})
	go func() { defer close(done); others.Wait() }()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Error("somebody waits for one who does not read")
	}
	close(never.free)
	askers.Wait()
	<-done
	if left, err := filepath.Glob(s.opts.Path + ".backup*"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	for i := range copies {
		file := filepath.Join(t.TempDir(), "copy.db")
		if err := os.WriteFile(file, copies[i].Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		start(t, Options{Path: file}).expect(t, 9)
	}
}
