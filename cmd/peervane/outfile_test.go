package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"peervane/bgp/source"
)

// What is no plain file stays what it is: a pipe is written to, a link is followed, a directory is refused.
func TestRecordingGoesWhereItIsTold(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(name string) error {
		return writingTo(nil, at(name), func(to io.Writer) error { return writeAll(to, []byte("new")) })
	}
	if err := errors.Join(os.WriteFile(at("file"), []byte("older"), 0o600), os.Symlink("file", at("link")), os.Symlink("nothing", at("loose")), syscall.Mkfifo(at("pipe"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := write("link"); err != nil {
		t.Error(err)
	}
	if got, err := os.ReadFile(at("file")); err != nil || string(got) != "new" {
		t.Errorf("%q, %v", got, err)
	}
	if to, err := os.Readlink(at("link")); err != nil || to != "file" {
		t.Errorf("the link leads to %q, %v", to, err)
	}
	piped := make(chan string)
	go func() {
		got, _ := os.ReadFile(at("pipe"))
		piped <- string(got)
	}()
	if err := write("pipe"); err != nil || <-piped != "new" {
		t.Errorf("the pipe: %v", err)
	}
	if info, err := os.Lstat(at("pipe")); err != nil || info.Mode().Type() != os.ModeNamedPipe {
		t.Errorf("the pipe has become %v, %v", info, err)
	}
	for name, says := range map[string]string{"": "is a directory: give the name of a file in it", "loose": "is a link to nothing"} {
		if err := write(name); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}

// The same holds of a backup.
func TestBackupGoesWhereItIsTold(t *testing.T) {
	dir := t.TempDir()
	if err := backUp(t.Context(), filepath.Join(dir, "nobody.sock"), dir); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Error(err)
	}
}

// Where nothing more can be written, what was is counted, and can be used.
func TestRecordingThatCannotGoOn(t *testing.T) {
	dir := t.TempDir()
	socket, pipe := filepath.Join(dir, "control.sock"), filepath.Join(dir, "pipe")
	l, err := net.Listen("unix", socket)
	if err := errors.Join(err, syscall.Mkfifo(pipe, 0o600)); err != nil {
		t.Fatal(err)
	}
	left := make(chan struct{})
	server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		tape := source.NewTapeWriter(w)
		_ = tape.Begin(time.Now(), "", "", 0)
		_ = http.NewResponseController(w).Flush()
		<-left
		_ = errors.Join(tape.Stood(time.Now()), tape.End(time.Now(), ""))
	})}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) })
	defer serving.Wait()
	defer server.Close()
	serving.Go(func() {
		f, err := os.Open(pipe)
		if err == nil {
			_, err = f.Read(make([]byte, 1))
		}
		if err := errors.Join(err, f.Close()); err != nil {
			t.Error(err)
		}
		close(left)
	})
	var said bytes.Buffer
	err = takeRecording(t.Context(), &env{io.Discard, &said}, socket, 0, pipe)
	if err == nil || !strings.Contains(err.Error(), "write the recording: ") || !strings.HasSuffix(err.Error(), asFar) || !strings.HasPrefix(said.String(), "recorded  1 records of 0 vantages") {
		t.Errorf("%v; said %q", err, &said)
	}
}

// A reader that takes nothing holds up the end for some time, and not for good.
func TestRecordingDoesNotWaitForItsReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, interrupt := context.WithCancel(t.Context())
		taken := make(chan struct{})
		interrupt()
		_, err := patiently(ctx, func() (source.TapeCopied, error) {
			<-taken
			return source.TapeCopied{}, nil
		})
		if err == nil || !strings.Contains(err.Error(), "takes no more of it") {
			t.Error(err)
		}
		close(taken)
	})
}
