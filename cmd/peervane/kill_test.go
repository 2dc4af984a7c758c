package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"peervane/daemon/notice"
)

const kills = 200

// TestKill kills the daemon 200 times at random points between the UPDATE of a hijack and the delivery of its notice,
// while the receiver is well, down, slow, or answers nonsense. In the end every hijack was told, none under two ids, and
// every end goes to the id that was told.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	edge := startRouter(t, ctx)
	receiver := newRudeReceiver(t)
	d := killable{bin: buildPeervane(t), dir: t.TempDir(), log: &bytes.Buffer{}}
	d.configure(t, edge.listener.Addr().String(), receiver.url())

	edge.announce(netip.MustParsePrefix("10.0.0.0/8"), 64496)
	for i := range kills {
		receiver.behave(i / 25)
		d.start(t)
		edge.await(t, ctx)
		edge.announce(hijack(i), 64510)
		time.Sleep(time.Duration(random.Int64N(int64(12 * time.Millisecond)))) // the random point, not a wait for something
		d.kill(t)
	}
	receiver.behave(0)
	d.start(t)
	receiver.await(t, ctx, d.log, notice.Firing, 0, kills)
	for i := range kills {
		edge.withdraw(hijack(i))
	}
	receiver.await(t, ctx, d.log, notice.Resolved, 0, kills)
	d.kill(t)
	receiver.check(t)
}

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

// rudeReceiver takes webhooks, and behaves as badly as it is told to.
type rudeReceiver struct {
	server *http.Server
	addr   string

	mu     sync.Mutex
	mode   func(http.ResponseWriter) bool // false: the notice was not taken
	bodies map[string]string              // by webhook-id
	taken  []notice.Notice
	fresh  chan struct{}
}

var behaviours = []func(http.ResponseWriter) bool{
	func(http.ResponseWriter) bool { return true },
	func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusInternalServerError); return false },
	func(http.ResponseWriter) bool { time.Sleep(20 * time.Millisecond); return true }, // a slow receiver
	func(w http.ResponseWriter) bool {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
		return false
	},
	func(w http.ResponseWriter) bool {
		w.Header().Set("Location", "http://127.0.0.1:1/elsewhere")
		w.WriteHeader(http.StatusMovedPermanently)
		return false
	},
	func(w http.ResponseWriter) bool { // garbage
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_, _ = conn.Write([]byte("\x00\x01 not http\r\n\r\n"))
			conn.Close()
		}
		return false
	},
	func(w http.ResponseWriter) bool { // taken, but the answer is lost
		if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
			conn.Close()
		}
		return true
	},
	nil, // down
}

func newRudeReceiver(t *testing.T) *rudeReceiver {
	t.Helper()
	r := &rudeReceiver{bodies: map[string]string{}, fresh: make(chan struct{}, 1)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.addr = l.Addr().String()
	r.serve(l)
	t.Cleanup(func() { r.server.Close() })
	return r
}

func (r *rudeReceiver) serve(l net.Listener) {
	r.server = &http.Server{Handler: r}
	go r.server.Serve(l) // ended by Close
}

func (r *rudeReceiver) url() string { return "http://" + r.addr + "/hook" }

// behave changes the receiver's manners; in the last mode nobody listens.
func (r *rudeReceiver) behave(mode int) {
	r.mu.Lock()
	was := r.mode
	r.mode = behaviours[mode%len(behaviours)]
	now := r.mode
	r.mu.Unlock()
	switch {
	case now == nil && was != nil:
		r.server.Close()
	case now != nil && was == nil && r.server != nil:
		if l, err := net.Listen("tcp", r.addr); err == nil {
			r.serve(l)
		}
	}
}

func (r *rudeReceiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var body bytes.Buffer
	if _, err := body.ReadFrom(req.Body); err != nil {
		return
	}
	r.mu.Lock()
	mode := r.mode
	r.mu.Unlock()
	if mode == nil || !mode(w) {
		return
	}
	var n notice.Notice
	if err := json.Unmarshal(body.Bytes(), &n); err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	id := req.Header.Get("webhook-id")
	if have, ok := r.bodies[id]; ok && have != body.String() {
		n.Incident = "two bodies under webhook-id " + id
	}
	r.bodies[id] = body.String()
	r.taken = append(r.taken, n)
	select {
	case r.fresh <- struct{}{}:
	default:
	}
}

// await waits until the hijacks from one number to another have been told of with a status.
func (r *rudeReceiver) await(t *testing.T, ctx context.Context, log fmt.Stringer, status notice.Status, from, to int) {
	t.Helper()
	for {
		missing := r.missing(status, from, to)
		if len(missing) == 0 {
			return
		}
		select {
		case <-r.fresh:
		case <-ctx.Done():
			text := log.String()
			t.Fatalf("%d not told as %s: %v\n%s", len(missing), status, missing, text[max(0, len(text)-8000):])
		}
	}
}

func (r *rudeReceiver) missing(status notice.Status, from, to int) []netip.Prefix {
	r.mu.Lock()
	defer r.mu.Unlock()
	told := map[netip.Prefix]bool{}
	for _, n := range r.taken {
		told[n.Offending] = told[n.Offending] || n.Status == status
	}
	var missing []netip.Prefix
	for i := from; i < to; i++ {
		if !told[hijack(i)] {
			missing = append(missing, hijack(i))
		}
	}
	return missing
}

// check holds all that was taken to the promise: one incident a hijack, and in the order of its life.
func (r *rudeReceiver) check(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := map[netip.Prefix]string{}
	ended := map[string]bool{}
	for _, n := range r.taken {
		if have, ok := ids[n.Offending]; ok && have != n.Incident {
			t.Errorf("%s told under two ids: %s and %s", n.Offending, have, n.Incident)
		}
		ids[n.Offending] = n.Incident
		if ended[n.Incident] && n.Status != notice.Resolved {
			t.Errorf("%s told as %s after its end", n.Offending, n.Status)
		}
		ended[n.Incident] = ended[n.Incident] || n.Status == notice.Resolved
	}
	t.Logf("%d deliveries of %d incidents", len(r.taken), len(ids))
}
