package api

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"peervane/daemon/notice"
)

// rich is a wall with something of everything.
func rich() (*Snapshot, wallMore) {
	f, ms := newFixed(), func(f float64) *float64 { return &f }
	f.snapshot.Incidents[1].Notice = notice.Notice{
		Incident: "i1", Status: notice.Firing, Type: notice.RouteLeak, Severity: notice.Critical, Prefix: prefix, Connection: "paris-1", CulpritASN: 64501,
		Summary:   "203.0.113.0/24 leaked by AS64501: AS64500 (provider) -> AS64501 -> AS3356 (provider); +38 ms to POP par1",
		StartedAt: notice.At(epoch), UpdatedAt: notice.At(epoch), Vantages: notice.Vantages{Bad: 3, Total: 4},
		Evidence: notice.Evidence{
			Methods: []string{"aspa", "relationships"}, Also: []string{notice.PathChange},
			Routes:   []notice.Route{{Vantage: "edge1-v4", Prefix: prefix, ASPath: "64500 64501 3356 64496"}},
			Previous: []notice.Route{{Vantage: "edge1-v4", Prefix: prefix, ASPath: "64500 64496"}},
			Latency:  &notice.Latency{POP: "par1", BeforeMS: ms(12.1), AfterMS: ms(50.3), Loss: ms(0)},
		},
	}
	f.snapshot.Status.Ready = true
	f.snapshot.Status.At = notice.At(epoch.Add(2 * time.Hour))
	ended := of("i0", notice.Resolved, Life{Told: []string{}})
	ended.StartedAt, ended.ResolvedAt, ended.Summary = notice.At(epoch.Add(-time.Hour)), notice.At(epoch), "resolved after 1h: 203.0.113.0/24 withdrawn"
	states := prefixStates{}
	states.add([]Prefix{
		{Prefix: prefix, Connection: "paris-1", State: "warning", Reasons: []string{"announced on 1 of 2 primary sessions, 2 should be (down: edge2-v4)"}},
		{Prefix: netip.MustParsePrefix("198.51.100.0/24"), State: "verified"},
	})
	latency, _ := f.Latency(context.Background(), "", time.Hour)
	return &f.snapshot, wallMore{prefixes: states, ended: []Incident{ended}, charts: latency}
}

// TestWall holds the page to its golden file.
func TestWall(t *testing.T) {
	s, more := rich()
	var got bytes.Buffer
	if err := wallTemplate.Execute(&got, newWall(s, more, notice.At(epoch.Add(2*time.Hour+time.Second)))); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", "wall.html")
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s differs; run with -update and look at the difference\ngot:\n%s", file, &got)
	}
}

// TestWallIsServed with what it needs, and with what keeps a neighbour's words from doing anything.
func TestWallIsServed(t *testing.T) {
	source := newFixed()
	const hostile = `<script>alert(1)</script>" onload="x`
	source.snapshot.Incidents[0].Summary = hostile
	source.snapshot.Peers[0].LastError, source.snapshot.Peers[0].State = hostile, "Idle"
	w := get(t, source, "/")
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		t.Fatalf("%d %s", w.Code, w.Header().Get("Content-Type"))
	}
	if policy := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	body := w.Body.String()
	if strings.Contains(body, "<script>alert") || strings.Contains(body, `" onload="`) || strings.Count(body, "&lt;script&gt;alert(1)") != 2 {
		t.Errorf("a neighbour's words are not told as words:\n%s", body)
	}
	for path, want := range map[string]string{
		"/page/wall.css": "text/css; charset=utf-8", "/page/wall.js": "text/javascript; charset=utf-8",
		"/page/ok.svg": "image/svg+xml", "/page/info.svg": "image/svg+xml", "/page/warning.svg": "image/svg+xml",
		"/page/error.svg": "image/svg+xml", "/page/critical.svg": "image/svg+xml", "/page/blind.svg": "image/svg+xml",
	} {
		if w := get(t, source, path); w.Code != http.StatusOK || w.Header().Get("Content-Type") != want || w.Body.Len() == 0 {
			t.Errorf("%s: %d %s", path, w.Code, w.Header().Get("Content-Type"))
		}
	}
	for _, path := range []string{"/page/wall.html", "/page/", "/page/../wall.go", "/other"} {
		if w := get(t, source, path); w.Code == http.StatusOK {
			t.Errorf("%s is served", path)
		}
	}
	post := httptest.NewRecorder()
	newServer(source).Handler().ServeHTTP(post, httptest.NewRequest(http.MethodPost, "/", nil))
	if post.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST / answers %d", post.Code)
	}
}

