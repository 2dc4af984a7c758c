package daemon

import (
	"net/netip"
	"testing"
	"time"

	"go.uber.org/zap"

	"peervane/config"
	"peervane/daemon/notice"
	"peervane/daemon/store"
)

// What [retention] says holds from a reload on.
func TestRetentionIsReloaded(t *testing.T) {
	cfg := quiet(t)
	s := newSupervisor()
	next := *cfg
	next.Retention.Events = 30 * time.Minute
	d := New(cfg, Options{Log: zap.NewNop(), Manager: Manager{Ready: s.say("ready")}, Load: func() (*config.Config, []config.Problem) { return &next, nil }})
	stop := launch(t, d)
	defer stop()
	s.await(t, "ready")
	old := time.Now().Add(-time.Hour)
	kept := make(chan error, 1)
	d.store.Submit(store.Batch{Events: []store.Event{{At: old, Type: "session_up", Severity: notice.Info}}}, func(err error) { kept <- err })
	if err := <-kept; err != nil {
		t.Fatal(err)
	}
	if err := d.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for late := time.After(time.Minute); ; {
		events, err := d.store.Events(t.Context(), netip.Prefix{}, old, 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(events) > 0 && events[0].Type == "config_reload" {
			return
		}
		select {
		case <-again.C:
		case <-late:
			t.Fatalf("what is too old stays: %+v", events)
		}
	}
}
