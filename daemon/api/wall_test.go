package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"peervane/daemon/notice"
)

// rich is a wall with something of everything, two hours after the epoch.
func rich() (*Snapshot, *wallAsked, time.Time) {
	f, ms := newFixed(), func(f float64) *float64 { return &f }
	f.snapshot.Incidents[1].Notice = notice.Notice{
		Incident: "i1", Status: notice.Updated, Type: notice.RouteLeak, Severity: notice.Critical, Prefix: prefix, Connection: "paris-1", CulpritASN: 64501,
		Summary:   "203.0.113.0/24 leaked by AS64501: AS64500 (provider) -> AS64501 -> AS3356 (provider); +38 ms to POP par1",
		StartedAt: notice.At(epoch), UpdatedAt: notice.At(epoch), Vantages: notice.Vantages{Bad: 3, Total: 4}, Reason: notice.ReasonLatency,
		Evidence: notice.Evidence{
			Methods: []string{"aspa", "relationships"}, LeakType: 1, Also: []string{notice.PathChange}, Verdict: "both", DataPlane: "detour",
			Routes:   []notice.Route{{Vantage: "edge1-v4", Prefix: prefix, ASPath: "64500 64501 3356 64496", RPKI: "valid", Since: notice.At(epoch)}},
			Previous: []notice.Route{{Vantage: "edge1-v4", Prefix: prefix, ASPath: "64500 64496"}},
			Expected: notice.Expected{Origins: []uint32{64496}, Sessions: 2, Silent: []string{"edge2-v4"}, MaxLength: 24},
			Latency:  &notice.Latency{POP: "par1", BeforeMS: ms(12.1), AfterMS: ms(50.3), Loss: ms(0)},
			Group:    &notice.Group{Open: 2, Total: 3, Examples: []string{"203.0.113.0/24"}},
		},
	}
	f.snapshot.Incidents[1].Told = []string{"noc", "chat"}
	now := epoch.Add(2 * time.Hour)
	f.snapshot.Status.Ready, f.snapshot.Interval = true, 10*time.Second
	f.snapshot.Status.At, f.snapshot.Made = notice.At(now), now
	f.snapshot.POPs[0].Probes[0].LastAt = notice.At(now.Add(-time.Second))
	ended := of("i0", notice.Resolved, Life{Told: []string{}})
	ended.StartedAt, ended.ResolvedAt, ended.Summary = notice.At(epoch.Add(-time.Hour)), notice.At(epoch), "resolved after 1h: 203.0.113.0/24 withdrawn"
	states := prefixStates{}
	states.add([]Prefix{
		{Prefix: prefix, Connection: "paris-1", State: "warning", Reasons: []string{"announced on 1 of 2 primary sessions, 2 should be (down: edge2-v4)"}},
		{Prefix: netip.MustParsePrefix("198.51.100.0/24"), State: "verified"},
	})
	measured := Latency{POP: "par1", Probe: probe()}
	for i, median := range []float64{12.1, 12.2, 50.3} {
		at := now.Add(time.Duration(i-3) * 20 * time.Minute)
		measured.Points = append(measured.Points, Point{At: notice.At(at), Until: notice.At(at.Add(10 * time.Minute)), Figures: Figures{Sent: 5, Lost: i, P50MS: ms(median)}})
	}
	a := &wallAsked{source: f}
	a.prefixes.answer, a.prefixes.at = states, notice.At(now)
	a.ended.answer, a.ended.at = []Incident{ended}, notice.At(now)
	a.charts.answer, a.charts.at = []Latency{measured}, notice.At(now)
	return &f.snapshot, a, now
}

// TestWall holds the page to its golden file.
func TestWall(t *testing.T) {
	s, asked, now := rich()
	var got bytes.Buffer
	w := newWall(s, asked, now.Add(time.Second))
	w.Edition = "EDITION"
	if err := wallTemplate.Execute(&got, w); err != nil {
		t.Fatal(err)
	}
	same(t, "wall.html", got.Bytes())
}

