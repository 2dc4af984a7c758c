package api

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"peervane/daemon/notice"
)

// jsdom is the browser that the script is tried in.
const jsdom = "jsdom@24.1.3"

// TestWallScript: the page goes on by itself, keeps what is open, and says so when there is no contact. A script that stops, or that
// shows an old page as if it were new, fails it.
func TestWallScript(t *testing.T) {
	node, npm, dir := installed(t, "node", "nodejs"), installed(t, "npm", "npm"), t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	install := exec.CommandContext(ctx, npm, "install", "--prefix", dir, "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", jsdom)
	if out, err := install.CombinedOutput(); err != nil {
		lacking(t, fmt.Sprintf("%s cannot be fetched: %s", jsdom, out))
	}
	server := httptest.NewServer(walls())
	defer server.Close()
	out, err := exec.CommandContext(ctx, node, "testdata/wall.cjs", dir, server.URL+"/").CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "well" {
		t.Errorf("%v\n%s", err, out)
	}
}

// walls serves a wall that changes as it is told.
func walls() http.Handler {
	bad, mild := newFixed(), newFixed()
	for _, f := range []*fixed{bad, mild} {
		f.snapshot.Status.At = notice.At(epoch)
		f.snapshot.Incidents = f.snapshot.Incidents[1:]
		f.snapshot.Incidents[0].Summary = "203.0.113.0/24 hijacked"
	}
	mild.snapshot.Incidents[0].Severity = notice.Info
	var now atomic.Value
	now.Store("bad")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if what, ok := strings.CutPrefix(r.URL.Path, "/test/"); ok {
			now.Store(what)
			return
		}
		source := mild
		switch now.Load() {
		case "bad":
			source = bad
		case "gone":
			panic(http.ErrAbortHandler)
		case "stranger":
			fmt.Fprint(w, "<title>It works!</title>")
			return
		}
		// Its time is that of the test, which is long ago.
		page := &wallPage{source: source}
		if r.URL.Path != "/" {
			wallFile(w, r)
			return
		}
		body, err := page.page(r.Context(), epoch)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = w.Write(body)
	})
}

// installed gives the path of a program, and skips a test that needs one which this host has not; where everything is
// required, it fails it.
func installed(t *testing.T, program, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		lacking(t, program+" is not installed (Debian: "+debianPackage+")")
	}
	return path
}

func lacking(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("PEERVANE_REQUIRE") == "all" {
		t.Fatal(what)
	}
	t.Skip(what)
}
