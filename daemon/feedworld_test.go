package daemon

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"peervane/config"
	"peervane/daemon/api"
)

// feedWorld is a daemon with one feed, whose notices are followed.
type feedWorld struct {
	t    *testing.T
	d    *Daemon
	cfg  *config.Config
	next *config.Config // what a reload reads
	told <-chan api.Told
	logs *observer.ObservedLogs
	stop func()
}

func feedDaemon(t *testing.T, feeds ...config.Feed) *feedWorld {
	t.Helper()
	cfg := quiet(t)
	cfg.Prefixes = []config.Registration{registered("203.0.113.0/24", 64496)}
	cfg.Feeds = feeds
	return feedDaemonOf(t, cfg)
}

func feedDaemonOf(t *testing.T, cfg *config.Config) *feedWorld {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	w := &feedWorld{t: t, cfg: cfg, next: cfg, logs: logs}
	ready := make(chan struct{}, 100)
	w.d = New(cfg, Options{Log: zap.New(core), Manager: Manager{Ready: func() error { ready <- struct{}{}; return nil }}, Load: func() (*config.Config, []config.Problem) { return w.next, nil }})
	w.d.feeds.look = 20 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	told, err := w.d.Follow(ctx)
	if err != nil {
		t.Fatal(err)
	}
	w.told = told
	stop := launch(t, w.d)
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(w.stop)
	<-ready
	return w
}

// await waits for a notice that holds all of these.
func (w *feedWorld) await(want ...string) string {
	w.t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case told := <-w.told:
			if holdsAll(string(told.Body), want) {
				return string(told.Body)
			}
			w.t.Logf("told %s", told.Body)
		case <-deadline:
			w.t.Fatalf("not told: %q; feeds %+v; log %v", want, w.d.feeds.picture(), w.logs.All())
		}
	}
}

func holdsAll(text string, all []string) bool {
	for _, s := range all {
		if !strings.Contains(text, s) {
			return false
		}
	}
	return true
}

// feed waits until the status shows a feed so.
func (w *feedWorld) feed(name string, so func(api.Feed) bool) api.Feed {
	w.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		for _, f := range w.d.Snapshot().Status.Feeds {
			if f.Name == name && so(f) {
				return f
			}
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("the feeds are %+v", w.d.Snapshot().Status.Feeds)
		}
	}
	return api.Feed{}
}

func (w *feedWorld) reload(change func(*config.Config)) {
	w.t.Helper()
	next := *w.next
	change(&next)
	w.next = &next
	if err := w.d.Reload(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// scraped gives what Prometheus would be given of the feeds.
func (w *feedWorld) scraped() (out []string) {
	w.t.Helper()
	families, err := w.d.metrics.registry.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "peervane_feed_") {
			m := f.GetMetric()[0]
			out = append(out, fmt.Sprintf("%s{%s} %v", strings.TrimPrefix(f.GetName(), "peervane_feed_"), m.GetLabel()[0].GetValue(), m.GetGauge().GetValue()+m.GetCounter().GetValue()))
		}
	}
	return out
}

// routes shows what the vantages hold of a prefix.
func (w *feedWorld) routes(prefix string) string {
	w.t.Helper()
	routes, err := w.d.Routes(w.t.Context(), api.Wanted{Prefix: netip.MustParsePrefix(prefix), Match: api.Exact})
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, r := range routes {
		out = append(out, r.Vantage+" "+r.ASPath)
	}
	return strings.Join(out, ", ")
}

// awaitOpen waits until so many incidents are open, and wants no more.
func (w *feedWorld) awaitOpen(n int) {
	w.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for len(w.d.Snapshot().Incidents) < n && time.Now().Before(deadline) {
		<-tick.C
	}
	if open := w.d.Snapshot().Incidents; len(open) != n {
		w.t.Errorf("open are %+v", open)
	}
}

func (w *feedWorld) awaitRoutes(prefix, want string) {
	w.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for w.routes(prefix) != want {
		if <-tick.C; time.Now().After(deadline) {
			w.t.Fatalf("routes of %s are %q, want %q; log %v", prefix, w.routes(prefix), want, w.logs.All())
		}
	}
}
