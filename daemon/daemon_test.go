package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"peervane/config"
)

func TestMain(m *testing.M) {
	var err error
	switch router, burner := os.Getenv(routerEnv), os.Getenv(burnerEnv); {
	case router != "":
		err = runRouter(os.Stdin, os.Stdout)
	case burner != "":
		err = runBurner(burner, os.Stdin)
	default:
		goleak.VerifyTestMain(m)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// supervisor notes what the service manager is told.
type supervisor struct {
	mu   sync.Mutex
	said []string
	told chan string
}

func newSupervisor() *supervisor { return &supervisor{told: make(chan string, 100)} }

func (s *supervisor) say(what string) func() error {
	return func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.said = append(s.said, what)
		s.told <- what
		return nil
	}
}

func (s *supervisor) manager() Manager {
	return Manager{
		Ready: s.say("ready"), Reloading: s.say("reloading"), Stopping: s.say("stopping"), Alive: s.say("alive"),
		Status:   func(text string) error { return s.say("status " + text)() },
		Watchdog: 20 * time.Millisecond,
	}
}

// await waits until something is told that begins so.
func (s *supervisor) await(t *testing.T, begin string) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case what := <-s.told:
			if strings.HasPrefix(what, begin) {
				return
			}
		case <-deadline:
			t.Fatalf("%q was not told; told: %q", begin, s.said)
		}
	}
}

// launch runs a daemon until the returned function stops it.
func launch(t testing.TB, d *Daemon) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	return sync.OnceValue(func() error { cancel(); return <-ended })
}

func quiet(t *testing.T) *config.Config {
	t.Helper()
	cfg := benchConfig(t.TempDir(), netip.MustParseAddrPort("127.0.0.2:1"))
	cfg.Peers = nil
	return cfg
}

func TestLifeUnderASupervisor(t *testing.T) {
	s := newSupervisor()
	cfg := quiet(t)
	d := New(cfg, Options{Log: zap.NewNop(), Manager: s.manager(), Load: func() (*config.Config, []config.Problem) { return cfg, nil }})
	stop := launch(t, d)
	s.await(t, "ready")
	s.await(t, "status 0 of 0 sessions up, 1 registered prefixes, 0 open incidents")
	s.await(t, "alive")
	if err := d.Reload(t.Context()); err != nil {
		t.Error(err)
	}
	s.await(t, "reloading")
	s.await(t, "ready")
	if err := stop(); err != nil {
		t.Error(err)
	}
	s.await(t, "stopping")
}

// A neighbour that is to connect, where nothing listens, never comes up; nothing else tells.
func TestWaitedForWhereNothingListens(t *testing.T) {
	for listen, want := range map[string]int{"": 1, "127.0.0.1:0": 0} {
		cfg := quiet(t)
		cfg.Peers = []config.Peer{{Name: "edge1", Enabled: true, Passive: true, ASN: 64500, LocalASN: 64512, Address: netip.MustParseAddr("127.0.0.3"), Relationship: "provider"}}
		cfg.Daemon.Listen = nil
		if listen != "" {
			cfg.Daemon.Listen = []netip.AddrPort{netip.MustParseAddrPort(listen)}
		}
		core, logs := observer.New(zap.WarnLevel)
		s := newSupervisor()
		stop := launch(t, New(cfg, Options{Log: zap.New(core), Manager: s.manager()}))
		s.await(t, "ready")
		if err := stop(); err != nil {
			t.Error(err)
		}
		if got := logs.FilterMessageSnippet("nothing listens").Len(); got != want {
			t.Errorf("listen = %q: warned %d times", listen, got)
		}
	}
}

func TestReloadRefuses(t *testing.T) {
	cfg := quiet(t)
	next, problems := *cfg, []config.Problem(nil)
	core, logs := observer.New(zap.InfoLevel)
	d := New(cfg, Options{Log: zap.New(core), Load: func() (*config.Config, []config.Problem) { return &next, problems }})
	stop := launch(t, d)
	defer stop()
	for key, change := range map[string]func(){
		"state_dir": func() { next.Daemon.StateDir = "/elsewhere" },
		"http":      func() { next.Daemon.HTTP = netip.MustParseAddrPort("127.0.0.1:1") },
		"listen":    func() { next.Daemon.Listen = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:1")} },
	} {
		next = *cfg
		change()
		err := d.Reload(t.Context())
		if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), key+" needs a restart") {
			t.Errorf("%s: %v", key, err)
		}
	}
	next = *cfg
	problems = []config.Problem{{Pos: config.Pos{File: "a.toml", Line: 3, Col: 1}, Severity: config.Error, Text: "unknown key"}}
	if err := d.Reload(t.Context()); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "a.toml:3:1") {
		t.Errorf("a bad file: %v", err)
	}
	if logs.FilterMessage("reload refused").Len() != 4 {
		t.Error("each refusal is logged")
	}
	if shown := d.Snapshot().Status.ReloadError; !strings.Contains(shown, "a.toml:3:1") {
		t.Errorf("the status shows %q", shown)
	}
	problems = nil
	if err := d.Reload(t.Context()); err != nil {
		t.Errorf("a good file after bad ones: %v", err)
	}
	if shown := d.Snapshot().Status.ReloadError; shown != "" {
		t.Errorf("the status still shows %q", shown)
	}
}

func TestStartFails(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := netip.MustParseAddrPort(taken.Addr().String())
	file := t.TempDir() + "/file"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*config.Config){
		"listen for http": func(c *config.Config) { c.Daemon.HTTP = addr },
		"address already in use: where this host's own router has the port, give daemon.listen another address, or none": func(c *config.Config) { c.Daemon.Listen = []netip.AddrPort{addr} },
		"make state_dir": func(c *config.Config) { c.Daemon.StateDir = file + "/below" },
	} {
		cfg := quiet(t)
		change(cfg)
		if err := New(cfg, Options{Log: zap.NewNop()}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestOneDaemonAState(t *testing.T) {
	s := newSupervisor()
	cfg := quiet(t)
	stop := launch(t, New(cfg, Options{Log: zap.NewNop(), Manager: s.manager()}))
	defer stop()
	s.await(t, "ready")
	if err := New(cfg, Options{Log: zap.NewNop()}).Run(t.Context()); err == nil {
		t.Error("two daemons share a state_dir")
	}
}
