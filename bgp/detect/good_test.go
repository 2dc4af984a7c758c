package detect_test

import (
	"net/netip"
	"testing"

	"peervane/bgp"
)

func TestGood(t *testing.T) {
	inside := netip.MustParsePrefix(half)
	for _, c := range []struct {
		rule    string
		history func(*lab, *site, *site)
		prefix  netip.Prefix
		want    bool
	}{
		{"a vantage in sync holds the prefix from a legitimate origin", func(l *lab, e1, e2 *site) {
			l.announce(e1, exact, direct)
		}, registered, true},
		{"none holds it", func(l *lab, e1, e2 *site) { l.learn() }, registered, false},
		{"an offending route is not good", func(l *lab, e1, e2 *site) {
			l.announce(e1, exact, "64500 65550")
		}, registered, false},
		{"what is out of sight shows nothing", func(l *lab, e1, e2 *site) {
			l.lose(e1)
			l.lose(e2)
		}, registered, false},
		{"one in sync does not hold the more-specific", func(l *lab, e1, e2 *site) {
			l.announce(e1, half, "64500 65550")
		}, inside, true},
		{"each that is in sync holds it", func(l *lab, e1, e2 *site) {
			l.announce(e1, half, "64500 65550")
			l.lose(e2)
		}, inside, false},
		{"a collector's peer that shows the registered prefix, and nothing inside", func(l *lab, e1, e2 *site) {
			l.announce(e1, half, "64500 65550")
			l.lose(e2)
			e2.Watching = true
		}, inside, true},
	} {
		l := newLab(t)
		c.history(l, l.peer("e1", 64500, bgp.Provider), l.peer("e2", 64500, bgp.Provider))
		if got := l.state(c.prefix).Good(); got != c.want {
			t.Errorf("%s: %v", c.rule, got)
		}
	}
}
