package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"
)

// tortureStage names the variable that tells a copy of the test binary that it runs in namespaces of its own: with an
// interface that has a public address, a resolver of the test, and disks that nobody else sees.
const tortureStage = "PEERVANE_TORTURE_STAGE"

const (
	publicAddress = "1.2.3.4" // on the loopback interface of the stage
	reboundName   = "rebound.test"
	nobody        = 65534
)

var silent = log.New(io.Discard, "", 0)

// onStage runs the test once more in namespaces of its own, and says whether this is that run.
func onStage(t *testing.T) bool {
	t.Helper()
	if os.Getenv(tortureStage) != "" {
		return true
	}
	if os.Getuid() != 0 {
		skip(t, "needs root: namespaces, small disks, and a daemon that is somebody else")
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=9m")
	cmd.Env = append(os.Environ(), tortureStage+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	text := strings.TrimSpace(string(out))
	t.Log("\n" + text[max(0, len(text)-20_000):])
	if err != nil {
		t.Errorf("on the stage: %v", err)
	}
	return false
}

// setStage makes the stage: it holds until the copy ends.
func setStage(t *testing.T) {
	t.Helper()
	lo, err := netlink.LinkByName("lo")
	must(t, err)
	must(t, netlink.LinkSetUp(lo))
	public, err := netlink.ParseAddr(publicAddress + "/32")
	must(t, err)
	must(t, netlink.AddrAdd(lo, public))
	must(t, unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""))
	resolv := filepath.Join(t.TempDir(), "resolv.conf")
	must(t, os.WriteFile(resolv, []byte("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"), 0o644))
	must(t, unix.Mount(resolv, "/etc/resolv.conf", "", unix.MS_BIND, ""))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// names is a resolver that knows one name. Once it rebinds, the first look-up leads to the public address still, and every
// other to a private one.
type names struct {
	mu      sync.Mutex
	rebinds bool
	asked   int
}

func (n *names) rebind(yes bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rebinds, n.asked = yes, 0
}

func (n *names) address() netip.Addr {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked++
	if n.rebinds && n.asked > 1 {
		return netip.MustParseAddr("127.0.0.1")
	}
	return netip.MustParseAddr(publicAddress)
}

func (n *names) serve(t *testing.T) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:53")
	must(t, err)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buffer := make([]byte, 1500)
		for {
			length, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			if answer, err := n.answer(buffer[:length]); err == nil {
				_, _ = conn.WriteTo(answer, from)
			}
		}
	}()
	t.Cleanup(func() { conn.Close(); <-ended })
}

func (n *names) answer(query []byte) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil {
		return nil, err
	}
	m.Response, m.Authoritative, m.Additionals = true, true, nil
	if q := m.Questions[0]; q.Type == dnsmessage.TypeA && strings.TrimSuffix(q.Name.String(), ".") == reboundName {
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET}, Body: &dnsmessage.AResource{A: n.address().As4()},
		}}
	}
	return m.Pack()
}

// tormented is the daemon: a process of nobody in particular, its state on a small disk.
type tormented struct {
	killable
	edge    scripted
	words   *logbook
	ctx     context.Context
	state   string
	runtime string
	peak    int // kilobytes of memory, at the most
}

// newTormented makes the folders of the daemon. Those that tests are given are closed to others.
func newTormented(t *testing.T, ctx context.Context) *tormented {
	t.Helper()
	dir, err := os.MkdirTemp("", "torture")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	d := &tormented{killable: killable{bin: filepath.Join(dir, "peervane"), dir: dir, log: &bytes.Buffer{}}, words: &logbook{}, ctx: ctx, edge: startRouter(t, ctx)}
	built, err := os.ReadFile(buildPeervane(t))
	must(t, err)
	must(t, os.WriteFile(d.bin, built, 0o755))
	d.state, d.runtime = filepath.Join(dir, "state"), filepath.Join(dir, "run")
	for _, folder := range []string{d.state, d.runtime} {
		must(t, os.Mkdir(folder, 0o700))
	}
	must(t, unix.Mount("tmpfs", d.state, "tmpfs", 0, "size=48m"))
	t.Cleanup(func() { _ = unix.Unmount(d.state, unix.MNT_DETACH) })
	for _, folder := range []string{d.state, d.runtime} {
		must(t, os.Chown(folder, nobody, nobody))
		must(t, os.Chmod(folder, 0o700))
	}
	return d
}

func (d *tormented) database() string { return filepath.Join(d.state, "peervane.db") }

// start starts the daemon. It ends with the test, at the latest.
func (d *tormented) start(t *testing.T) {
	t.Helper()
	d.cmd = exec.Command(d.bin, "run", "-c", filepath.Join(d.dir, "peervane.toml"))
	d.cmd.Dir, d.cmd.Stderr = d.dir, d.words
	d.cmd.Env = append(os.Environ(), "RUNTIME_DIRECTORY="+d.runtime)
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}, Pdeathsig: syscall.SIGKILL}
	must(t, d.cmd.Start())
	cmd := d.cmd
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
}

// live starts the daemon and waits for its session.
func (d *tormented) live(t *testing.T) {
	t.Helper()
	d.start(t)
	select {
	case <-d.edge.up:
	case <-d.ctx.Done():
		t.Fatalf("no session came up:\n%s", d.lastWords())
	}
}

// die kills the daemon, and keeps how much memory it took.
func (d *tormented) die(t *testing.T) {
	t.Helper()
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.cmd.Process.Pid))
	if _, peak, ok := strings.Cut(string(status), "VmHWM:"); ok {
		if kb, err := strconv.Atoi(strings.Fields(peak)[0]); err == nil {
			d.peak = max(d.peak, kb)
		}
	}
	d.kill(t)
}

// lastWords are the last lines of the log that tell no incident.
func (d *tormented) lastWords() string {
	lines := slices.DeleteFunc(strings.Split(string(d.words.all()), "\n"), func(line string) bool { return strings.Contains(line, `"msg":"incident"`) })
	return strings.Join(lines[max(0, len(lines)-40):], "\n")
}

// logbook is what all lives of the daemon have logged.
type logbook struct {
	mu   sync.Mutex
	text []byte
}

func (l *logbook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, b...)
	return len(b), nil
}

func (l *logbook) all() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text
}