// TestWallIsBounded by what is shown, however much there is.
func TestWallIsBounded(t *testing.T) {
	s, more := rich()
	s.Incidents, s.Peers = nil, nil
	for i := range 20_000 {
		inc := of(fmt.Sprintf("i%d", i), notice.Firing, Life{})
		inc.Severity = notice.Warning
		for range 100 {
			inc.Evidence.Routes = append(inc.Evidence.Routes, notice.Route{Prefix: prefix, ASPath: "64500 64501"})
		}
		s.Incidents = append(s.Incidents, inc)
		s.Peers = append(s.Peers, Peer{Name: fmt.Sprintf("p%d", i), State: "Idle", LastError: "connection refused"})
	}
	s.Incidents[19_999].Severity = notice.Critical
	for range 100 {
		many := make([]Prefix, 1000)
		for i := range many {
			many[i] = Prefix{Prefix: prefix, State: "failed", Reasons: []string{"no exact route"}}
		}
		more.prefixes.add(many)
	}
	more.prefixes.gravest()
	w := newWall(s, more, notice.At(epoch.Add(2*time.Hour)))
	if w.Incidents[0].ID != "i19999" || w.Verdict.Text != "1 critical, 19999 warning" {
		t.Errorf("the gravest does not come first: %s, %q", w.Incidents[0].ID, w.Verdict.Text)
	}
	if w.MoreIncidents+len(w.Incidents) != 20_000 || w.MorePeers+len(w.Peers) != 20_000 || w.Prefixes.More+len(w.Prefixes.Unwell) != 100_001 {
		t.Errorf("more: %d incidents, %d peers, %d prefixes", w.MoreIncidents, w.MorePeers, w.Prefixes.More)
	}
	var out bytes.Buffer
	if err := wallTemplate.Execute(&out, w); err != nil || out.Len() > 300<<10 {
		t.Errorf("%v, %d bytes", err, out.Len())
	}
}

// counting counts what is asked of it.
type counting struct {
	*fixed
	prefixes, ended, latency int
	slow                     bool // registered are more than can be looked at
}

func (c *counting) Prefixes(ctx context.Context, some func([]Prefix) error) error {
	c.prefixes++
	if c.slow {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	return c.fixed.Prefixes(ctx, some)
}

func (c *counting) Ended(ctx context.Context) ([]Incident, error) {
	c.ended++
	return c.fixed.Ended(ctx)
}

func (c *counting) Latency(ctx context.Context, pop string, window time.Duration) ([]Latency, error) {
	c.latency++
	return c.fixed.Latency(ctx, pop, window)
}

// TestWallAsksSeldom, however many look: a page is made once a second, and asks less often for what costs the daemon something.
func TestWallAsksSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &counting{fixed: newFixed()}
		handler := newServer(source).Handler()
		look := func() string {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
			return w.Body.String()
		}
		for range 600 { // a minute, by ten walls a second
			look()
			time.Sleep(100 * time.Millisecond)
		}
		if source.prefixes != 12 || source.ended != 12 || source.latency != 6 {
			t.Errorf("asked for prefixes %d, ended incidents %d, latency %d times in a minute", source.prefixes, source.ended, source.latency)
		}

		source.slow, source.prefixes = true, 0
		time.Sleep(prefixRate)
		began := time.Now()
		if body := look(); !strings.Contains(body, "more are registered than can be looked at for a page") {
			t.Errorf("too many prefixes are not told of:\n%s", body)
		}
		if took := time.Since(began); took > prefixBound {
			t.Errorf("a page took %v", took)
		}
		for range 60 {
			look()
			time.Sleep(time.Second)
		}
		if source.prefixes != 1 {
			t.Errorf("looked at too many prefixes %d times in a minute", source.prefixes)
		}
	})
}

// TestWallSaysWhatIsNotKnown in place of nothing.
func TestWallSaysWhatIsNotKnown(t *testing.T) {
	source := newFixed()
	source.err = errTrouble
	body := get(t, source, "/").Body.String()
	if got := strings.Count(body, errTrouble.Error()); got != 2 || strings.Contains(body, "None.") {
		t.Errorf("told %d times that prefixes and ended incidents cannot be read:\n%s", got, body)
	}
}
