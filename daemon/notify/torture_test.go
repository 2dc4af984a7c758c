package notify

import (
	"bufio"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"peervane/daemon/notice"
)

// defaultKills keeps the test to a few seconds of a quiet machine; PEERVANE_TORTURE_KILLS asks for more. The whole daemon is
// killed 500 times by TestTorture of cmd/peervane.
const defaultKills = 20

// tormented is the receiver: it answers badly as often as well, and keeps what it has taken.
type tormented struct {
	t    *testing.T
	mu   sync.Mutex
	rand *rand.Rand
	kind bool // answers well only

	order map[string][]int          // the steps of each incident, as they were taken first
	ids   map[string]map[int]string // the delivery id of each step of each incident
	taken map[string]bool           // by delivery id
	sent  int                       // attempts that arrived
}

func (r *tormented) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return // the sender was killed in the middle of it
	}
	n, err := notice.Parse(body)
	if err != nil {
		r.t.Errorf("a body that cannot be read: %v", err)
		return
	}
	r.answer(w, &n, request.Header.Get("webhook-id"))
}

func (r *tormented) answer(w http.ResponseWriter, n *notice.Notice, id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent++
	if id != n.Delivery {
		r.t.Errorf("webhook-id %s, delivery %s", id, n.Delivery)
	}
	step, _ := strconv.Atoi(n.Reason)
	if r.ids[n.Incident] == nil {
		r.ids[n.Incident] = map[int]string{}
	}
	if other, ok := r.ids[n.Incident][step]; ok && other != id {
		r.t.Errorf("step %d of incident %s came as %s and as %s", step, n.Incident, other, id)
	}
	r.ids[n.Incident][step] = id
	if !r.kind && r.misbehave(w) {
		return
	}
	if !r.taken[id] {
		r.taken[id] = true
		r.order[n.Incident] = append(r.order[n.Incident], step)
	}
}

// misbehave fails the request in one of many ways, or leaves it alone.
func (r *tormented) misbehave(w http.ResponseWriter) bool {
	switch n := r.rand.IntN(200); {
	case n < 8:
		http.Error(w, "no", http.StatusInternalServerError)
	case n < 12:
		http.Error(w, "later", http.StatusServiceUnavailable)
	case n < 13:
		w.Header().Set("Retry-After", "0")
		http.Error(w, "less", http.StatusTooManyRequests)
	case n < 16:
		w.Header().Set("Location", "/")
		w.WriteHeader(http.StatusMovedPermanently)
	case n < 20:
		hijacked(w, func(c net.Conn) { c.Write([]byte("\x00\xffgarbage\r\n\r\n")) })
	case n < 24:
		hijacked(w, func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) })
	default:
		return false
	}
	return true
}

func hijacked(w http.ResponseWriter, last func(net.Conn)) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	last(conn)
	conn.Close()
}

// TestKilledAtAnyMoment kills the program again and again while it commits and delivers. Whatever it said was on disk
// must arrive, under one id, in the order of its incident.
func TestKilledAtAnyMoment(t *testing.T) {
	kills := defaultKills
	if testing.Short() {
		kills = 10
	}
	if n, err := strconv.Atoi(os.Getenv("PEERVANE_TORTURE_KILLS")); err == nil {
		kills = n
	}
	r := &tormented{
		t: t, rand: rand.New(rand.NewPCG(1, 2)), order: map[string][]int{}, ids: map[string]map[int]string{}, taken: map[string]bool{},
	}
	server := httptest.NewServer(r)
	defer server.Close()
	dir, promised := t.TempDir(), map[string]committed{}
	moment := rand.New(rand.NewPCG(3, 4))
	for i := range kills {
		torment(t, dir, server.URL, promised, death{time.Duration(1+moment.IntN(120)) * time.Millisecond, i%4 == 0})
	}
	r.mu.Lock()
	r.kind = true
	r.mu.Unlock()
	torment(t, dir, server.URL, promised, death{})
	r.judge(promised, kills)
}

// death says when the child is killed: so long after it is up, or, early, after it was started. The zero death lets it
// drain the outbox and end by itself.
type death struct {
	after time.Duration
	early bool
}

// torment runs the child until its death, and adds to promised what it said was on disk.
func torment(t *testing.T, dir, url string, promised map[string]committed, d death) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "PEERVANE_TORTURE_DIR="+dir, "PEERVANE_TORTURE_URL="+url)
	if d == (death{}) {
		cmd.Env = append(cmd.Env, "PEERVANE_TORTURE_DRAIN=1")
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := func() { cmd.Process.Signal(syscall.SIGKILL) }
	if d.early {
		defer time.AfterFunc(d.after, kill).Stop()
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() && !d.early {
		t.Error("the child did not come up")
	}
	if !d.early && d.after > 0 {
		defer time.AfterFunc(d.after, kill).Stop()
	}
	for lines.Scan() {
		var c committed
		if err := json.Unmarshal(lines.Bytes(), &c); err == nil { // the last line may be torn
			promised[c.Delivery] = c
		}
	}
	if err := cmd.Wait(); err != nil && d == (death{}) {
		t.Errorf("the child that drains: %v", err)
	}
}

func (r *tormented) judge(promised map[string]committed, kills int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, c := range promised {
		if !r.taken[id] {
			r.t.Errorf("step %d of incident %s was on disk and never arrived", c.Step, c.Incident)
		}
	}
	for incident, steps := range r.order {
		for i, step := range steps {
			if i != step {
				r.t.Errorf("incident %s was told in the order %v", incident, steps)
				break
			}
		}
	}
	if len(promised) < kills {
		r.t.Errorf("only %d notices in %d lives: too few to prove anything", len(promised), kills)
	}
	r.t.Logf("%d kills, %d incidents, %d notices promised, %d delivered in %d attempts", kills, len(r.order), len(promised), len(r.taken), r.sent)
}
