package daemon

import (
	"net/netip"
	"testing"
	"time"

	"peervane/bgp"
)

// unstable tells the engine, in one coalesced change, of so many withdrawals of the registered prefix.
func (w *world) unstable(cause bgp.Cause, withdrawals uint32) string {
	w.engine.input(bgp.Change{
		Vantage: w.peers["edge1"], Prefix: netip.MustParsePrefix("203.0.113.0/24"), Attrs: &bgp.Attrs{Path: bgp.Sequence(64500, 64496)},
		At: w.now, First: w.now.Add(-time.Second), Announced: withdrawals, Withdrawn: withdrawals, Cause: cause,
	})
	return w.tell()
}

func TestFlapping(t *testing.T) {
	w := newWorld(t, twoPeers(registered("203.0.113.0/24", 64496)))
	w.announce("edge1", "203.0.113.0/24", 64500, 64496)
	for _, cause := range []bgp.Cause{bgp.Initial, bgp.Refreshed, bgp.Swept} {
		w.want(w.unstable(cause, 20), "")
	}
	w.want(w.unstable(bgp.Updated, 7), "firing:flapping:203.0.113.0/24:0")
	w.want(w.pass(48*time.Minute), "")
	w.want(w.pass(time.Minute), "resolved:flapping:203.0.113.0/24:0")
}
