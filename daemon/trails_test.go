package daemon

import (
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"peervane/config"
	"peervane/daemon/join"
)

// What the ASes on the way have meant outlives a restart, and goes with its POP.
func TestTrailsOutliveARestart(t *testing.T) {
	w := newJoinWorld(t).usual()
	w.announce("edge1", popRoute, 64500, 3356, 64496)
	for range 10 {
		w.batch(42)
	}
	before := w.engine.plane.Transits()
	if len(before) != 1 || before[0].ASN != 3356 || before[0].Cost != 30*time.Millisecond {
		t.Fatalf("known: %+v", before)
	}
	w.pass(trailsRate)
	w.engine.judge(w.now, 1)
	kept := w.engine.plane.TrailsSince(time.Time{})
	w.pass(trailsRate)
	w.engine.judge(w.now, 1)
	if out := w.engine.take().trails; len(kept) != 1 || len(kept[0].Paths) != 2 || len(out) != 0 {
		t.Fatalf("kept %+v, and then %+v", kept, out)
	}
	text, err := json.Marshal(kept[0])
	if err != nil {
		t.Fatal(err)
	}

	next := newJoinWorld(t)
	next.engine.rememberTrails([][]byte{text, []byte("{")})
	for range 10 {
		next.batch(12)
		next.pass(10 * time.Second)
	}
	if got := next.engine.plane.Transits(); len(got) != 1 || got[0].ASN != 3356 || got[0].Cost.Round(time.Millisecond) != 30*time.Millisecond || got[0].Without != 50 {
		t.Errorf("after a restart: %+v", got)
	}

	cfg := twoPeers()
	cfg.POPs = []config.POP{{Name: "lon1", Address: netip.MustParseAddr("198.51.100.1"), ICMP: true}}
	other := newWorld(t, cfg)
	other.engine.rememberTrails([][]byte{text})
	if out := other.engine.take().trails; len(out) != 1 || len(out[0].Paths) != 0 || out[0].Key() != (&join.Trails{Flow: kept[0].Flow}).Key() {
		t.Errorf("to be deleted: %+v", out)
	}
}
