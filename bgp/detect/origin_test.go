package detect_test

import (
	"testing"

	"peervane/bgp"
	"peervane/bgp/detect"
)

func TestOriginRules(t *testing.T) {
	checkRules(t, []rule{
		{"origin_change: the registered prefix has a route whose origin is not in `origins`", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", "64500 64501 65550")
		}, []string{"origin_change critical 203.0.113.0/24 AS65550 e1/1 also withdrawn"}},
		{"origin_change: (or `expect = \"absent\"`)", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.reg.Policy.Expect = detect.Absent
			l.announce(e1, "203.0.113.0/24", "64500 64496")
		}, []string{"origin_change critical 203.0.113.0/24 AS64496 e1/1"}},
		{"absent (an exact route is origin_change, a more-specific subprefix, whatever the origin)", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.reg.Policy.Expect = detect.Absent
			l.announce(e1, "203.0.113.128/25", "64500 64496")
		}, []string{"subprefix critical 203.0.113.128/25 AS64496 e1/1"}},
		{"origins: legitimate origin ASNs; required, unless expect = \"absent\", or any_origin = true", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.reg.Policy.AnyOrigin, l.reg.Policy.Origins = true, nil
			l.announce(e1, "203.0.113.0/24", "64500 65550")
			l.announce(e1, "203.0.113.128/25", "64500 65550")
		}, []string{"new_more_specific warning 203.0.113.128/25 AS65550 e1/1"}},
		{"subprefix: a more-specific of it has an origin not in `origins`", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", "64500 64496")
			l.announce(e1, "203.0.113.128/25", "64500 65550")
			l.announce(e1, "203.0.113.1/32", "64500 64496 65551")
		}, []string{
			"subprefix critical 203.0.113.1/32 AS65551 e1/1",
			"subprefix critical 203.0.113.128/25 AS65550 e1/1",
		}},
		{"new_more_specific, not subprefix: a more-specific longer than `max_length` from a legitimate origin", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", "64500 64496")
			l.announce(e1, "203.0.113.128/25", "64500 64496")
		}, []string{"new_more_specific warning 203.0.113.128/25 AS64496 e1/1"}},
		{"It resolves when the condition no longer holds: after a withdrawal", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", "64500 64496")
			l.announce(e1, "203.0.113.128/25", "64500 65550")
			l.withdraw(e1, "203.0.113.128/25")
		}, nil},
		{"an implicit withdrawal (a better announcement)", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", "64500 65550")
			l.announce(e1, "203.0.113.0/24", "64500 64496")
		}, nil},
		{"siblings: ASNs of one organisation are one", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.settings.Siblings = map[uint32]uint32{64496: 64496, 64497: 64496}
			l.announce(e1, "203.0.113.0/24", "64500 64497")
		}, nil},
		{"ignore: carve this sub-prefix out of monitoring", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.reg.Policy.Ignore = true
			l.announce(e1, "203.0.113.0/24", "64500 65550")
		}, nil},
	})
}

func TestPathCleaning(t *testing.T) {
	checkRules(t, []rule{
		{"confederation segments go", func(l *lab) {
			e1 := l.peer("e1", ourASN, bgp.Internal)
			l.announce(e1, "203.0.113.0/24", "(65001 65002) 64500 64496")
			l.announce(e1, "203.0.113.0/24", "64500 64496 (65001)", pathID(2))
		}, nil},
		{"our own `internal` ASN at its head goes, but never the last ASN", func(l *lab) {
			e1 := l.peer("e1", 64496, bgp.Internal)
			l.announce(e1, "203.0.113.0/24", "64496")
		}, nil},
		{"an origin in a set is legitimate only if every member is", func(l *lab) {
			l.reg.Policy.Origins = []uint32{64496, 64497}
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", "64500 {64497,64496}")
		}, nil},
		{"an origin in a set is not legitimate if one member is not; that one is the culprit", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", "64500 {64496,65550}")
		}, []string{"origin_change critical 203.0.113.0/24 AS65550 e1/1 also withdrawn"}},
		{"AS_TRANS (23456) never proves anything: neither that it is wrong nor that it is right", func(l *lab) {
			e1, e2 := l.peer("e1", 64500, bgp.Provider), l.peer("e2", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", "64500 23456")
			l.announce(e2, "203.0.113.0/24", "64500 {64496,23456}")
		}, nil},
		{"AS_TRANS in a set does not excuse another member", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", "64500 {23456,65550}")
		}, []string{"origin_change critical 203.0.113.0/24 AS65550 e1/1 also withdrawn"}},
	})
}

