package detect_test

import (
	"testing"

	"peervane/bgp"
	"peervane/bgp/detect"
)

const elsewhere = "198.51.100.0/24"

// watching has AS64496 watched, all of it.
func watching(l *lab) *site {
	l.settings.ASNs = map[uint32]detect.WatchedAS{64496: {Upstreams: []uint32{64500}, Downstreams: []uint32{64499}, Unlisted: true}}
	return provider(l, direct)
}

func TestWatchedASRules(t *testing.T) {
	checkRules(t, []rule{
		{"alert on prefixes it originates that are not registered", func(l *lab) { l.announce(watching(l), elsewhere, direct) },
			[]string{"unlisted_prefix warning 198.51.100.0/24 AS64496 e1/1"}},
		{"it originates: another does not matter", func(l *lab) { l.announce(watching(l), elsewhere, "64500 65550") }, nil},
		{"not registered: what lies inside a registered prefix is no unlisted one", func(l *lab) { l.announce(watching(l), half, direct) },
			[]string{"new_more_specific warning 203.0.113.128/25 AS64496 e1/1"}},
		{"not registered: what covers it is", func(l *lab) { l.announce(watching(l), aggregate, direct) },
			[]string{"unlisted_prefix warning 203.0.112.0/22 AS64496 e1/1"}},
		{"a default route is no prefix of anyone", func(l *lab) { l.announce(watching(l), "0.0.0.0/0", direct) }, nil},
		{"unlisted = false", func(l *lab) {
			e1 := watching(l)
			l.settings.ASNs = map[uint32]detect.WatchedAS{64496: {}}
			l.announce(e1, elsewhere, direct)
		}, nil},
		{"A route from an internal peer whose path is empty is locally originated: it is no `unlisted_prefix`", func(l *lab) {
			watching(l)
			l.settings.ASNs[ourASN] = detect.WatchedAS{Unlisted: true}
			l.announce(l.peer("e2", ourASN, bgp.Internal), elsewhere, "")
		}, nil},
		{"an AS_SET proves nothing", func(l *lab) { l.announce(watching(l), elsewhere, "64500 {64496,64499}") }, nil},
		{"so that their withdrawal resolves", func(l *lab) {
			e1 := watching(l)
			l.announce(e1, elsewhere, direct)
			l.withdraw(e1, elsewhere)
		}, nil},

		{"new_upstream: an AS before ours that is not listed", func(l *lab) { l.announce(watching(l), exact, "64500 65550 64496", pathID(1)) },
			[]string{"new_upstream warning 203.0.113.0/24 AS65550 e1/1"}},
		{"new_upstream: of others' prefixes, too", func(l *lab) { l.announce(watching(l), elsewhere, "64500 65550 64496 64499") },
			[]string{"new_upstream warning 198.51.100.0/24 AS65550 e1/1"}},
		{"new_upstream: adjacent repeats become one", func(l *lab) { l.announce(watching(l), elsewhere, "64500 64500 64496 64496 64499") }, nil},
		{"new_upstream: strip the collector hop, the neighbour has nobody before it", func(l *lab) {
			watching(l)
			l.announce(l.collector("a", 64496), exact, "64496")
			l.announce(l.peer("e2", 64496, bgp.Customer), exact, "64496")
		}, nil},
		{"new_upstream: siblings: ASNs of one organisation are one", func(l *lab) {
			e1 := watching(l)
			l.settings.Siblings = map[uint32]uint32{64496: 64496, 64497: 64496}
			l.announce(e1, elsewhere, "64500 64497 64496 64499")
			l.announce(e1, "192.0.2.0/24", "65550 64497 64496 64499")
		}, []string{"new_upstream warning 192.0.2.0/24 AS65550 e1/1"}},
		{"new_upstream: route servers are transparent", func(l *lab) {
			e1 := watching(l)
			l.settings.RouteServers = map[uint32]bool{64510: true}
			l.announce(e1, elsewhere, "64500 64510 64496 64499")
		}, nil},
		{"new_upstream: AS_TRANS and AS_SETs prove nothing", func(l *lab) {
			e1 := watching(l)
			l.announce(e1, elsewhere, "64500 23456 64496 64499")
			l.announce(e1, "192.0.2.0/24", "64500 {65550,65551} 64496 64499")
		}, nil},
		{"absent key = not checked", func(l *lab) {
			e1 := watching(l)
			l.settings.ASNs = map[uint32]detect.WatchedAS{64496: {}}
			l.announce(e1, elsewhere, "65550 64496 65551")
		}, nil},
		{"[] = none is legitimate", func(l *lab) {
			e1 := watching(l)
			l.settings.ASNs = map[uint32]detect.WatchedAS{64496: {Downstreams: []uint32{}}}
			l.announce(e1, elsewhere, "64500 64496 64499")
		}, []string{"new_downstream warning 198.51.100.0/24 AS64499 e1/1"}},

		{"new_downstream: an AS behind ours that is not listed", func(l *lab) { l.announce(watching(l), elsewhere, "64500 64496 65551") },
			[]string{"new_downstream warning 198.51.100.0/24 AS65551 e1/1"}},
		{"new_downstream: one that is listed", func(l *lab) { l.announce(watching(l), elsewhere, "64500 64496 64499 65551") }, nil},
		{"both are one incident, the other goes into `evidence.also`", func(l *lab) { l.announce(watching(l), elsewhere, "64500 65550 64496 65551") },
			[]string{"new_upstream warning 198.51.100.0/24 AS65550 e1/1 also new_downstream"}},
		{"Precedence: `forged_origin`, then the rest", func(l *lab) {
			e1 := watching(l)
			l.reg.Policy.Upstreams = []uint32{64500}
			l.announce(e1, exact, "64500 65550 64496", pathID(1))
		}, []string{"forged_origin error 203.0.113.0/24 AS65550 e1/1 also new_upstream"}},
		{"nothing else is expected of what is not registered", func(l *lab) {
			l.announce(watching(l), elsewhere, "64500 65010 65010 65550", community(bgp.Blackhole))
		}, nil},
	})
}
