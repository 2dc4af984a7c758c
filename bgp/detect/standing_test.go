package detect_test

import (
	"net/netip"
	"slices"
	"testing"

	"peervane/bgp"
	"peervane/bgp/detect"
)

func TestStanding(t *testing.T) {
	inside := netip.MustParsePrefix(half)
	for _, c := range []struct {
		rule    string
		history func(*lab)
		inside  []netip.Prefix
		want    []string // state, then reasons
	}{
		{"`verified`", func(l *lab) { paris(l) }, nil, []string{"verified"}},
		{"`verified`: without a connection one session is enough", func(l *lab) {
			provider(l, direct)
			l.peer("e2", 64500, bgp.Provider)
		}, nil, []string{"verified"}},
		{"`pending` (no End-of-RIB yet)", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.lose(e1)
			l.rise(e1)
		}, nil, []string{"pending", "no End-of-RIB yet, and no route of it, from e1"}},
		{"`pending`: one of two is enough to know nothing for sure", func(l *lab) {
			e1, _, _ := paris(l)
			l.lose(e1)
			l.rise(e1)
		}, nil, []string{"pending", "no End-of-RIB yet, and no route of it, from e1"}},
		{"`pending`: the backup may still show it", func(l *lab) {
			_, _, e3 := paris(l)
			l.lose(e3)
			l.rise(e3)
		}, nil, []string{"pending", "no End-of-RIB yet, and no route of it, from e3"}},
		{"`pending`: no session at all", func(l *lab) { l.lose(provider(l, direct)) }, nil, []string{"pending", "no session with e1"}},
		{"`pending`: a collector's peer is no session of ours", func(l *lab) { l.announce(l.collector("a", 64700), exact, "64700 64496") }, nil,
			[]string{"pending", "there is no session that could carry it"}},
		{"`warning`: announced on fewer than `min_primary` sessions (the silent one is named)", func(l *lab) {
			e1, _, _ := paris(l)
			l.withdraw(e1, exact)
		}, nil, []string{"warning", "announced on 1 of 2 primary sessions, 2 should be (silent: e1)"}},
		{"`warning`: announced on fewer than `min_primary` sessions (one is down)", func(l *lab) {
			e1, _, _ := paris(l)
			l.lose(e1)
		}, nil, []string{"warning", "announced on 1 of 2 primary sessions, 2 should be (down: e1)"}},
		{"`warning`: announced on fewer than `min_primary` sessions: on the backup only", func(l *lab) {
			e1, e2, _ := paris(l)
			l.withdraw(e1, exact)
			l.withdraw(e2, exact)
		}, nil, []string{"warning", "announced on 0 of 2 primary sessions, 2 should be (silent: e1, e2)"}},
		{"`warning`: no backup session", func(l *lab) {
			_, _, e3 := paris(l)
			l.withdraw(e3, exact)
		}, nil, []string{"warning", "no backup session announces it (silent: e3)"}},
		{"`warning`: a required community missing, AS path too long, private ASN in the path, prepending", func(l *lab) {
			l.reg.Policy.RequiredCommunities = []bgp.Community{8075<<16 | 8007}
			l.reg.Policy.MaxPathLength, l.reg.Policy.AllowPrepending = 3, false
			provider(l, "64500 65010 64496 64496")
			l.announce(l.peer("e2", 64500, bgp.Provider), exact, direct)
		}, nil, []string{
			"warning", "AS64496 is prepended at e1", "community 8075:8007 is missing at e1, e2", "private AS65010 in the path at e1",
			"the AS path is too long (4, at most 3) at e1",
		}},
		{"`warning`: no exact route, but one inside", func(l *lab) { l.peer("e1", 64500, bgp.Provider) }, []netip.Prefix{inside},
			[]string{"warning", "no exact route, only 203.0.113.128/25"}},
		{"`warning`: no exact route, but one that covers it", func(l *lab) {
			l.reg.Policy.CoveringOrigins = []uint32{64499}
			l.announce(l.peer("e1", 64500, bgp.Provider), aggregate, "64500 64499")
		}, nil, []string{"warning", "no exact route, only 203.0.112.0/22"}},
		{"`failed` (announced nowhere)", func(l *lab) { l.peer("e1", 64500, bgp.Provider) }, nil,
			[]string{"failed", "announced nowhere; up, but without it: e1"}},
		{"`failed` (announced nowhere): a stranger's covering route does not help", func(l *lab) {
			l.announce(l.peer("e1", 64500, bgp.Provider), aggregate, "64500 65550")
		}, nil, []string{"failed", "announced nowhere; up, but without it: e1"}},
		{"`failed` (wrong origin)", func(l *lab) {
			provider(l, "64500 65550")
			l.announce(l.collector("a", 64700), exact, "64700 65550")
		}, nil, []string{"failed", "announced by AS65550 at e1, ris/a"}},
		{"`failed`: it should be absent", func(l *lab) { l.reg.Policy.Expect = detect.Absent; provider(l, direct) }, nil,
			[]string{"failed", "announced by AS64496 at e1"}},
		{"absent, as it should be", func(l *lab) { l.reg.Policy.Expect = detect.Absent; l.peer("e1", 64500, bgp.Provider) }, nil,
			[]string{"verified"}},
		{"optional (absence is fine)", func(l *lab) { l.reg.Policy.Expect = detect.Optional; l.peer("e1", 64500, bgp.Provider) }, nil,
			[]string{"verified"}},
		{"`invalid` (bogon)", func(l *lab) { l.reg.Prefix = netip.MustParsePrefix("10.1.0.0/16"); l.peer("e1", 64500, bgp.Provider) }, nil,
			[]string{"invalid", "10.1.0.0/16 lies in private space (RFC 1918), which is not for the internet"}},
		{"`invalid` (bogon): a prefix that covers one", func(l *lab) { l.reg.Prefix = netip.MustParsePrefix("192.0.0.0/16") }, nil,
			[]string{"invalid", "192.0.0.0/16 lies in protocol assignments (RFC 6890), which is not for the internet"}},
		{"`invalid` (bogon): one in the midst of it", func(l *lab) { l.reg.Prefix = netip.MustParsePrefix("172.0.0.0/8") }, nil,
			[]string{"invalid", "172.0.0.0/8 lies in private space (RFC 1918), which is not for the internet"}},
		{"`invalid` (registered twice with different origins), however right its route is", func(l *lab) {
			l.reg.Policy.Disputed = []uint32{64497, 64498}
			provider(l, direct)
		}, nil, []string{"invalid", "registered twice with different origins: as AS64496, which counts, and as AS64497 or AS64498"}},
		{"`invalid` (bogon): IPv6", func(l *lab) { l.reg.Prefix = netip.MustParsePrefix("4000::/32") }, nil,
			[]string{"invalid", "4000::/32 lies in space that is not allocated (RFC 4291), which is not for the internet"}},
	} {
		l := newLab(t)
		c.history(l)
		state, reasons := l.state(l.reg.Prefix).Standing(c.inside)
		if got := append([]string{state}, reasons...); !slices.Equal(got, c.want) {
			t.Errorf("%s\n got %q\nwant %q", c.rule, got, c.want)
		}
	}
}
