package daemon

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"
)

// Who removes the control socket, with the state folder or alone, does not shut everybody out.
func TestControlSocketComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	d := New(quiet(t), Options{Log: zap.NewNop(), Control: path})
	ctx, cancel := context.WithCancel(t.Context())
	l, err := listenControl(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	kept := make(chan error, 1)
	go func() { kept <- d.keepControl(ctx, l, path, time.Millisecond) }()

	for range 3 {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		answered := false
		for begun := time.Now(); !answered && time.Since(begun) < 10*time.Second; {
			answered = asks(path) == http.StatusNotFound
		}
		if !answered {
			t.Fatal("nobody answers at a new socket")
		}
	}
	if mode, err := os.Stat(path); err != nil || mode.Mode().Perm() != 0o660 {
		t.Errorf("%v, %v", mode.Mode(), err)
	}
	cancel()
	if err := <-kept; err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is left behind: %v", err)
	}
}

// asks is the status of the answer at a control socket; 0: nobody answers.
func asks(path string) int {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Post("http://peervane/nothing", "", nil)
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}
