package detect_test

import (
	"regexp"
	"testing"

	"peervane/bgp"
	"peervane/bgp/detect"
)

// provider adds our session with AS64500, which holds a route of the registered prefix.
func provider(l *lab, path string, opts ...option) *site {
	e1 := l.peer("e1", 64500, bgp.Provider)
	l.announce(e1, exact, path, opts...)
	return e1
}

func TestForgedOriginRules(t *testing.T) {
	listed := func(l *lab) { l.reg.Policy.Upstreams = []uint32{64500, 64501} }
	checkRules(t, []rule{
		{"legitimate origin, but the AS next to it is not in `upstreams`", func(l *lab) {
			listed(l)
			provider(l, "64500 65550 64496")
		}, []string{"forged_origin error 203.0.113.0/24 AS65550 e1/1"}},
		{"legitimate ASNs next to the origin", func(l *lab) {
			listed(l)
			provider(l, "64500 64501 64496")
		}, nil},
		{"[] = any", func(l *lab) { provider(l, "64500 65550 64496") }, nil},
		{"a more-specific of it, too: it takes all the traffic", func(l *lab) {
			listed(l)
			l.announce(provider(l, direct), half, "64500 65550 64496")
		}, []string{"forged_origin error 203.0.113.128/25 AS65550 e1/1 also new_more_specific"}},
		{"legitimate origin: another one is origin_change, whoever stands next to it", func(l *lab) {
			listed(l)
			provider(l, "64500 65550 65551")
		}, []string{"origin_change critical 203.0.113.0/24 AS65551 e1/1 also withdrawn"}},
		{"adjacent repeats become one", func(l *lab) {
			listed(l)
			provider(l, "64500 65550 65550 64496 64496")
		}, []string{"forged_origin error 203.0.113.0/24 AS65550 e1/1"}},
		{"confederation segments go", func(l *lab) {
			listed(l)
			l.announce(l.peer("e1", ourASN, bgp.Internal), exact, "64500 (65001) 64496")
		}, nil},
		{"the neighbour himself is the origin: nobody stands next to it", func(l *lab) {
			listed(l)
			l.announce(l.peer("e1", 64496, bgp.Customer), exact, "64496")
		}, nil},
		{"the collector's own AS is no neighbour of anyone", func(l *lab) {
			listed(l)
			l.announce(l.collector("a", 64496), exact, "64496")
		}, nil},
		{"our own `internal` ASN at its head goes", func(l *lab) {
			listed(l)
			l.announce(l.peer("e1", ourASN, bgp.Internal), exact, "64512 64496")
		}, nil},
		{"siblings: ASNs of one organisation are one, behind an upstream", func(l *lab) {
			listed(l)
			l.settings.Siblings = map[uint32]uint32{64496: 64496, 64497: 64496}
			provider(l, "64500 64497 64496")
		}, nil},
		{"siblings: ASNs of one organisation are one, behind another", func(l *lab) {
			listed(l)
			l.settings.Siblings = map[uint32]uint32{64496: 64496, 64497: 64496}
			provider(l, "65550 64497 64496")
		}, []string{"forged_origin error 203.0.113.0/24 AS65550 e1/1"}},
		{"who may originate it may also pass it on", func(l *lab) {
			listed(l)
			l.reg.Policy.Origins = []uint32{64496, 64498}
			provider(l, "64500 64498 64496")
		}, nil},
		{"route servers are transparent", func(l *lab) {
			listed(l)
			l.settings.RouteServers = map[uint32]bool{64510: true}
			provider(l, "64501 64510 64496")
		}, nil},
		{"AS_TRANS (23456) never proves anything", func(l *lab) {
			listed(l)
			provider(l, "64500 23456 64496")
		}, nil},
		{"AS_TRANS (23456) never proves anything: as the origin", func(l *lab) {
			listed(l)
			provider(l, "64500 65550 23456")
		}, nil},
		{"An AS_SET is kept and flagged: nobody knows which member stands next to the origin", func(l *lab) {
			listed(l)
			provider(l, "64500 {65550,64501} 64496")
		}, nil},
		{"An AS_SET of others proves it", func(l *lab) {
			listed(l)
			provider(l, "64500 {65550,65551} 64496")
		}, []string{"forged_origin error 203.0.113.0/24 AS65550 e1/1"}},
		{"an origin in a set, of which every member is legitimate", func(l *lab) {
			listed(l)
			l.reg.Policy.Origins = []uint32{64496, 64497}
			provider(l, "64500 65550 {64496,64497}")
		}, []string{"forged_origin error 203.0.113.0/24 AS65550 e1/1"}},
		{"What an announcement does wrong is judged on any of its paths", func(l *lab) {
			listed(l)
			l.announce(provider(l, direct), exact, "64500 64502 65550 64496", pathID(1))
		}, []string{"forged_origin error 203.0.113.0/24 AS65550 e1/1"}},
		{"a path through a forger is no new normal", func(l *lab) {
			listed(l)
			e1 := provider(l, direct)
			l.announce(e1, exact, "64500 65550 64496")
			l.wait(48 * hour)
			l.announce(e1, exact, direct)
		}, nil},
	})
}

