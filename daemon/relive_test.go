package daemon

import (
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/daemon/notice"
)

// What was due before a reload is judged by what was registered until then.
func TestReplayJudgesBeforeAReload(t *testing.T) {
	cfg := twoPeers(registered("203.0.113.0/24", 64496), registered("198.51.100.0/24", 64496))
	live, _ := livedUp(cfg)
	tape := live.tape(t.Fatal)
	live.now = start.Add(time.Hour)
	live.engine.reload(twoPeers(cfg.Prefixes[0]))
	tape.begin()
	if _, told := tape.replay(t.Context(), t.TempDir(), cfg); !strings.HasPrefix(shorts(told), "firing:withdrawn:198.51.100.0/24:0") {
		t.Errorf("told %q", shorts(told))
	}
}

// Of how prefixes were registered, the first that is inside or around one counts.
func TestReliveTakesTheFirst(t *testing.T) {
	e := newLived(twoPeers(registered("203.0.113.0/24", 64496), registered("198.51.100.0/24", 64496))).engine
	var all []bgp.Registered
	for born, p := range []string{"203.0.113.0/24", "203.0.113.0/25", "203.0.112.0/23", "203.0.113.0/24", "192.0.2.0/24"} {
		all = append(all, bgp.Registered{Born: 9 - born, Prefixes: []netip.Prefix{netip.MustParsePrefix(p)}})
	}
	e.relive(9, all)
	born := func(p string) int { return e.regs.exact(netip.MustParsePrefix(p)).born }
	if a, b := born("203.0.113.0/24"), born("198.51.100.0/24"); a != 6 || b != unrecorded || len(e.young) != 1 {
		t.Errorf("they came with %d and %d, %d are young", a, b, len(e.young))
	}
	for i := range 20_000 { // as a tape may say in 1 MB
		all = append(all, bgp.Registered{Born: i, Prefixes: all[0].Prefixes})
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	e.relive(9, all)
	if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > 1<<20 {
		t.Errorf("%d bytes for one prefix", after.TotalAlloc-before.TotalAlloc)
	}
	if born := born("203.0.113.0/24"); born != 0 {
		t.Errorf("it came with %d", born)
	}
}

// Two vantages of one name, of which one goes, harm nobody.
func TestReplayOutlivesVantagesOfOneName(t *testing.T) {
	r, err := NewReplay(twoPeers(registered("203.0.113.0/24", 64496)), false, func(notice.Notice) error { return nil }, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	own := &bgp.Vantage{Name: "edge1", ASN: 64500, Relationship: bgp.Provider, Relived: true}
	other := &bgp.Vantage{Name: "edge1", Collector: "x", ASN: 64501, Relived: true}
	at := &lived{now: start}
	for _, in := range []bgp.Input{
		bgp.Awaited{Vantage: own, At: start},
		bgp.SessionUp{Vantage: own, At: start, Families: bgp.Families[:]},
		bgp.EndOfRIB{Vantage: own, At: start},
		at.shows(own, netip.MustParsePrefix("203.0.113.0/24"), 64510),
		bgp.SessionUp{Vantage: other, At: start, Families: bgp.Families[:]},
		bgp.Gone{Vantage: other, At: start},
		at.shows(own, netip.MustParsePrefix("203.0.113.0/24"), 64496),
	} {
		if err := r.Put(in); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Until(start.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
}
