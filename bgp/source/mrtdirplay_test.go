package source

import "testing"

// A daemon that writes a dump for each of its tables shows both families; the updates since are played on top of each.
func TestMRTDirDumpsByTable(t *testing.T) {
	for _, names := range [][2]string{{"master4.20261130.1200", "master6.20261130.1200"}, {"20261130.120000.mrt", "20261130.120001.mrt"}} {
		l := newDirLab(t)
		l.file(names[0], 310, func(m *mrtFile) {
			m.peerIndex("192.0.2.1", 64500)
			m.rib("192.0.2.0/24", 64500, 64666)
		})
		l.file(names[1], 309, func(m *mrtFile) {
			m.peerIndex("192.0.2.1", 64500)
			m.ribIPv6("2001:db8::/32")
		})
		l.file("updates", 300, func(m *mrtFile) { m.update("192.0.2.0/24", "", 64500, 64496) })
		l.want(l.look(), "64500 up [ipv4 ipv6] due=false; 64500 +192.0.2.0/24 64500 64496 initial; 64500 eor ipv4; 64500 +2001:db8::/32 64500 initial; 64500 eor ipv6")
	}
}

// Where one table's dump is younger by far, the updates between the two are of use for the other family alone.
func TestMRTDirDumpsApart(t *testing.T) {
	l := newDirLab(t)
	l.file("master6.1", 5000, func(m *mrtFile) {
		m.peerIndex("192.0.2.1", 64500)
		m.ribIPv6("2001:db8::/32")
	})
	l.file("updates", 2500, func(m *mrtFile) {
		m.update("", "2001:db8::/32")
		m.update("192.0.2.128/25", "", 64500, 64666)
	})
	l.file("master4.2", 300, func(m *mrtFile) {
		m.peerIndex("192.0.2.1", 64500)
		m.rib("192.0.2.0/24", 64500, 64496)
	})
	l.want(l.look(), "64500 up [ipv4 ipv6] due=false; 64500 +192.0.2.0/24 64500 64496 initial; 64500 eor ipv4; 64500 eor ipv6")
}

// A withdrawal before a dump counts for a peer that the dump does not list.
func TestMRTDirDumpOfOthers(t *testing.T) {
	l := dirHijack(t)
	l.feed.again = true
	l.file("updates.1", 300, func(m *mrtFile) { m.update("", "192.0.2.0/24") })
	l.file("bview.1", 200, func(m *mrtFile) {
		m.peerIndex("192.0.2.9", 64509)
		m.rib("198.51.100.0/24", 64509)
	})
	l.want(l.look(), "64500 -192.0.2.0/24; archive/192.0.2.9/64509 up [ipv4 ipv6] due=false; archive/192.0.2.9/64509 eor ipv4")
}

// A dump that is not read though it may be of another table is told of once.
func TestMRTDirDumpLeftAside(t *testing.T) {
	l := newDirLab(t)
	for name, ago := range map[string]int{"rib.1": 700, "rib.2": 400, "rib.3": 200} {
		l.file(name, ago, func(m *mrtFile) {
			m.peerIndex("192.0.2.1", 64500)
			m.rib("192.0.2.0/24", 64500, 64496)
		})
	}
	l.look()
	l.feed.again = true
	l.look()
	if n := l.logs.FilterMessageSnippet("only the younger is read").Len(); n != 1 {
		t.Errorf("logged %d times", n)
	}
}

func TestSeriesOf(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"rrc00/2026.11/bview.20261130.0800.gz", "rrc00/2026.11/bview.20261129.1600.gz", true},
		{"updates.9", "updates.10", true},
		{"master4.20261130.mrt", "master6.20261130.mrt", false},
		{"bird/peers.1.mrt", "bird/transit.1.mrt", false},
	} {
		if same := seriesOf(c.a) == seriesOf(c.b); same != c.same {
			t.Errorf("%s and %s: %v", c.a, c.b, same)
		}
	}
}