func TestBlackholedRules(t *testing.T) {
	hole := community(64500<<16|666, bgp.Blackhole)
	checkRules(t, []rule{
		{"the prefix carries the BLACKHOLE community (RFC 7999)", func(l *lab) { provider(l, direct, hole) },
			[]string{"blackholed warning 203.0.113.0/24 AS64496 e1/1"}},
		{"or a host route in it", func(l *lab) { l.announce(provider(l, direct), "203.0.113.7/32", direct, hole) },
			[]string{"blackholed warning 203.0.113.7/32 AS64496 e1/1 also new_more_specific"}},
		{"any other community does not", func(l *lab) { provider(l, direct, community(64500<<16|666)) }, nil},
		{"A route from an internal peer whose path is empty or all private is locally originated: `info` there", func(l *lab) {
			l.reg.Policy.Origins = []uint32{ourASN}
			e1 := l.peer("e1", ourASN, bgp.Internal)
			l.announce(e1, exact, "")
			l.announce(e1, "203.0.113.7/32", "", hole)
		}, []string{"blackholed info 203.0.113.7/32 AS64512 e1/1"}},
		{"one that came back from outside is not", func(l *lab) {
			l.reg.Policy.Origins = []uint32{ourASN}
			e1 := l.peer("e1", ourASN, bgp.Internal)
			l.announce(e1, exact, "")
			l.announce(e1, "203.0.113.7/32", "", hole)
			l.announce(l.peer("e2", 64500, bgp.Provider), "203.0.113.7/32", "64500 64512", hole)
		}, []string{
			"blackholed warning 203.0.113.7/32 AS64500 e2/2 also new_more_specific",
			"blackholed info 203.0.113.7/32 AS64512 e1/2",
		}},
		{"Precedence: `subprefix`, then the rest", func(l *lab) { l.announce(provider(l, direct), "203.0.113.7/32", "64500 65550", hole) },
			[]string{"subprefix critical 203.0.113.7/32 AS65550 e1/1 also blackholed"}},
		{"resolves when the route comes without it", func(l *lab) { l.announce(provider(l, direct, hole), exact, direct) }, nil},
	})
}

