package source

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// dirHijack is a folder whose hijack was told of, by a file that no later look has reason to read from.
func dirHijack(t *testing.T) *dirLab {
	l := newDirLab(t)
	l.now = l.now.Add(-2 * time.Hour)
	l.file("updates.00", 1800, func(m *mrtFile) { m.update("192.0.2.0/24", "", 64500, 64666) })
	l.file("updates.01", 1300, func(m *mrtFile) { m.update("", "198.51.100.0/24") })
	l.want(l.look(), "64500 up [ipv4 ipv6] due=false; 64500 +192.0.2.0/24 64500 64666 initial")
	l.now = l.now.Add(2 * time.Hour)
	return l
}

// A withdrawal that only reading all again shows is told, where no dump lists the peer.
func TestMRTDirRebuildWithdraws(t *testing.T) {
	l := dirHijack(t)
	l.file("updates.2", 300, func(m *mrtFile) { m.update("2001:db8::/32", "", 64500, 64496) })
	l.want(l.look(), "64500 +2001:db8::/32 64500 64496")
	l.file("updates.1", 400, func(m *mrtFile) { m.update("2001:db8::/32", "", 64500, 64496) })
	l.file("updates.3", 200, func(m *mrtFile) { m.update("", "192.0.2.0/24") })
	l.want(l.look(), "64500 -192.0.2.0/24")
	l.want(l.look(), "")
}

// So is one that comes late itself; what was announced after it stays.
func TestMRTDirRebuildWithdrawsLate(t *testing.T) {
	l := dirHijack(t)
	l.file("updates.3", 100, func(m *mrtFile) { m.update("2001:db8::/32", "", 64500, 64496) })
	l.look()
	l.file("updates.1", 400, func(m *mrtFile) { m.update("", "192.0.2.0/24"); m.update("", "2001:db8::/32") })
	l.want(l.look(), "64500 -192.0.2.0/24")
}

// A log that is rotated has its last records under another name.
func TestMRTDirRebuildAfterRotation(t *testing.T) {
	l := newDirLab(t)
	m := &mrtFile{at: l.now.Add(-7000 * time.Second)}
	m.update("192.0.2.0/24", "", 64500, 64666)
	m.at = l.now.Add(-6000 * time.Second)
	m.update("", "198.51.100.0/24")
	l.bytes("updates", m.bytes)
	l.look()
	m.at = l.now.Add(-300 * time.Second)
	m.update("", "192.0.2.0/24")
	l.bytes("updates", m.bytes)
	if err := os.Rename(filepath.Join(l.dir, "updates"), filepath.Join(l.dir, "updates.1")); err != nil {
		t.Fatal(err)
	}
	l.file("updates", 100, func(m *mrtFile) { m.update("2001:db8::/32", "", 64500, 64496) })
	l.want(l.look(), "64500 +2001:db8::/32 64500 64496 initial; 64500 -192.0.2.0/24")
	l.want(l.look(), "")
}

// What is registered has all read again, in the same look as the file with the withdrawal.
func TestMRTDirRebuildForRegistered(t *testing.T) {
	l := dirHijack(t)
	l.feed.again = true
	l.file("updates.1", 300, func(m *mrtFile) { m.update("", "192.0.2.0/24") })
	l.want(l.look(), "64500 -192.0.2.0/24")
}

// A session that was lost and came back takes with it what is not shown again, though a dump lists it.
func TestMRTDirRebuildSeesReset(t *testing.T) {
	l := dirHijack(t)
	l.file("bview.1", 310, func(m *mrtFile) {
		m.peerIndex("192.0.2.1", 64500)
		m.rib("192.0.2.0/24", 64500, 64666)
	})
	l.file("updates.1", 300, func(m *mrtFile) {
		m.state(6, 1)
		m.state(1, 6)
		m.update("2001:db8::/32", "", 64500, 64496)
	})
	l.want(l.look(), "64500 down kept=[]; 64500 up [ipv4 ipv6] due=false; 64500 +2001:db8::/32 64500 64496 initial")
	l.feed.again = true
	l.want(l.look(), "") // it is known by now
}

// A reset that comes behind what was read since takes what is older, and no more.
func TestMRTDirRebuildSeesLateReset(t *testing.T) {
	l := dirHijack(t)
	l.file("updates.3", 100, func(m *mrtFile) { m.update("2001:db8::/32", "", 64500, 64496) })
	l.look()
	l.file("updates.1", 400, func(m *mrtFile) { m.state(6, 1); m.state(1, 6) })
	l.want(l.look(), "64500 -192.0.2.0/24")
}

// A loss of which nothing else is read is one.
func TestMRTDirRebuildSeesLoss(t *testing.T) {
	l := dirHijack(t)
	l.feed.again = true
	for _, name := range []string{"updates.00", "updates.01"} {
		if err := os.Remove(filepath.Join(l.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	l.file("updates.1", 300, func(m *mrtFile) { m.state(6, 1) })
	l.want(l.look(), "64500 down kept=[]")
}

// Reading all again keeps no more peers than a feed does, whatever kind of record names them.
func TestMRTDirRebuildKeepsSoManyVantages(t *testing.T) {
	l := newDirLab(t)
	b := l.feed.newRebuild(anyCollector)
	for i := range uint32(maxFeedVantages + 10) {
		peer := mrtPeer{recordedPeer.addr, 100_000 + i}
		route := mrtRoute{peer: peer, prefix: netip.MustParsePrefix("198.51.100.0/24"), at: l.now}
		state := mrtState{peer: mrtPeer{recordedPeer.addr, 200_000 + i}, at: l.now, from: 1, to: mrtEstablished}
		if err := errors.Join(b.route(&route), b.state(&state)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(b.replay.vantages.byKey); n != maxFeedVantages {
		t.Errorf("%d are kept", n)
	}
}
