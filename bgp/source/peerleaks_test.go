package source

import (
	"fmt"
	"testing"
	"time"

	"peervane/bgp"
)

// leak announces so many prefixes of a full table that an origin leaked, from one on.
func (l *lab) leak(from, n int, origin uint32) {
	for i := from; i < from+n; i++ {
		l.announce(fmt.Sprintf("10.%d.%d.0/24", i>>8, i&255), 64500, origin)
	}
}

func (l *lab) judges(origin uint32) {
	l.peer.SetLeakJudge(leaksOf(origin), 50)
	for l.peer.judgeAgain(l.now) {
	}
}

func TestLeakCount(t *testing.T) {
	for name, c := range map[string]struct {
		full  bool
		drive func(*lab)
		want  string
	}{
		"50 are not more than 50": {true, func(l *lab) { l.leak(0, 50, 1) }, ""},
		"51 are":                  {true, func(l *lab) { l.leak(0, 51, 1) }, "leaks true 51, 51 by AS1, 5 examples"},
		"a full table":            {false, func(l *lab) { l.leak(0, 51, 1) }, ""},
		"told again when doubled": {true, func(l *lab) { l.leak(0, 51, 1); l.told(); l.leak(51, 50, 1); l.told(); l.leak(101, 1, 1) }, "leaks true 102, 102 by AS1, 5 examples"},
		"until they are few":      {true, func(l *lab) { l.leak(0, 51, 1); l.told(); l.drain(0, 1) }, "leaks false 0, 0 by AS0, 0 examples"},
		"or replaced":             {true, func(l *lab) { l.leak(0, 51, 1); l.told(); l.leak(0, 1, 2) }, "leaks false 0, 0 by AS0, 0 examples"},
		"or swept (RFC 7313)":     {true, func(l *lab) { l.leak(0, 51, 1); l.told(); l.begin(bgp.IPv4); l.end(bgp.IPv4) }, "leaks false 0, 0 by AS0, 0 examples"},
		"registered ones":         {true, func(l *lab) { l.leak(0, 50, 1); l.announce("192.0.2.0/24", 64500, 1); l.told() }, ""},
		"by what is known now":    {true, func(l *lab) { l.leak(0, 51, 1); l.told(); l.judges(2) }, "leaks false 0, 0 by AS0, 0 examples"},
		"or not known before":     {true, func(l *lab) { l.leak(0, 51, 2); l.told(); l.judges(2) }, "leaks true 51, 51 by AS2, 5 examples"},
		"a lost session": {true, func(l *lab) {
			l.leak(0, 51, 1)
			l.told()
			l.lost(false)
			l.up()
			l.told()
			l.leak(0, 9, 1)
		}, ""},
		"back without them": {true, func(l *lab) {
			l.leak(0, 51, 1)
			l.lost(false)
			l.up()
			l.leak(0, 9, 1)
			l.endOfRIB(bgp.IPv4)
			l.told()
			l.endOfRIB(bgp.IPv6)
		}, "eor ipv6; leaks false 0, 0 by AS0, 0 examples"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, func(p *PeerConfig) { p.Full = c.full })
			l.judges(1)
			l.up()
			l.endOfRIB(bgp.IPv4)
			l.endOfRIB(bgp.IPv6)
			l.wait(time.Hour)
			l.told()
			c.drive(l)
			if got := l.told(); got != c.want {
				t.Errorf("told %q, want %q", got, c.want)
			}
		})
	}
}
