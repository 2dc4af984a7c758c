package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

func hijack(i int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i / 200), byte(i % 200), 0}), 24)
}

// scripted is a router and where it listens.
type scripted struct {
	*router
	listener net.Listener
}

func startRouter(t *testing.T, ctx context.Context) scripted {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	r := scripted{newRouter(64500, netip.MustParseAddr("127.0.0.2")), l}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := r.serve(ctx, l); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	return r
}

// await waits for a session.
func (r scripted) await(t *testing.T, ctx context.Context) {
	t.Helper()
	select {
	case <-r.up:
	case <-ctx.Done():
		t.Fatal("no session came up")
	}
}

// killable is a daemon in a process of its own.
type killable struct {
	bin, dir string
	cmd      *exec.Cmd
	log      *bytes.Buffer
}

func (d *killable) configure(t *testing.T, router, hook string) {
	t.Helper()
	host, port, err := net.SplitHostPort(router)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(`
[daemon]
asn = 64512
router_id = "127.0.0.1"
http = ""
state_dir = "state"
[log]
format = "json"
[[peer]]
name = "edge"
address = %q
port = %s
asn = 64500
local_address = "127.0.0.1"
relationship = "provider"
connect_retry = "1s"
[[prefix]]
prefix = "10.0.0.0/8"
origins = [64496]
max_length = 24
[[channel]]
name = "hook"
kind = "webhook"
url = %q
allow_private = true
`, host, port, hook)
	if err := os.WriteFile(filepath.Join(d.dir, "peervane.toml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (d *killable) start(t *testing.T) {
	t.Helper()
	d.cmd = exec.Command(d.bin, "run", "-c", filepath.Join(d.dir, "peervane.toml"))
	d.cmd.Dir = d.dir
	d.cmd.Stderr = d.log
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.cmd.Process.Kill(); _ = d.cmd.Wait() })
}

func (d *killable) kill(t *testing.T) {
	t.Helper()
	if err := d.cmd.Process.Kill(); err != nil {
		t.Fatalf("%v\n%s", err, d.log)
	}
	_ = d.cmd.Wait() // it was killed: that is no news
}
