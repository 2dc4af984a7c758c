package daemon

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"peervane/bgp"
)

// standings pictures every prefix in short.
func (w *world) standings() (out []string) {
	regs := slices.Collect(w.engine.regs.all())
	for _, p := range w.engine.picturePrefixes(nil, regs, w.engine.openByPrefix(), w.now) {
		out = append(out, fmt.Sprint(p.Prefix, " ", p.State, " ", p.Reasons, " ", p.Vantages, " ", len(p.Incidents)))
	}
	return out
}

func TestStandingOfPrefixes(t *testing.T) {
	w := newWorld(t, twoPeers(registered("10.0.0.0/24", 64496), registered("198.51.100.0/24", 64496), registered("203.0.113.0/24", 64496)))
	w.announce("edge1", "203.0.113.0/24", 64500, 64496)
	w.announce("edge1", "198.51.100.128/25", 64500, 64496)
	want := []string{
		"10.0.0.0/24 invalid [10.0.0.0/24 lies in private space (RFC 1918), which is not for the internet] 0 0",
		"198.51.100.0/24 warning [no exact route, only 198.51.100.128/25] 0 1",
		"203.0.113.0/24 verified [] 1 0",
	}
	if got := w.standings(); !slices.Equal(got, want) {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
	w.down("edge1")
	w.up("edge1")
	if got := w.standings()[2]; got != "203.0.113.0/24 failed [announced nowhere; up, but without it: edge2] 0 0" {
		t.Error(got)
	}
}

// A family that no neighbour speaks is a blind spot, and shown as one.
func TestBlindForAFamily(t *testing.T) {
	w := newWorld(t, twoPeers(registered("2001:db8:1::/48", 64496)))
	for _, peer := range []string{"edge1", "edge2"} {
		w.down(peer)
		w.engine.input(bgp.SessionUp{Vantage: w.peers[peer], At: w.now, Families: []bgp.Family{bgp.IPv4}, EndOfRIBDue: true})
		w.engine.input(bgp.EndOfRIB{Vantage: w.peers[peer], Family: bgp.IPv4, At: w.now})
	}
	w.tell()
	want := "pending [blind, this address family is not spoken with edge1, edge2: enable it on the router]"
	if got := w.standings()[0]; !strings.Contains(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A prefix with an open incident is not verified, whatever its own routes are.
func TestNotVerifiedWhileAnIncidentStands(t *testing.T) {
	w := newWorld(t, twoPeers(registered("203.0.113.0/24", 64496)))
	w.announce("edge1", "203.0.113.0/24", 64500, 64496)
	w.announce("edge2", "203.0.113.0/24", 64501, 64496)
	w.announce("edge1", "203.0.113.128/25", 64500, 64496)
	if got := w.standings()[0]; !strings.Contains(got, "warning [new_more_specific stands: 203.0.113.128/25") {
		t.Error(got)
	}
	w.withdraw("edge1", "203.0.113.128/25")
	if got := w.standings()[0]; !strings.Contains(got, "verified []") {
		t.Error(got)
	}
}

// A wrong origin of a part of a prefix is one of the prefix, whatever else is to be said of it; the gravest reason stands first.
func TestFailedWhileAPartIsHijacked(t *testing.T) {
	for _, lacks := range []bool{false, true} {
		cfg := twoPeers(registered("203.0.113.0/24", 64496))
		if lacks {
			cfg.Prefixes[0].Policy.MaxPathLength = 1
		}
		w := newWorld(t, cfg)
		w.announce("edge1", "203.0.113.0/24", 64500, 64496)
		w.announce("edge2", "203.0.113.0/24", 64501, 64496)
		w.announce("edge1", "203.0.113.0/25", 64500, 64496)
		w.announce("edge1", "203.0.113.128/25", 64500, 64510)
		if got := w.standings()[0]; !strings.Contains(got, "failed [subprefix stands: 203.0.113.128/25") {
			t.Errorf("with a requirement unmet %v: %s", lacks, got)
		}
		w.withdraw("edge1", "203.0.113.128/25")
		if got := w.standings()[0]; strings.Contains(got, "failed") || strings.Contains(got, "subprefix") {
			t.Errorf("after it is gone: %s", got)
		}
	}
}

// A change that was on its way while its prefix was unregistered is of no interest any more.
func TestLateChangeOfAnUnregisteredPrefix(t *testing.T) {
	w := newWorld(t, twoPeers(registered("203.0.113.0/24", 64496), registered("198.51.100.0/24", 64496)))
	w.engine.reload(twoPeers(registered("198.51.100.0/24", 64496)))
	w.announce("edge1", "203.0.113.0/24", 64500, 64496)
	if w.engine.table.get(netip.MustParsePrefix("203.0.113.0/24")) != nil {
		t.Error("it is in the table")
	}
	w.announce("edge1", "198.51.100.0/24", 64500, 64496)
	if w.engine.table.get(netip.MustParsePrefix("198.51.100.0/24")) == nil {
		t.Error("what is registered is not")
	}
}

// A hijack that comes and goes, and is gone for now, is a warning; while it is there the prefix has failed.
func TestAHijackThatFlapsAndIsGone(t *testing.T) {
	w := newWorld(t, twoPeers(registered("203.0.113.0/24", 64496)))
	w.announce("edge2", "203.0.113.0/24", 64501, 64496)
	for range 4 {
		w.announce("edge1", "203.0.113.0/24", 64500, 64510)
		if got := w.standings()[0]; !strings.HasPrefix(got, "203.0.113.0/24 failed ") {
			t.Error(got)
		}
		w.announce("edge1", "203.0.113.0/24", 64500, 64496)
	}
	if got := w.standings()[0]; !strings.HasPrefix(got, "203.0.113.0/24 warning [origin_change comes and goes: ") {
		t.Error(got)
	}
}
