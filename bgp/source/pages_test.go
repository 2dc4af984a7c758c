package source

import (
	"net/netip"
	"testing"

	"peervane/bgp"
	"peervane/bgp/wire"
)

// A full table lies outside of the Go heap, and all of it goes back to the system when the session is lost, or when the peer
// ends; changes that go on and on take no more.
func TestMemoryGoesBackToTheSystem(t *testing.T) {
	l := newLab(t, func(c *PeerConfig) { c.Full = true })
	l.up()
	load := func() {
		messages, _ := fullTable(l.neg.Params, 20_000)
		for _, body := range messages {
			if err := l.peer.Update(body, l.now); err != nil {
				t.Fatal(err)
			}
		}
	}
	load()
	held := l.peer.pages.mapped.Load()
	if held == 0 {
		t.Fatal("a table of 100,000 routes lies on the Go heap")
	}
	for range 3 {
		load()
	}
	if now := l.peer.pages.mapped.Load(); now != held {
		t.Errorf("the same table again and again takes %d bytes, at first %d", now, held)
	}
	l.lost(false)
	if left := l.peer.pages.mapped.Load(); left != 0 {
		t.Errorf("%d bytes are held after the session was lost", left)
	}
	l.up()
	load()
	l.peer.release()
	if left := l.peer.pages.mapped.Load(); left != 0 {
		t.Errorf("%d bytes are held after the peer has ended", left)
	}
}

// Attributes come and go with the routes that hold them, and what they took is used again.
func TestChurnOfAttributesDoesNotGrow(t *testing.T) {
	l := newLab(t, func(c *PeerConfig) { c.Full = true })
	l.up()
	nlri := make([]wire.NLRI, 1)
	var held int64
	for round := range uint32(12) {
		for i := range uint32(20_000) {
			nlri[0].Prefix = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i)}), 24)
			a := &bgp.Attrs{Path: bgp.Sequence(64500, 100_000+i, 200_000+round), NextHop: netip.MustParseAddr("198.51.100.1")}
			b := wire.AppendUpdate(nil, l.neg.Params, a, nlri, nil)
			if err := l.peer.Update(b[wire.HeaderLen:], l.now); err != nil {
				t.Fatal(err)
			}
		}
		switch now := l.peer.pages.mapped.Load(); {
		case round == 1:
			held = now
		case round > 1 && now > held:
			t.Fatalf("round %d takes %d bytes, the second %d", round, now, held)
		}
	}
	if n := l.peer.interner.Len(); n != 20_000 {
		t.Errorf("%d attribute blocks for 20,000 routes", n)
	}
}
