package daemon

import (
	"net/netip"
	"testing"
	"time"

	"peervane/bgp"
)

func (w *world) exceeds(peer string, exceeded bool) string {
	w.engine.input(bgp.LimitExceeded{Vantage: w.peers[peer], At: w.now, Exceeded: exceeded, Prefixes: 1012, Limit: 1000})
	return w.tell()
}

func TestPrefixLimit(t *testing.T) {
	w := newWorld(t, twoPeers())
	w.want(w.exceeds("edge1", true), "firing:prefix_limit:edge1:0")
	w.want(w.exceeds("edge1", true), "")
	w.want(w.down("edge1"), "") // for it: max_prefixes_action = "restart"
	w.want(w.pass(time.Minute), "firing:session_down:edge1:0")
	w.want(w.up("edge1"), "resolved:session_down:edge1:0")
	w.want(w.endOfRIB("edge1"), "")
	w.want(w.exceeds("edge1", false), "resolved:prefix_limit:edge1:0")
}

// After a restart nobody knows whether the limit is exceeded, until the table has been shown.
func TestPrefixLimitOverRestart(t *testing.T) {
	w := newWorld(t, twoPeers())
	w.exceeds("edge1", true)
	w.exceeds("edge2", true)
	before := w.ids()
	w = w.restart()
	w.want(w.pass(10*time.Second), "")
	w.want(w.up("edge1")+w.up("edge2"), "")
	w.want(w.exceeds("edge1", true)+w.endOfRIB("edge1"), "")
	if got := w.ids(); got != before {
		t.Fatalf("open: %s, before the restart: %s", got, before)
	}
	w.want(w.endOfRIB("edge2"), "resolved:prefix_limit:edge2:0")
}

func TestNoEndOfRIB(t *testing.T) {
	w := newWorld(t, twoPeers())
	w.down("edge1")
	w.up("edge1")
	w.want(w.pass(10*time.Minute-time.Second), "")
	w.want(w.pass(time.Second), "firing:feed_stale:edge1:0")
	w.want(w.endOfRIB("edge1"), "resolved:feed_stale:edge1:0")
	w.down("edge1")
	w.up("edge1")
	w.want(w.pass(10*time.Minute), "firing:feed_stale:edge1:0")
	w.want(w.down("edge1"), "resolved:feed_stale:edge1:0")
}

func TestSilentVantage(t *testing.T) {
	w := newWorld(t, twoPeers(registered("203.0.113.0/24", 64496)))
	busy := &bgp.Vantage{Name: "ris/a", Collector: "ris", Addr: netip.MustParseAddr("192.0.2.9"), ASN: 64700}
	stuck := &bgp.Vantage{Name: "ris/b", Collector: "ris", Addr: netip.MustParseAddr("192.0.2.10"), ASN: 64701}
	w.peers["busy"], w.peers["stuck"] = busy, stuck
	for _, v := range []*bgp.Vantage{busy, stuck} {
		w.engine.input(bgp.SessionUp{Vantage: v, At: w.now, Families: bgp.Families[:], Recorded: true})
	}
	hour := func(who ...string) (told string) {
		for range 6 {
			w.now = w.now.Add(10 * time.Minute)
			told += w.announce("edge1", "203.0.113.0/24", 64500, 64496) + w.announce("edge2", "203.0.113.0/24", 64501, 64496)
			for _, name := range who {
				told += w.announce(name, "203.0.113.0/24", w.peers[name].ASN, 64496)
			}
			told += w.pass(0)
		}
		return told
	}
	for range 30 {
		w.want(hour("busy", "stuck"), "")
	}
	w.want(hour("busy"), "")
	w.want(hour("busy"), "firing:feed_stale:ris/b:0")
	w.want(hour("busy"), "")
	w.want(hour("busy", "stuck"), "resolved:feed_stale:ris/b:0")
	for range 10 {
		w.want(hour(), "") // the whole feed is silent, which is not what a peer of it can be blamed for
	}
}

