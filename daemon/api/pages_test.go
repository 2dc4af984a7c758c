package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"peervane/daemon/notice"
)

var update = flag.Bool("update", false, "write the golden files anew")

func get(t *testing.T, source Source, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	newServer(source).Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

// TestPages holds the shape of every page to its golden file.
func TestPages(t *testing.T) {
	for name, path := range map[string]string{
		"status":   "status",
		"peers":    "peers",
		"prefixes": "prefixes",
		"routes":   "routes?prefix=203.0.113.0/24",
		"events":   "events",
		"pops":     "pops",
		"latency":  "latency?pop=par1&window=6h",
		"transits": "transits",
		"incident": "incident?id=i2",
		"members":  "incidents?group=g1",
	} {
		t.Run(name, func(t *testing.T) {
			w := get(t, newFixed(), "/api/v1/"+path)
			if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
				t.Fatalf("%d %s: %s", w.Code, w.Header().Get("Content-Type"), w.Body)
			}
			golden(t, name+".json", w.Body.Bytes())
		})
	}
}

func golden(t *testing.T, name string, body []byte) {
	t.Helper()
	var got bytes.Buffer
	if err := json.Indent(&got, body, "", "  "); err != nil {
		t.Fatal(err)
	}
	same(t, name, got.Bytes())
}

// same holds what is served to a golden file.
func same(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; run with -update and look at the difference\ngot:\n%s", file, got)
	}
}

// TestNothing tells empty lists as [].
func TestNothing(t *testing.T) {
	for _, path := range []string{"peers", "pops", "incidents"} {
		if body := get(t, &fixed{}, "/api/v1/"+path).Body.String(); body != "[]\n" {
			t.Errorf("%s: %s", path, body)
		}
	}
}

// TestIncidentsByStatus; each is told as in its notice, and what its life adds to it.
func TestIncidentsByStatus(t *testing.T) {
	body, err := newFixed().snapshot.Incidents[1].Body()
	if err != nil {
		t.Fatal(err)
	}
	want := "[" + strings.TrimSuffix(string(body), "}") + `,"acknowledged":null,"held":"","flapping":false,"group":"","told":[]}]` + "\n"
	if got := get(t, newFixed(), "/api/v1/incidents?status=firing").Body.String(); got != want {
		t.Errorf("got %s, want only %s", got, want)
	}
	for query, want := range map[string]string{
		"": "i2 i1", "?status=": "i2 i1", "?status=open": "i2 i1", "?status=firing": "i1", "?status=updated": "i2",
		"?status=resolved": "i0", "?status=all": "i2 i1 i0",
	} {
		var told []struct{ Incident string }
		if err := json.Unmarshal(get(t, newFixed(), "/api/v1/incidents"+query).Body.Bytes(), &told); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, n := range told {
			got = append(got, n.Incident)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %v, want %s", query, got, want)
		}
	}
}

// TestIncidentsAreToldOnce: one that has ended since the snapshot is told as ended.
func TestIncidentsAreToldOnce(t *testing.T) {
	f := newFixed()
	f.ended = append(f.ended, of("i2", notice.Resolved, Life{}))
	got := get(t, f, "/api/v1/incidents?status=all").Body.String()
	if strings.Count(got, `"incident":"i2"`) != 1 || strings.Contains(got, `"status":"updated"`) {
		t.Errorf("got %s", got)
	}
}

// TestRefusals wants a word of help with each parameter that is not understood.
func TestRefusals(t *testing.T) {
	for path, want := range map[string]struct {
		code int
		text string
	}{
		"routes":                            {400, "a prefix is missing"},
		"routes?prefix=203.0.113.0/33":      {400, `prefix "203.0.113.0/33": give one as in`},
		"routes?prefix=fe80::1%25eth0":      {400, `prefix "fe80::1%eth0": give one as in`},
		"events?prefix=example.net":         {400, `prefix "example.net": give one as in`},
		"events?since=yesterday":            {400, `since "yesterday": give a time as in`},
		"events?since=-6h":                  {400, `since "-6h": give a time as in`},
		"events?since=99999999d":            {400, `since "99999999d": give a time as in`},
		"incident":                          {400, "an id is missing"},
		"incident?id=i9":                    {404, `there is no incident "i9"`},
		"incidents?status=closed":           {400, `status "closed": give one of open, firing, updated, resolved, all`},
		"latency?window=0s":                 {400, `window "0s": give how far to look back`},
		"latency?window=" + huge:            {400, "…"},
		"latency?pop=lon1":                  {404, `no POP is called "lon1"; known: par1`},
		"nothing":                           {404, `there is no page "/api/v1/nothing"`},
		"routes?prefix=2001:db8::/32&x=%zz": {200, "64500 64496"},
	} {
		w := get(t, newFixed(), "/api/v1/"+path)
		if w.Code != want.code || !strings.Contains(strings.ReplaceAll(w.Body.String(), `\"`, `"`), want.text) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		if want.code != http.StatusOK {
			var told failure
			if err := json.Unmarshal(w.Body.Bytes(), &told); err != nil || told.Error == "" || len(told.Error) > 300 {
				t.Errorf("%s: %s is no error that a program can read: %v", path, w.Body, err)
			}
		}
	}
}

