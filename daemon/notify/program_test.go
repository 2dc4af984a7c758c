package notify

import (
	"bytes"
	"net"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything that must happen may take. It is waited for only by a test that fails.
const patience = 30 * time.Second

// program is another's program that a test has started.
type program struct {
	cmd  *exec.Cmd
	done chan struct{} // closed once it has ended

	mu  sync.Mutex
	out bytes.Buffer
}

// launch starts a program. It ends with the test, and its words are told if the test fails.
func launch(t *testing.T, path string, args ...string) *program {
	t.Helper()
	return launchCommand(t, exec.Command(path, args...))
}

func launchCommand(t *testing.T, cmd *exec.Cmd) *program {
	t.Helper()
	p := &program{cmd: cmd, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.WaitDelay = p, p, time.Second
	if p.cmd.SysProcAttr == nil {
		p.cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	p.cmd.SysProcAttr.Setpgid = true // what it starts ends with it
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", cmd.Path, err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait() // how it ended is nobody's concern: it is killed
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.done
		if t.Failed() {
			t.Logf("%s said:\n%s", cmd.Path, p.text())
		}
	})
	return p
}

func (p *program) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(b)
}

func (p *program) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// until tries again and again, while the program runs, until it is well.
func (p *program) until(t *testing.T, what string, well func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for !well() {
		select {
		case <-tick.C:
		case <-p.done:
			t.Fatalf("%s ended before %s", p.cmd.Path, what)
		case <-late:
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// listens waits until something takes connections at an address.
func (p *program) listens(t *testing.T, address string) {
	t.Helper()
	p.until(t, "it listened at "+address, func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// freePort gives a port of 127.0.0.1 that nothing listens on, for TCP and for UDP.
func freePort(t *testing.T) string {
	t.Helper()
	for {
		tcp, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		udp, err := net.ListenPacket("udp", tcp.Addr().String())
		tcp.Close()
		if err == nil {
			udp.Close()
			_, port, _ := net.SplitHostPort(tcp.Addr().String())
			return port
		}
	}
}