// TestWallIsServed with what it needs, and with what keeps a neighbour's words from doing anything.
func TestWallIsServed(t *testing.T) {
	source := newFixed()
	const hostile = `<script>alert(1)</script>" onload="x`
	source.snapshot.Incidents[0].Summary = hostile
	source.snapshot.Made = time.Now()
	source.snapshot.Peers[0].LastError, source.snapshot.Peers[0].State = hostile, "Idle"
	w := get(t, source, "/")
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		t.Fatalf("%d %s", w.Code, w.Header().Get("Content-Type"))
	}
	if policy := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	body := w.Body.String()
	if strings.Contains(body, "<script>alert") || strings.Contains(body, `" onload="`) || strings.Count(body, "&lt;script&gt;alert(1)") < 2 {
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

// TestWallIsBounded by what is shown, however much there is, and however long a neighbour makes it.
func TestWallIsBounded(t *testing.T) {
	s, asked, now := rich()
	s.Incidents, s.Peers = nil, nil
	path := strings.Repeat("4200000000 ", 900)
	for i := range 2_000 {
		inc := of(fmt.Sprintf("i%d", i), notice.Firing, Life{})
		inc.Severity, inc.Summary = notice.Warning, path
		inc.Evidence.Expected.Communities = strings.Fields(path)
		for range 100 {
			inc.Evidence.Routes = append(inc.Evidence.Routes, notice.Route{Prefix: prefix, ASPath: path})
		}
		s.Incidents = append(s.Incidents, inc)
		s.Peers = append(s.Peers, Peer{Name: fmt.Sprintf("p%d", i), State: "Idle", LastError: path})
	}
	s.Incidents[1_999].Severity = notice.Critical
	states := &asked.prefixes.answer
	for i := range 100 {
		many := make([]Prefix, 1000)
		for k := range many {
			many[k] = Prefix{Prefix: prefix, Connection: fmt.Sprintf("c%d", 2*i+k%2), State: "failed", Reasons: []string{path}}
		}
		states.add(many)
	}
	states.gravest()
	w := newWall(s, asked, now)
	if w.Incidents[0].ID != "i1999" || w.Verdict.Counts != "1 critical, 1999 warning" {
		t.Errorf("the gravest does not come first: %s, %q", w.Incidents[0].ID, w.Verdict.Counts)
	}
	if w.MoreIncidents+len(w.Incidents)+len(w.Further) != 2_000 || w.MorePeers+len(w.Peers) != 2_000 || w.Prefixes.More+len(w.Prefixes.Unwell) != 100_001 {
		t.Errorf("more: %d incidents, %d peers, %d prefixes", w.MoreIncidents, w.MorePeers, w.Prefixes.More)
	}
	if w.Prefixes.MoreConnections+len(w.Prefixes.Connections) != 202 || w.Prefixes.Connections[0].Name != "c0" {
		t.Errorf("connections: %d, the first is %s", len(w.Prefixes.Connections), w.Prefixes.Connections[0].Name)
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
	slow                     bool // nothing is answered in time
}

func (c *counting) wait(ctx context.Context) error {
	if !c.slow {
		return c.err
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

func (c *counting) Prefixes(ctx context.Context, some func([]Prefix) error) error {
	c.prefixes++
	if err := c.wait(ctx); err != nil {
		return err
	}
	return c.fixed.Prefixes(ctx, some)
}

func (c *counting) Ended(ctx context.Context, most int) ([]Incident, error) {
	c.ended++
	if err := c.wait(ctx); err != nil {
		return nil, err
	}
	return c.fixed.Ended(ctx, most)
}

func (c *counting) Latency(ctx context.Context, pop string, window time.Duration) ([]Latency, error) {
	c.latency++
	if err := c.wait(ctx); err != nil {
		return nil, err
	}
	return c.fixed.Latency(ctx, pop, window)
}

// wallOf gives what makes the wall of a source look, in the time of the test.
func wallOf(source Source) func() string {
	handler := newServer(source).Handler()
	return func() string {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		return w.Body.String()
	}
}

// TestWallAsksSeldom, however many look: a page is made once a second, and asks less often for what costs the daemon something.
func TestWallAsksSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &counting{fixed: newFixed()}
		look := wallOf(source)
		for range 600 { // a minute, by ten walls a second
			look()
			time.Sleep(100 * time.Millisecond)
		}
		if source.prefixes != 12 || source.ended != 12 || source.latency != 6 {
			t.Errorf("asked for prefixes %d, ended incidents %d, latency %d times in a minute", source.prefixes, source.ended, source.latency)
		}

		source.slow = true
		time.Sleep(chartRate)
		began := time.Now()
		body := look()
		if took := time.Since(began); took > prefixBound+2*wallBound {
			t.Errorf("a page took %v", took)
		}
		if !strings.Contains(body, "there was no answer within 2s") || !strings.Contains(body, "1 verified") || !strings.Contains(body, "11.60–12.60 ms") {
			t.Errorf("what was known is not shown as what it was:\n%s", body)
		}
		source.prefixes = 0
		for range 60 {
			look()
			time.Sleep(time.Second)
		}
		if source.prefixes != 2 { // after 10 s, and after 20 more
			t.Errorf("asked %d times in a minute for what is not answered", source.prefixes)
		}
		source.slow = false
		time.Sleep(mostPause)
		if body := look(); strings.Contains(body, "there was no answer") {
			t.Errorf("what is answered again is told as missing:\n%s", body)
		}
	})
}

// TestWallWhileOneIsMade: others are shown the one before, and soon that there is none; none of them waits.
func TestWallWhileOneIsMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &counting{fixed: newFixed()}
		look := wallOf(source)
		before := look()
		time.Sleep(chartRate)
		source.slow = true
		made := make(chan string)
		go func() { made <- look() }()
		synctest.Wait()
		if got := look(); got != before {
			t.Errorf("the page before is not shown:\n%s", got)
		}
		time.Sleep(wallBound)
		if got := look(); got != before {
			t.Errorf("the page before is not shown:\n%s", got)
		}
		<-made

		stuck := newWallPage(source, zap.NewNop())
		stuck.turn <- struct{}{} // for ever
		if _, err := stuck.page(t.Context(), time.Now()); !errors.Is(err, errWallBusy) {
			t.Errorf("%v", err)
		}
		w := httptest.NewRecorder()
		stuck.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Refresh") == "" {
			t.Errorf("%d %v", w.Code, w.Header())
		}
	})
}

