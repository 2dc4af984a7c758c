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

	"go.uber.org/zap"

	"peervane/daemon/notice"
)

// jsdom is the browser that the script is tried in.
const jsdom = "jsdom@24.1.3"

// TestWallScript: the page goes on by itself, leaves open what is open, and says so when there is no contact, whatever answers in its
// place. A script that stops, or that shows an old page as if it were new, fails it.
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
	var now atomic.Value
	now.Store("bad")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		what, told := strings.CutPrefix(r.URL.Path, "/test/")
		mode := now.Load()
		switch {
		case told:
			now.Store(what)
		case r.URL.Path != "/":
			wallFile(w, r)
		case mode == "gone":
			panic(http.ErrAbortHandler)
		case mode == "stranger":
			fmt.Fprint(w, "<title>Sign in</title><main><p id=at>now</p></main>")
		case mode == "refused":
			http.Error(w, "busy", http.StatusServiceUnavailable)
		default:
			body := wallFor(mode.(string))
			if mode == "upgraded" {
				body = strings.Replace(body, wallEdition, "another", 1)
			}
			fmt.Fprint(w, body)
		}
	})
}

// wallFor gives a page as it is at the moment; "same" is always of the same.
func wallFor(mode string) string {
	source := newFixed()
	source.snapshot.Made = time.Now()
	source.snapshot.Status.Ready = true
	source.snapshot.Status.At = notice.At(source.snapshot.Made)
	source.snapshot.Incidents = source.snapshot.Incidents[1:]
	source.snapshot.Incidents[0].Summary = "203.0.113.0/24 hijacked"
	if mode != "bad" {
		source.snapshot.Incidents[0].Severity = notice.Info
		source.snapshot.Status = Status{Source: "host7", Peers: 1, PeersUp: 1, Prefixes: 1, Ready: true, Store: "ok", At: source.snapshot.Status.At}
		source.snapshot.Peers = nil
	}
	if mode == "same" {
		source.snapshot.Status.At = notice.At(epoch)
	}
	body, err := newWallPage(source, zap.NewNop()).page(context.Background(), time.Now())
	if err != nil {
		return err.Error()
	}
	return string(body)
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