var huge = strings.Repeat("9", 5000)

// TestQuestions checks what reaches the daemon.
func TestQuestions(t *testing.T) {
	f := newFixed()
	for text, want := range map[string]string{
		"203.0.113.77/24": "203.0.113.0/24", "203.0.113.77": "203.0.113.77/32", "2001:db8::1": "2001:db8::1/128",
	} {
		get(t, f, "/api/v1/routes?prefix="+text)
		if f.asked.prefix != netip.MustParsePrefix(want) {
			t.Errorf("%s: asked for %s, want %s", text, f.asked.prefix, want)
		}
	}
	get(t, f, "/api/v1/events?since=2026-11-22T10:00:00Z&prefix=203.0.113.0/24")
	if !f.asked.since.Equal(epoch.Truncate(time.Second)) || f.asked.prefix != prefix {
		t.Errorf("asked for events of %s since %s", f.asked.prefix, f.asked.since)
	}
	for text, want := range map[string]time.Duration{"90m": 90 * time.Minute, "2d": 48 * time.Hour, "1w": 168 * time.Hour, "1d12h": 36 * time.Hour, "0s": 0} {
		r := httptest.NewRequest(http.MethodGet, "/?since="+text, nil)
		if since, err := sinceOf(r, epoch); err != nil || epoch.Sub(since) != want {
			t.Errorf("since=%s: %s, %v", text, since, err)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if window, err := windowOf(r); err != nil || window != 6*time.Hour {
		t.Errorf("window: %s, %v", window, err)
	}
}

// TestTrouble tells what the daemon cannot answer just now.
func TestTrouble(t *testing.T) {
	f := newFixed()
	f.err = errTrouble
	for _, path := range []string{"prefixes", "routes?prefix=203.0.113.0/24", "events", "incidents?status=resolved", "incidents?group=g1", "incident?id=i2", "follow", "latency"} {
		w := get(t, f, "/api/v1/"+path)
		if w.Code != http.StatusServiceUnavailable || w.Body.String() != `{"error":"the disk is on fire"}`+"\n" {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	for _, path := range []string{"status", "peers", "pops", "incidents"} {
		if w := get(t, f, "/api/v1/"+path); w.Code != http.StatusOK {
			t.Errorf("%s: %d, although nothing but memory is needed", path, w.Code)
		}
	}
	f.snapshot.Incidents = []Incident{of("i3", notice.Firing, Life{})}
	f.snapshot.Incidents[0].StartedAt = notice.At(time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC))
	if w := get(t, f, "/api/v1/incidents"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("a notice that cannot be told: %d", w.Code)
	}
}

func TestHealth(t *testing.T) {
	f := newFixed()
	if w := get(t, f, "/healthz"); w.Code != http.StatusOK || w.Body.String() != "ok\n" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := get(t, f, "/readyz"); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "not ready") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	f.snapshot.Status.Ready = true
	if w := get(t, f, "/readyz"); w.Code != http.StatusOK || w.Body.String() != "ready\n" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := get(t, f, "/metrics"); w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestReadOnly refuses on every page whatever is meant to change something.
func TestReadOnly(t *testing.T) {
	handler := newServer(newFixed()).Handler()
	for _, path := range []string{"/", "/healthz", "/readyz", "/metrics", "/api/v1/status", "/api/v1/events", "/api/v1/nothing"} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "RELOAD"} {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader("{}")))
			if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d, allowed %q", method, path, w.Code, w.Header().Get("Allow"))
			}
		}
		w := httptest.NewRecorder()
		if handler.ServeHTTP(w, httptest.NewRequest(http.MethodHead, path, nil)); w.Code == http.StatusMethodNotAllowed {
			t.Errorf("HEAD %s is refused", path)
		}
	}
}