func TestPathRuleRules(t *testing.T) {
	re := regexp.MustCompile
	via := detect.PathRule{Match: re(`\b64501\b`), Description: "scrubbing centre"}
	given := func(l *lab, rules ...detect.PathRule) { l.reg.Policy.Paths = rules }
	fires := []string{"path_rule warning 203.0.113.0/24 AS64496 e1/1"}
	checkRules(t, []rule{
		{"A `paths` rule fires when `match` matches", func(l *lab) { given(l, via); provider(l, longer) }, fires},
		{"when `match` matches", func(l *lab) { given(l, via); provider(l, direct) }, nil},
		{"over the path as received: prepends stay", func(l *lab) {
			given(l, detect.PathRule{Match: re(`64496 64496$`)})
			provider(l, "64500 64496 64496")
		}, fires},
		{"over the path as received: sets are written {64501,64502}", func(l *lab) {
			given(l, detect.PathRule{Match: re(`\{64501,64502\}`)})
			provider(l, "64500 {64501,64502} 64496")
		}, fires},
		{"`not_match` does not", func(l *lab) {
			given(l, detect.PathRule{Match: re(`\b64501\b`), NotMatch: re(`^64500 `)})
			provider(l, longer)
		}, nil},
		{"(empty = always)", func(l *lab) { given(l, detect.PathRule{NotMatch: re(`\b64501\b`)}); provider(l, direct) }, fires},
		{"the length, prepends counted: `min_length` selects", func(l *lab) {
			given(l, detect.PathRule{MinLength: 4})
			provider(l, "64500 64496 64496 64496")
		}, fires},
		{"the length: shorter is outside", func(l *lab) { given(l, detect.PathRule{MinLength: 4}); provider(l, longer) }, nil},
		{"the length: `max_length` selects", func(l *lab) { given(l, detect.PathRule{MaxLength: 2}); provider(l, direct) }, fires},
		{"the length: longer is outside", func(l *lab) { given(l, detect.PathRule{MaxLength: 2}); provider(l, longer) }, nil},
		{"or when `require` is given and does not match", func(l *lab) {
			given(l, detect.PathRule{Require: re(`\b64501\b`)})
			provider(l, direct)
		}, fires},
		{"`require` matches", func(l *lab) { given(l, detect.PathRule{Require: re(`\b64501\b`)}); provider(l, longer) }, nil},
		{"`match` matches ...; or when `require` is given and does not match: the one", func(l *lab) {
			given(l, detect.PathRule{Match: re(`\b64501\b`), Require: re(`^64500 `)})
			provider(l, longer)
		}, fires},
		{"`match` matches ...; or when `require` is given and does not match: the other", func(l *lab) {
			given(l, detect.PathRule{Match: re(`\b64509\b`), Require: re(`^64509 `)})
			provider(l, longer)
		}, fires},
		{"`match` matches ...; or when `require` is given and does not match: neither", func(l *lab) {
			given(l, detect.PathRule{Match: re(`\b64509\b`), Require: re(`^64500 `)})
			provider(l, longer)
		}, nil},
		{"several rules of one route are one incident", func(l *lab) {
			given(l, via, detect.PathRule{MinLength: 3})
			provider(l, longer)
		}, fires},
		{"at any vantage", func(l *lab) {
			given(l, via)
			provider(l, direct)
			l.announce(l.collector("a", 64700), exact, "64700 64501 64496")
		}, []string{"path_rule warning 203.0.113.0/24 AS64496 ris/a/2"}},
		{"silent while another incident stands on the route that it moved to", func(l *lab) {
			given(l, via)
			l.announce(provider(l, direct), exact, longer)
		}, []string{"path_rule warning 203.0.113.0/24 AS64496 e1/1 also path_change"}},
		{"a path that breaks a rule may be the new normal all the same", func(l *lab) {
			given(l, via)
			e1 := provider(l, direct)
			l.announce(e1, exact, longer)
			l.wait(24 * hour)
			given(l)
			l.learn()
		}, nil},
	})
}

