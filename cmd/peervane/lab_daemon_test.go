package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"peervane/probe/netlab"
)

// buildPeervane builds the program that the cases run.
func buildPeervane(t testing.TB) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "peervane")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// watcher is a running `peervane run`, and the way to its API.
type watcher struct {
	*program
	client *http.Client
}

// authority is the file of the certificates that the daemon trusts, in its folder.
const authority = "ca.pem"

// runPeervane starts the daemon on a host, with a configuration file, and waits until its API answers.
func runPeervane(t *testing.T, binary string, h *netlab.Host, config string) *watcher {
	t.Helper()
	return startWatcher(t, h, filepath.Dir(config), exec.Command(binary, "run", "-c", config))
}

// startWatcher starts the daemon by a command, with folders of its own.
func startWatcher(t *testing.T, h *netlab.Host, dir string, cmd *exec.Cmd) *watcher {
	t.Helper()
	for _, v := range []struct{ name, path string }{{"STATE_DIRECTORY", "state"}, {"RUNTIME_DIRECTORY", "run"}} {
		path := filepath.Join(dir, v.path)
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
		cmd.Env = append(cmd.Env, v.name+"="+path)
	}
	cmd.Env = append(cmd.Env, "PATH="+os.Getenv("PATH"), "SSL_CERT_FILE="+filepath.Join(dir, authority))
	w := &watcher{program: launch(t, "peervane", h, cmd)}
	w.client = &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return h.Dial(ctx, network, address)
		},
	}}
	t.Cleanup(w.client.CloseIdleConnections)
	eventually(t, "the API does not answer", func() error {
		select {
		case <-w.done:
			t.Fatal("peervane has ended")
		default:
		}
		_, err := w.get(t, "/healthz")
		return err
	})
	return w
}

// terminate ends the daemon in order, and holds it to a good end.
func (w *watcher) terminate(t *testing.T) {
	t.Helper()
	_ = w.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-w.done:
	case <-time.After(patience):
		t.Fatal("peervane does not end at SIGTERM")
	}
	if state := w.cmd.ProcessState; !state.Success() {
		t.Errorf("peervane ended with %s", state)
	}
}

// reload makes the daemon read its configuration again, and waits until that is in force.
func (w *watcher) reload(t *testing.T) {
	t.Helper()
	const reloaded = `"msg":"reloaded"`
	before := strings.Count(w.text(), reloaded)
	if err := w.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	w.said(t, "a reload", func(text string) bool { return strings.Count(text, reloaded) > before })
}

func (w *watcher) get(t *testing.T, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:9479"+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", path, resp.Status, body)
	}
	return body, err
}

// shownPeer, shownPrefix and shownRoute are what the API tells, as far as the cases look at it.
type shownPeer struct {
	Name, State string
	LastError   string `json:"last_error"`
	Since       string
	InSync      map[string]bool `json:"in_sync"`
	Routes      map[string]int
}

type shownPrefix struct {
	Prefix   string
	Vantages int
}

type shownRoute struct {
	Vantage, Prefix string
	PathID          uint32 `json:"path_id"`
	ASPath          string `json:"as_path"`
	Stale           bool
}

func ask[T any](t *testing.T, w *watcher, path string) (answer T, err error) {
	body, err := w.get(t, path)
	if err == nil {
		err = json.Unmarshal(body, &answer)
	}
	return answer, err
}

// established waits until every session is.
func (w *watcher) established(t *testing.T) {
	t.Helper()
	eventually(t, "not all sessions are up", func() error {
		peers, err := ask[[]shownPeer](t, w, "/api/v1/peers")
		if err == nil && len(peers) == 0 {
			err = errNotYet
		}
		for _, p := range peers {
			if p.State != "Established" {
				err = fmt.Errorf("%+v", p)
			}
		}
		return err
	})
}

// sees waits until so many vantages hold the prefix.
func (w *watcher) sees(t *testing.T, prefix string, vantages int) {
	t.Helper()
	eventually(t, "not seen by as many as should", func() error {
		prefixes, err := ask[[]shownPrefix](t, w, "/api/v1/prefixes")
		for _, p := range prefixes {
			if p.Prefix == prefix && p.Vantages == vantages {
				return nil
			}
		}
		if err == nil {
			err = fmt.Errorf("%s at %d vantages wanted: %+v", prefix, vantages, prefixes)
		}
		return err
	})
}

// routes gives what is held of a prefix and inside it.
func (w *watcher) routes(t *testing.T, prefix string) ([]shownRoute, error) {
	return ask[[]shownRoute](t, w, "/api/v1/routes?prefix="+prefix)
}
