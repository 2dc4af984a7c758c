package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// alert is the body of a notice, as far as the cases look at it. It is told apart from the program's own types, so that a
// change of those that breaks receivers is seen.
type alert struct {
	Version, Delivery, Incident, Status, Type, Severity, Summary, Reason string

	Prefix    string
	Offending string `json:"offending_prefix"`
	Peer, POP string
	Culprit   uint32    `json:"culprit_asn"`
	UpdatedAt time.Time `json:"updated_at"`
	Vantages  struct{ Bad, Total int }
	Evidence  struct {
		Routes []struct {
			Vantage, Prefix string
			ASPath          string `json:"as_path"`
			Origin          uint32
		}
		Verdict   string
		DataPlane string `json:"data_plane"`
		Latency   *struct {
			Loss          *float64
			ShiftMS       *float64 `json:"shift_ms"`
			OutageMS      *float64 `json:"outage_ms"`
			ConvergenceMS *float64 `json:"convergence_ms"`
		}
		Cause *struct {
			Vantage, Prefix string
			NeighbourASN    uint32 `json:"neighbour_asn"`
			At              time.Time
			Updates         int
			OldPath         string `json:"old_path"`
			NewPath         string `json:"new_path"`
		}
		Trace *struct {
			Address      string
			Reached      bool
			Hops, Before []tracedHop
			Entered      *tracedHop
		}
	}

	told bool // an expectation has taken it
}

type tracedHop struct {
	TTL     int
	Address string
	ASN     uint32
}

func (a alert) String() string {
	return fmt.Sprintf("%s %s %s%s %s in %s, culprit AS%d, %d/%d %s: %s",
		a.Status, a.Type, a.Peer, a.POP, a.Offending, a.Prefix, a.Culprit, a.Vantages.Bad, a.Vantages.Total, a.Reason, a.Summary)
}

// receiver is the other end of a webhook: it verifies the signature of each notice as Standard Webhooks says, and keeps
// them in the order in which they came.
type receiver struct {
	key []byte // empty: the notices come unsigned

	mu     sync.Mutex
	alerts []*alert
	seen   map[string]bool // deliveries
	wrong  []error
	more   chan struct{} // closed, and made anew, when a notice has come
}

// newReceiver serves on ln until the test ends.
func newReceiver(t *testing.T, ln net.Listener, key []byte, tlsConfig *tls.Config) *receiver {
	t.Helper()
	r := &receiver{key: key, seen: map[string]bool{}, more: make(chan struct{})}
	if tlsConfig != nil {
		ln = tls.NewListener(ln, tlsConfig)
	}
	server := &http.Server{Handler: r, ReadHeaderTimeout: patience}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(ln) }) // always an error: that it was closed
	t.Cleanup(func() {
		_ = server.Close()
		serving.Wait()
		for _, err := range r.wrong {
			t.Error("a notice that no receiver would take:", err)
		}
		if t.Failed() {
			t.Logf("the receiver got:\n%s", r.text())
		}
	})
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	a, err := r.take(req)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.wrong = append(r.wrong, err)
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if !r.seen[a.Delivery] { // delivery is at least once
		r.seen[a.Delivery] = true
		r.alerts = append(r.alerts, a)
	}
	close(r.more)
	r.more = make(chan struct{})
	w.WriteHeader(http.StatusNoContent)
}

func (r *receiver) take(req *http.Request) (*alert, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	if err := r.verify(req.Header, body); err != nil {
		return nil, err
	}
	a := &alert{}
	if err := json.Unmarshal(body, a); err != nil {
		return nil, err
	}
	if a.Version != "notice.v1" || a.Delivery != req.Header.Get("webhook-id") {
		return nil, fmt.Errorf("version %q, delivery %q under webhook-id %q", a.Version, a.Delivery, req.Header.Get("webhook-id"))
	}
	return a, nil
}

// verify does what https://www.standardwebhooks.com asks of a receiver.
func (r *receiver) verify(h http.Header, body []byte) error {
	id, timestamp, signatures := h.Get("webhook-id"), h.Get("webhook-timestamp"), h.Get("webhook-signature")
	var seconds int64
	if _, err := fmt.Sscan(timestamp, &seconds); err != nil || id == "" {
		return fmt.Errorf("webhook-id %q, webhook-timestamp %q", id, timestamp)
	}
	if off := time.Since(time.Unix(seconds, 0)).Abs(); off > 5*time.Minute {
		return fmt.Errorf("webhook-timestamp %q is off by %s", timestamp, off)
	}
	if len(r.key) == 0 {
		if signatures != "" {
			return fmt.Errorf("webhook-signature %q without a secret", signatures)
		}
		return nil
	}
	mac := hmac.New(sha256.New, r.key)
	fmt.Fprintf(mac, "%s.%s.%s", id, timestamp, body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for _, have := range strings.Fields(signatures) {
		if hmac.Equal([]byte(have), []byte(want)) {
			return nil
		}
	}
	return fmt.Errorf("webhook-signature %q, want %q", signatures, want)
}

// expect waits for a notice that no expectation has taken yet.
func (r *receiver) expect(t *testing.T, what string, is func(*alert) bool) alert {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		a, more := r.find(is)
		if a != nil {
			return *a
		}
		select {
		case <-more:
		case <-ctx.Done():
			t.Fatalf("no notice: %s", what)
		}
	}
}

func (r *receiver) find(is func(*alert) bool) (*alert, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.alerts {
		if !a.told && is(a) {
			a.told = true
			return a, nil
		}
	}
	return nil, r.more
}

// nothingElse fails the test for each notice that nobody expected. That more evidence was found is no surprise.
func (r *receiver) nothingElse(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.alerts {
		if !a.told && (a.Status != "updated" || a.Reason == "vantage_lost") {
			t.Errorf("a notice that nothing called for: %s", a)
		}
	}
}

func (r *receiver) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	for _, a := range r.alerts {
		fmt.Fprintln(&b, a.Incident, a)
	}
	return b.String()
}

// errNotYet is an answer that is right, but early.
var errNotYet = errors.New("not yet")