func TestPolicyRules(t *testing.T) {
	required := bgp.Community(8075<<16 | 8007)
	large := bgp.LargeCommunity{Global: 64496, Local1: 1, Local2: 2}
	fires := []string{"policy warning 203.0.113.0/24 AS64496 e1/1"}
	checkRules(t, []rule{
		{"a required community missing", func(l *lab) {
			l.reg.Policy.RequiredCommunities = []bgp.Community{required}
			provider(l, direct, community(8075<<16|8006))
		}, fires},
		{"a required community: there", func(l *lab) {
			l.reg.Policy.RequiredCommunities = []bgp.Community{required}
			provider(l, direct, community(required))
		}, nil},
		{"a required community: each of them", func(l *lab) {
			l.reg.Policy.RequiredCommunities = []bgp.Community{required, 1}
			provider(l, direct, community(required))
		}, fires},
		{"large \"64496:1:2\"", func(l *lab) {
			l.reg.Policy.RequiredLargeCommunities = []bgp.LargeCommunity{large}
			provider(l, direct)
		}, fires},
		{"large: there", func(l *lab) {
			l.reg.Policy.RequiredLargeCommunities = []bgp.LargeCommunity{large}
			provider(l, direct, func(s *bgp.Seen) { s.Attrs.LargeCommunities = []bgp.LargeCommunity{large} })
		}, nil},
		{"at primary and backup sessions", func(l *lab) {
			_, _, e3 := paris(l)
			l.reg.Policy.RequiredCommunities = []bgp.Community{required}
			for _, s := range l.sites {
				l.announce(s, exact, direct, community(required))
			}
			l.announce(e3, exact, direct)
			l.announce(l.peer("other", 64500, bgp.Provider), exact, direct)
			l.announce(l.collector("a", 64700), exact, "64700 64496")
		}, []string{"policy warning 203.0.113.0/24 AS64496 e3/5"}},
		{"AS path too long: prepends count", func(l *lab) {
			l.reg.Policy.MaxPathLength = 3
			provider(l, "64500 64496 64496 64496")
		}, fires},
		{"AS path too long: the limit is not", func(l *lab) { l.reg.Policy.MaxPathLength = 3; provider(l, longer) }, nil},
		{"AS path too long: an AS_SET counts one, a confederation nothing", func(l *lab) {
			l.reg.Policy.Origins = []uint32{64496, 64497, 64498}
			l.reg.Policy.MaxPathLength = 2
			l.announce(l.peer("e1", ourASN, bgp.Internal), exact, "(65001 65002) 64500 {64496,64497,64498}")
		}, nil},
		{"AS path too long: 0 = no limit", func(l *lab) { provider(l, "64500 1 2 3 4 5 6 7 8 9 64496") }, nil},
		{"private ASN in the path", func(l *lab) { provider(l, "64500 65010 64496") }, fires},
		{"private ASN in the path: 4-octet ones, too", func(l *lab) { provider(l, "64500 4200000001 64496") }, fires},
		{"allow_private_asn", func(l *lab) { l.reg.Policy.AllowPrivateASN = true; provider(l, "64500 65010 64496") }, nil},
		{"private ASN in the path: one that is configured is meant", func(l *lab) {
			l.reg.Policy.Origins = []uint32{65020}
			l.reg.Policy.Upstreams = []uint32{65010}
			l.announce(l.peer("e1", 65001, bgp.Customer), exact, "65001 64512 65010 65020")
		}, nil},
		{"private ASN in the path: confederation segments go", func(l *lab) {
			l.announce(l.peer("e1", ourASN, bgp.Internal), exact, "(65001 65002) 64500 64496")
		}, nil},
		{"private ASN in the path: not where it was originated behind an internal peer", func(l *lab) {
			l.reg.Policy.AnyOrigin = true
			l.announce(l.peer("e1", ourASN, bgp.Internal), exact, "65010 65011")
		}, nil},
		{"prepending", func(l *lab) { l.reg.Policy.AllowPrepending = false; provider(l, "64500 64496 64496") }, fires},
		{"prepending: by anyone", func(l *lab) { l.reg.Policy.AllowPrepending = false; provider(l, "64500 64500 64496") }, fires},
		{"prepending: none", func(l *lab) { l.reg.Policy.AllowPrepending = false; provider(l, direct) }, nil},
		{"allow_prepending", func(l *lab) { provider(l, "64500 64496 64496") }, nil},
		{"our own `internal` ASN at its head goes", func(l *lab) {
			l.reg.Policy.AllowPrepending, l.reg.Policy.MaxPathLength = false, 2
			l.announce(l.peer("e1", ourASN, bgp.Internal), exact, "64512 64512 64500 64496")
		}, nil},
		{"a route of a wrong origin need not meet them", func(l *lab) { provider(l, "64500 65010 65550") },
			[]string{"origin_change critical 203.0.113.0/24 AS65550 e1/1 also withdrawn"}},
	})
}