// What a collector dumps of a peer is what the peer said long ago.
func TestDumpsAreNoSignOfLife(t *testing.T) {
	w := newWorld(t, twoPeers(registered("203.0.113.0/24", 64496)))
	for i, name := range []string{"busy", "stuck"} {
		v := &bgp.Vantage{Name: "ris/" + name, Collector: "ris", ASN: uint32(64700 + i)}
		w.peers[name] = v
		w.engine.input(bgp.SessionUp{Vantage: v, At: w.now, Families: bgp.Families[:], Recorded: true})
	}
	dump := func(c *bgp.Change) { c.Cause = bgp.Initial }
	hour := func(who ...string) string {
		for range 6 {
			w.now = w.now.Add(10 * time.Minute)
			for _, name := range who {
				w.hear(name, "203.0.113.0/24", nil, w.peers[name].ASN, 64496)
			}
		}
		for _, name := range []string{"busy", "stuck"} {
			w.hear(name, "203.0.113.0/24", dump, w.peers[name].ASN, 64496)
		}
		for _, edge := range []string{"edge1", "edge2"} {
			w.hear(edge, "203.0.113.0/24", nil, w.peers[edge].ASN, 64496)
		}
		return w.tell()
	}
	for range 30 {
		w.want(hour("busy", "stuck"), "")
	}
	for range 5 {
		w.want(hour(), "") // the dumps of a dead feed accuse nobody
	}
	w.want(hour("busy"), "firing:feed_stale:ris/stuck:0")
}

func (w *world) falls(peer string, dropped bool) string {
	w.engine.input(bgp.TableDropped{Vantage: w.peers[peer], Family: bgp.IPv4, At: w.now, Dropped: dropped, Before: 1000, Routes: 700})
	return w.tell()
}

func TestTableDrop(t *testing.T) {
	w := newWorld(t, twoPeers())
	w.want(w.falls("edge1", true), "firing:table_drop:edge1:0")
	w.want(w.falls("edge1", false), "resolved:table_drop:edge1:0")
	w.falls("edge1", true)
	w.want(w.down("edge1"), "resolved:table_drop:edge1:0")
	w.up("edge1")
	w.endOfRIB("edge1")
	w.pass(time.Hour)
	w.falls("edge1", true)
	w.want(w.pass(24*time.Hour), "resolved:table_drop:edge1:0")
}

func (w *world) leaks(peer string, exceeded bool, n int) string {
	in := bgp.LeakedTable{Vantage: w.peers[peer], At: w.now, Exceeded: exceeded}
	if exceeded {
		in.Routes, in.Leakers, in.By = n, 2, n-1
		in.Leak = bgp.Leak{Leaker: 64501, Type: 1, Methods: []string{"tier1"}, Reasons: []string{"tier1: …"}, Turn: "AS1299 -> AS64501 -> AS3356"}
		in.Examples = []bgp.Seen{{
			Vantage: w.peers[peer], Prefix: netip.MustParsePrefix("198.51.100.0/24"),
			Attrs: &bgp.Attrs{Path: bgp.Sequence(64500, 1299, 64501, 3356)}, Since: w.now,
		}}
	}
	w.engine.input(in)
	return w.tell()
}

// A whole table gone bad is one incident with counts and examples, whatever its size.
func TestLeakedTable(t *testing.T) {
	w := newWorld(t, twoPeers())
	w.want(w.leaks("edge1", true, 51), "firing:route_leak:edge1:64501")
	n := w.engine.book.Records()[0].Notice
	want := "50 routes on session edge1 leaked by AS64501: AS1299 -> AS64501 -> AS3356; 51 leaked in all, outside the registered prefixes" +
		" (198.51.100.0/24 by path 64500 1299 64501 3356)"
	if n.Summary != want || n.Prefix.IsValid() || len(n.Evidence.Routes) != 1 || n.Evidence.Hints[0] != "51 leaked routes, 50 of them by AS64501, the others by 1 more" {
		t.Errorf("the notice is %+v", n)
	}
	w.want(w.leaks("edge1", true, 500_000), "")
	w.want(w.down("edge1"), "")
	w.up("edge1")
	w.endOfRIB("edge1")
	w.want(w.leaks("edge1", false, 0), "resolved:route_leak:edge1:64501")
}
