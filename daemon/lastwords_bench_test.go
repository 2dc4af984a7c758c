package daemon

import (
	"testing"

	"peervane/bgp"
	"peervane/config"
)

// BenchmarkLastWords measures how long the engine stands still for a session that falls while another one, which has shown its
// table of a million registered prefixes, waits to be judged.
//
//	go test ./daemon -run '^$' -bench LastWords -benchtime 20x
func BenchmarkLastWords(b *testing.B) {
	cfg := twoPeers()
	for _, p := range registeredMillion() {
		cfg.Prefixes = append(cfg.Prefixes, config.Registration{Prefix: p, Policy: &config.PrefixPolicy{Origins: []uint32{64496}, Expect: config.ExpectAnnounced, MinVantages: 1}})
	}
	w := newWorld(b, cfg)
	for i := range cfg.Prefixes {
		w.engine.input(bgp.Change{
			Vantage: w.peers["edge1"], Prefix: cfg.Prefixes[i].Prefix, Attrs: &bgp.Attrs{Path: bgp.Sequence(64500, 64496)},
			At: w.now, First: w.now, Announced: 1, Cause: bgp.Initial,
		})
	}
	for b.Loop() {
		w.engine.input(bgp.SessionDown{Vantage: w.peers["edge2"], At: w.now, Reason: "hold timer expired"})
		b.StopTimer()
		w.engine.input(bgp.SessionUp{Vantage: w.peers["edge2"], At: w.now, Families: bgp.Families[:], EndOfRIBDue: true})
		b.StartTimer()
	}
}
