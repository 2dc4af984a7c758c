package daemon

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"peervane/bgp"
	"peervane/bgp/wire"
	"peervane/config"
)

// A router that leaks routes that nobody has registered is told of once, from the session's socket to the log, and what
// leak_count says counts for the routes that are there already.
func TestLeakCountFromSocketToLog(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cfg := benchConfig(t.TempDir(), netip.MustParseAddrPort(l.Addr().String()))
	cfg.Peers[0].Table, cfg.Detect.LeakCount = "full", 50
	cfg.Prefixes[0].Policy.Expect = config.ExpectOptional
	next := *cfg
	core, logs := observer.New(zap.InfoLevel)
	logged := make(chan struct{}, 1)
	log := zap.New(core, zap.Hooks(func(zapcore.Entry) error { signal(logged); return nil }))
	d := New(cfg, Options{Log: log, Load: func() (*config.Config, []config.Problem) { return &next, nil }})
	stop := launch(t, d)
	defer stop()
	router := acceptSession(t, l)
	defer router.Close()

	var updates []byte
	for i := range 60 {
		nlri := []wire.NLRI{{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 18, byte(i), 0}), 24)}}
		a := &bgp.Attrs{Path: bgp.Sequence(64500, 1299, 64501, 3356, 64496), NextHop: speaker}
		updates = append(updates, wire.AppendUpdate(nil, speaks, a, nlri, nil)...)
	}
	if _, err := router.Write(updates); err != nil {
		t.Fatal(err)
	}
	told := func(want ...string) {
		t.Helper()
		for {
			var got []string
			for _, e := range logs.FilterMessage("incident").All() {
				m := e.ContextMap()
				got = append(got, m["status"].(string)+" "+m["type"].(string)+" "+m["summary"].(string))
			}
			if len(got) >= len(want) {
				for i := range want {
					if !strings.HasPrefix(got[i], want[i]) {
						t.Fatalf("told %q, want %q", got[i], want[i])
					}
				}
				return
			}
			select {
			case <-logged:
			case <-time.After(10 * time.Second):
				t.Fatalf("told %q, want %q", got, want)
			}
		}
	}
	fired := "firing route_leak 51 routes on session edge leaked by AS64501: AS1299 -> AS64501 -> AS3356; 51 leaked in all"
	told(fired)
	reload := func(count int) {
		t.Helper()
		next.Detect.LeakCount = count
		if err := d.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	reload(100)
	ended := "resolved route_leak resolved after"
	told(fired, ended)
	reload(50)
	told(fired, ended, "firing route_leak 60 routes on session edge leaked by AS64501")
}
