package source

import (
	"fmt"
	"testing"
	"time"

	"peervane/bgp"
)

// fill announces so many unwatched prefixes of a full table, from one on.
func (l *lab) fill(from, n int) {
	for i := from; i < from+n; i++ {
		l.announce(fmt.Sprintf("10.%d.%d.0/24", i>>8, i&255), 64500, 64496)
	}
}

func (l *lab) drain(from, n int) {
	for i := from; i < from+n; i++ {
		l.withdraw(fmt.Sprintf("10.%d.%d.0/24", i>>8, i&255))
	}
}

func TestTableDrop(t *testing.T) {
	loaded := func(t *testing.T, full bool, n int) *lab {
		l := newLab(t, func(c *PeerConfig) { c.Full = full })
		l.up()
		l.fill(0, n)
		l.endOfRIB(bgp.IPv4)
		l.endOfRIB(bgp.IPv6)
		l.wait(time.Hour)
		l.told()
		return l
	}
	for name, c := range map[string]struct {
		full  bool
		n     int
		drive func(*lab)
		want  string
	}{
		"over 20 %":              {true, 200, func(l *lab) { l.drain(0, 41) }, "dropped ipv4 true 200 to 159"},
		"20 % is not over":       {true, 200, func(l *lab) { l.drain(0, 40) }, ""},
		"a full table":           {false, 200, func(l *lab) { l.drain(0, 200) }, ""},
		"a table worth the name": {true, 99, func(l *lab) { l.drain(0, 99) }, ""},
		"within 60 s": {true, 200, func(l *lab) {
			for i := range 5 {
				l.drain(10*i, 10)
				l.wait(14 * time.Second)
			}
		}, "dropped ipv4 true 200 to 159"},
		"within 60 s: slower is no fall": {true, 200, func(l *lab) {
			for i := range 15 {
				l.drain(10*i, 10)
				l.wait(31 * time.Second)
			}
		}, ""},
		"swept (RFC 7313)": {true, 200, func(l *lab) { l.begin(bgp.IPv4); l.fill(0, 159); l.end(bgp.IPv4) }, "dropped ipv4 true 200 to 159"},
		"swept after a silence": {true, 200, func(l *lab) {
			l.begin(bgp.IPv4)
			l.fill(0, 159)
			l.wait(time.Hour)
			l.end(bgp.IPv4)
		}, "dropped ipv4 true 200 to 159"},
		"told once": {true, 200, func(l *lab) { l.drain(0, 200) }, "dropped ipv4 true 200 to 159"},
		"and back":  {true, 200, func(l *lab) { l.drain(0, 50); l.told(); l.fill(0, 9); l.told(); l.fill(9, 1) }, "dropped ipv4 false 200 to 160"},
		"a lost session is no fall": {true, 200, func(l *lab) {
			l.drain(0, 41)
			l.lost(false)
			l.told()
			l.up()
			l.told()
			l.fill(0, 10)
			l.drain(0, 10)
		},
			""},
	} {
		t.Run(name, func(t *testing.T) {
			l := loaded(t, c.full, c.n)
			c.drive(l)
			if got := l.told(); got != c.want {
				t.Errorf("told %q, want %q", got, c.want)
			}
		})
	}
}

func TestCrestIsBounded(t *testing.T) {
	var c crest
	for i := range 100_000 {
		c.note(1_000_000-i, t0.Add(time.Duration(i)*time.Millisecond))
	}
	if len(c.highs) > 62 {
		t.Errorf("%d marks for a minute", len(c.highs))
	}
}