func TestInternalPeers(t *testing.T) {
	ours := []uint32{ourASN}
	checkRules(t, []rule{
		{"The origin of an empty path is `daemon.asn`", func(l *lab) {
			l.reg.Policy.Origins = ours
			e1 := l.peer("e1", ourASN, bgp.Internal)
			l.announce(e1, "203.0.113.0/24", "")
		}, nil},
		{"The origin of an empty path is `daemon.asn`, which may be wrong", func(l *lab) {
			e1 := l.peer("e1", ourASN, bgp.Internal)
			l.announce(e1, "203.0.113.0/24", "")
		}, []string{"origin_change critical 203.0.113.0/24 AS64512 e1/1 also withdrawn"}},
		{"A route from an internal peer whose path is empty is locally originated: it is no `subprefix`", func(l *lab) {
			e1 := l.peer("e1", ourASN, bgp.Internal)
			l.announce(e1, "203.0.113.0/24", "64500 64496")
			l.announce(e1, "203.0.113.128/25", "")
		}, nil},
		{"A route from an internal peer whose path is all private is locally originated", func(l *lab) {
			e1 := l.peer("e1", ourASN, bgp.Internal)
			l.announce(e1, "203.0.113.0/24", "64500 64496")
			l.announce(e1, "203.0.113.128/25", "(65001) 65010 {4200000001,65011}")
		}, nil},
		{"One with a public ASN in it is not", func(l *lab) {
			e1 := l.peer("e1", ourASN, bgp.Internal)
			l.announce(e1, "203.0.113.0/24", "64500 64496")
			l.announce(e1, "203.0.113.128/25", "64500 65010")
		}, []string{"subprefix critical 203.0.113.128/25 AS64500 e1/1"}},
		{"Nor is one from an external peer", func(l *lab) {
			e1 := l.peer("e1", 65001, bgp.Customer)
			l.announce(e1, "203.0.113.0/24", "65001 64496")
			l.announce(e1, "203.0.113.128/25", "65001")
		}, []string{"subprefix critical 203.0.113.128/25 AS65001 e1/1"}},
		{"Local routes are no `subprefix` even where the prefix should be absent", func(l *lab) {
			l.reg.Policy.Expect = detect.Absent
			e1 := l.peer("e1", ourASN, bgp.Internal)
			l.announce(e1, "203.0.113.128/25", "")
		}, nil},
	})
}

func TestCulprit(t *testing.T) {
	checkRules(t, []rule{
		{"the nearest public ASN when the origin is private", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", "64500 12880 65050")
		}, []string{"origin_change critical 203.0.113.0/24 AS12880 e1/1 also withdrawn"}},
		{"the nearest public ASN when the origin is private, past other private ones and sets", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", "64500 12880 {1,2} 4200000007 65050 65050")
		}, []string{"origin_change critical 203.0.113.0/24 AS12880 e1/1 also withdrawn"}},
		{"the origin when there is no public one", func(l *lab) {
			e1 := l.peer("e1", 65001, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", "65001 65050")
		}, []string{"origin_change critical 203.0.113.0/24 AS65050 e1/1 also withdrawn"}},
		{"Fingerprint: (..., culprit ASN): routes of two culprits are two incidents", func(l *lab) {
			e1, e2, e3 := l.peer("e1", 64500, bgp.Provider), l.peer("e2", 64500, bgp.Provider), l.peer("e3", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", "64500 65551")
			l.announce(e2, "203.0.113.0/24", "64500 65550")
			l.announce(e3, "203.0.113.0/24", "64500 64501 65551")
		}, []string{
			"origin_change critical 203.0.113.0/24 AS65550 e2/3 also withdrawn",
			"origin_change critical 203.0.113.0/24 AS65551 e1,e3/3 also withdrawn",
		}},
	})
}