// TestWallEndsWithTheServer: what it waits for is not waited for any longer, and no half answer is kept.
func TestWallEndsWithTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &counting{fixed: newFixed(), slow: true}
		page := newWallPage(source, zap.NewNop())
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		began := time.Now()
		go func() {
			_, err := page.page(ctx, began)
			ended <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) || time.Since(began) > 0 {
			t.Errorf("%v, after %v", err, time.Since(began))
		}
		source.slow = false
		body, err := page.page(t.Context(), time.Now())
		if err != nil || !bytes.Contains(body, []byte("1 verified")) || bytes.Contains(body, []byte("not known")) {
			t.Errorf("%v\n%s", err, body)
		}
	})
}

// TestWallSaysWhatIsNotKnown in place of nothing.
func TestWallSaysWhatIsNotKnown(t *testing.T) {
	source := newFixed()
	source.err = errTrouble
	body := get(t, source, "/").Body.String()
	// Of registrations twice: in their place, and at the top.
	if got := strings.Count(body, "not known: "+errTrouble.Error()); got != 4 || strings.Contains(body, "None.") {
		t.Errorf("told %d times that prefixes, ended incidents and charts cannot be read:\n%s", got, body)
	}
	for range mostCharted {
		source.snapshot.POPs = append(source.snapshot.POPs, POP{Name: "more"})
	}
	if body := get(t, source, "/").Body.String(); !strings.Contains(body, "101 POPs are too many for charts") {
		t.Errorf("too many POPs are not told of:\n%s", body)
	}
}
