package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"peervane/probe/netlab"
)

// patience is how long anything that must happen may take. It is far more than it does take, and is waited for only by
// a test that fails.
const patience = 2 * time.Minute

// program is a running program of a lab.
type program struct {
	name string
	cmd  *exec.Cmd
	done chan struct{} // closed once it has ended

	mu   sync.Mutex
	out  bytes.Buffer
	more chan struct{} // closed, and made anew, when it has printed something
}

// launch starts a program on a host. It ends with the test at the latest.
func launch(t *testing.T, name string, h *netlab.Host, cmd *exec.Cmd) *program {
	t.Helper()
	p := &program{name: name, cmd: cmd, done: make(chan struct{}), more: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p, p
	cmd.WaitDelay = time.Second
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	started := make(chan error)
	go func() {
		defer close(p.done)
		// The kernel kills the program when the thread that started it ends, and threads come and go: this one stays.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := h.Start(cmd)
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is nobody's concern: most are killed
		}
	}()
	if err := <-started; err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, p.text())
		}
	})
	return p
}

// kill ends the program as a crash would, and waits for its end.
func (p *program) kill() {
	_ = p.cmd.Process.Kill() // it may have ended already
	<-p.done
}

// Write takes what the program prints.
func (p *program) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.more)
	p.more = make(chan struct{})
	return p.out.Write(b)
}

func (p *program) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// said waits until what the program has printed satisfies the condition.
func (p *program) said(t *testing.T, what string, enough func(text string) bool) {
	t.Helper()
	late := time.After(patience)
	for {
		p.mu.Lock()
		text, more := p.out.String(), p.more
		p.mu.Unlock()
		if enough(text) {
			return
		}
		select {
		case <-more:
		case <-p.done:
			t.Fatalf("%s has ended before it told of %s", p.name, what)
		case <-late:
			t.Fatalf("%s does not tell of %s", p.name, what)
		}
	}
}

// eventually asks until the answer is right, and otherwise fails with the last answer.
func eventually(t *testing.T, what string, ask func() error) {
	t.Helper()
	late := time.After(patience)
	again := time.NewTicker(25 * time.Millisecond)
	defer again.Stop()
	for {
		err := ask()
		if err == nil {
			return
		}
		select {
		case <-late:
			t.Fatalf("%s: %v", what, err)
		case <-again.C:
		}
	}
}

// output runs a short command on a host, and gives what it printed.
func output(t *testing.T, h *netlab.Host, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{} // it ends by itself
	err := h.Run(cmd)
	if err != nil {
		err = fmt.Errorf("%s %v: %w: %s", filepath.Base(name), args, err, bytes.TrimSpace(out.Bytes()))
	}
	return out.String(), err
}

// write puts a file into a folder, and gives its path.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