func TestVantagesThatAgree(t *testing.T) {
	checkRules(t, []rule{
		{"`min_vantages` counts the vantages that show the bad route: own peers once each", func(l *lab) {
			l.reg.Policy.MinVantages = 2
			e1, e2 := l.peer("e1", 64500, bgp.Provider), l.peer("e2", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", "64500 65550")
			l.announce(e2, "203.0.113.0/24", "64500 65550")
		}, []string{"origin_change critical 203.0.113.0/24 AS65550 e1,e2/2 also withdrawn"}},
		{"too few do: it does not fire", func(l *lab) {
			l.reg.Policy.MinVantages = 2
			e1, e2 := l.peer("e1", 64500, bgp.Provider), l.peer("e2", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", "64500 65550", pathID(1))
			l.announce(e1, "203.0.113.0/24", "64500 64501 65550", pathID(2))
			l.announce(e2, "203.0.113.0/24", "64500 64496")
		}, []string{"origin_change critical 203.0.113.0/24 AS65550 e1/2 quiet"}},
		{"collector peers once per peer ASN", func(l *lab) {
			l.reg.Policy.MinVantages = 2
			c1, c2 := l.collector("a/64700", 64700), l.collector("b/64700", 64700)
			l.announce(c1, "203.0.113.0/24", "64700 65550")
			l.announce(c2, "203.0.113.0/24", "64700 65550")
		}, []string{"origin_change critical 203.0.113.0/24 AS65550 ris/a/64700,ris/b/64700/2 quiet"}},
		{"of what too few show nobody is told, so that it explains no absence", func(l *lab) {
			l.reg.Policy.MinVantages = 2
			l.announce(provider(l, direct), "203.0.113.0/24", "64500 65550")
			l.collector("a", 64700)
		}, []string{
			"origin_change critical 203.0.113.0/24 AS65550 e1/2 quiet",
			"withdrawn critical 203.0.113.0/24 e1/1",
		}},
		{"nor does it hide a changed path", func(l *lab) {
			l.reg.Policy.MinVantages = 2
			e1, e2 := provider(l, direct), l.peer("e2", 64500, bgp.Provider)
			l.announce(e2, "203.0.113.0/24", direct)
			l.announce(e1, "203.0.113.0/24", longer)
			l.announce(e2, "203.0.113.0/24", longer, community(bgp.Blackhole))
		}, []string{
			"blackholed warning 203.0.113.0/24 AS64496 e2/2 quiet",
			"path_change info 203.0.113.0/24 e1,e2/2",
		}},
		{"it does not apply to absence", func(l *lab) {
			l.reg.Policy.MinVantages = 3
			l.peer("e1", 64500, bgp.Provider)
			l.learn()
		}, []string{"withdrawn critical 203.0.113.0/24 e1/1"}},
		{"What an announcement does wrong is judged on any of its paths", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", "64500 64496", pathID(1))
			l.announce(e1, "203.0.113.0/24", "64500 64501 64502 65550", pathID(2))
		}, []string{"origin_change critical 203.0.113.0/24 AS65550 e1/1"}},
		{"Routes kept as stale by graceful restart count as held", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", "64500 65550")
			l.keep(e1)
		}, []string{"origin_change critical 203.0.113.0/24 AS65550 e1/1 also withdrawn"}},
		{"one that shows the registered prefix could show what is inside", func(l *lab) {
			l.settings.Replay = true
			c1, c2 := l.collector("a", 64700), l.collector("b", 64701)
			c1.InSync, c2.InSync, c2.Watching = false, false, true
			l.announce(c1, "203.0.113.128/25", "64700 65550")
		}, []string{"subprefix critical 203.0.113.128/25 AS65550 ris/a/2"}},
		{"An announcement is judged before its vantage is in sync", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.lose(e1)
			l.rise(e1)
			l.announce(e1, "203.0.113.128/25", "64500 65550")
		}, []string{"subprefix critical 203.0.113.128/25 AS65550 e1/1"}},
	})
}

func TestOffTakesNoPrecedence(t *testing.T) {
	checkRules(t, []rule{
		{"A type set to `off` takes no precedence", func(l *lab) {
			l.settings.Off["origin_change"] = true
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", "64500 65550")
		}, []string{"withdrawn critical 203.0.113.0/24 e1/1"}},
	})
}
