package wire

import (
	"testing"

	"peervane/bgp"
)

// verdictCase is one UPDATE and what must become of it.
type verdictCase struct {
	name      string
	params    Params
	body      []byte
	verdict   Verdict
	fault     Fault // the first one, its offset left out; zero for none
	announced string
	withdrawn string
	subcode   uint8 // of the NOTIFICATION
}

func (c verdictCase) run(t *testing.T) {
	var u Update
	if got := c.params.Scan(c.body, &u); got != c.verdict || u.Verdict() != got {
		t.Fatalf("verdict %v, want %v; faults %v", got, c.verdict, u.Faults())
	}
	var first Fault
	if faults := u.Faults(); len(faults) > 0 {
		first = faults[0]
		first.Offset = 0
	}
	if first != c.fault {
		t.Errorf("first fault %v, want %v; all: %v", first, c.fault, u.Faults())
	}
	if got := routes(u.Announced); got != c.announced {
		t.Errorf("announced %q, want %q", got, c.announced)
	}
	if got := routes(u.Withdrawn); got != c.withdrawn {
		t.Errorf("withdrawn %q, want %q", got, c.withdrawn)
	}
	c.checkErr(t, &u)
}

func (c verdictCase) checkErr(t *testing.T, u *Update) {
	switch err := u.Err(); {
	case c.verdict != SessionReset && err != nil:
		t.Errorf("NOTIFICATION %v without a reset", err)
	case c.verdict == SessionReset && (err == nil || err.Code != CodeUpdate || err.Subcode != c.subcode):
		t.Errorf("NOTIFICATION %v, want 3/%d", err, c.subcode)
	}
	if c.verdict > AttributeDiscard && (u.Attrs(bgp.IPv4) != nil || u.Key(bgp.IPv4) != nil) {
		t.Error("attributes of routes that do not stand")
	}
}

func runVerdicts(t *testing.T, cases []verdictCase) {
	for _, c := range cases {
		t.Run(c.name, c.run)
	}
}

const (
	theRoute = "203.0.113.0/24"
	route6   = "2001:db8:1::/48"
	gone6    = "2001:db8:2::/48"
)

func TestSoundUpdates(t *testing.T) {
	none := Fault{}
	runVerdicts(t, []verdictCase{
		{"announced", external, body(nil, sound, route), OK, none, theRoute, "", 0},
		{"withdrawn", external, body(other, nil, nil), OK, none, "", "198.51.100.0/24", 0},
		{"both", external, body(other, sound, route), OK, none, theRoute, "198.51.100.0/24", 0},
		{"several, bits beyond the length ignored", external,
			body(nil, sound, []byte{0, 9, 10, 255, 32, 192, 0, 2, 9}), OK, none, "0.0.0.0/0 10.128.0.0/9 192.0.2.9/32", "", 0},
		{"IPv6", external, body(nil, soundMP, nil), OK, none, route6, "", 0},
		{"IPv6 withdrawn", external, body(nil, soundMPU, nil), OK, none, "", gone6, 0},
		{"all four at once", external, body(other, join(soundMPU, soundMP, nextHop), route), OK, none,
			route6 + " " + theRoute, "198.51.100.0/24 " + gone6, 0},
		{"NLRI last in the list", external, body(nil, join(origin, path4(65001), reach(bgp.IPv6, hop6, nlri("::/0", "2001:db8::1/128"))), nil),
			OK, none, "::/0 2001:db8::1/128", "", 0},
		{"ADD-PATH", addPath, body(pathID(7, other), sound, join(pathID(1, route), pathID(2, route))), OK, none,
			"1:203.0.113.0/24 2:203.0.113.0/24", "7:198.51.100.0/24", 0},
		{"ADD-PATH, IPv6", addPath, body(nil, join(reach(bgp.IPv6, hop6, pathID(9, nlri(route6))), origin, path4(65001)), nil),
			OK, none, "9:" + route6, "", 0},
		{"IPv4 with an IPv6 next hop", external, body(nil, join(reach(bgp.IPv4, hop6, route), origin, path4(65001)), nil),
			OK, none, theRoute, "", 0},
		{"two next hops", external, body(nil, join(reach(bgp.IPv6, join(hop6, hop6), nlri(route6)), origin, path4(65001)), nil),
			OK, none, route6, "", 0},
		{"a next hop of nothing drops no route", external, body(nil, join(origin, path4(65001), attr(attrNextHop, 0, 0, 0, 0)), route),
			OK, none, theRoute, "", 0},
		{"the neighbour's own prepends and our AS", external, body(nil, join(origin, path4(65001, 65001, 65000), nextHop), route),
			OK, none, theRoute, "", 0},
		{"an empty path", external, body(nil, join(origin, attr(attrASPath), nextHop), route), OK, none, theRoute, "", 0},
		{"extended length", external, body(nil, join([]byte{0x50, 1, 0, 1, 0}, path4(65001), nextHop), route), OK, none, theRoute, "", 0},
		{"partial bit", external, body(nil, join(sound, attrFlags(0xe0, attrCommunities, 0, 1, 0, 2)), route), OK, none, theRoute, "", 0},
		{"unknown optional attributes", external,
			body(nil, join(sound, attr(40, 1, 2, 3), attr(250), attrFlags(0x80, 128, 9)), route), OK, none, theRoute, "", 0},
		{"empty", external, body(nil, nil, nil), OK, none, "", "", 0},
	})
}

func TestRFC7606(t *testing.T) {
	bad := func(v Verdict, r Reason, code uint8) Fault { return Fault{v, r, code, 0} }
	lost := func(name string, r Reason, code uint8, attrs ...[]byte) verdictCase {
		return verdictCase{name, external, body(nil, join(attrs...), route), TreatAsWithdraw, bad(TreatAsWithdraw, r, code), "", theRoute, 0}
	}
	kept := func(name string, p Params, r Reason, code uint8, attrs ...[]byte) verdictCase {
		return verdictCase{name, p, body(nil, join(attrs...), route), AttributeDiscard, bad(AttributeDiscard, r, code), theRoute, "", 0}
	}
	runVerdicts(t, []verdictCase{
		// Section 3 (c): flags.
		lost("ORIGIN optional", ReasonFlags, attrOrigin, attrFlags(0xc0, attrOrigin, 0), path4(65001), nextHop),
		lost("AS_PATH not transitive", ReasonFlags, attrASPath, origin, attrFlags(0, attrASPath), nextHop),
		lost("MED transitive", ReasonFlags, attrMED, sound, attrFlags(0xc0, attrMED, 0, 0, 0, 1)),
		lost("COMMUNITIES well-known", ReasonFlags, attrCommunities, sound, attrFlags(0x40, attrCommunities, 0, 1, 0, 2)),
		lost("OTC not transitive", ReasonFlags, attrOTC, sound, attrFlags(0x80, attrOTC, 0, 0, 0, 1)),
		// Section 3 (d): missing.
		lost("no ORIGIN", ReasonMissing, attrOrigin, path4(65001), nextHop),
		lost("no AS_PATH", ReasonMissing, attrASPath, origin, nextHop),
		lost("no NEXT_HOP", ReasonMissing, attrNextHop, origin, path4(65001)),
		// Section 3 (f): discarded where others cost the route.
		kept("AGGREGATOR flags", external, ReasonFlags, attrAggregator, sound, attrFlags(0x40, attrAggregator, 0, 0, 0, 1, 1, 1, 1, 1)),
		kept("ATOMIC_AGGREGATE flags", external, ReasonFlags, attrAtomicAggregate, sound, attrFlags(0xc0, attrAtomicAggregate)),
		// Section 3 (g): the first counts.
		kept("ORIGIN twice", external, ReasonDuplicate, attrOrigin, sound, attr(attrOrigin, 9)),
		kept("unknown attribute twice", external, ReasonDuplicate, 99, sound, attr(99), attr(99, 1)),
		// Section 3 (h): the strongest counts.
		{"discard and withdraw", external, body(nil, join(sound, attr(attrAtomicAggregate, 1), attr(attrMED, 1)), route), TreatAsWithdraw,
			bad(AttributeDiscard, ReasonLength, attrAtomicAggregate), "", theRoute, 0},
		// Section 4: lengths in the list.
		lost("attribute exceeds the list", ReasonAttributeList, attrMED, sound, []byte{0x80, attrMED, 200, 0}),
		lost("two octets left", ReasonAttributeList, 0, sound, []byte{0x80, attrMED}),
		lost("three octets left of an extended one", ReasonAttributeList, 0, sound, []byte{0x90, attrMED, 0}),
		// Section 7.
		lost("7.1 ORIGIN of no value", ReasonLength, attrOrigin, attr(attrOrigin), path4(65001), nextHop),
		lost("7.1 ORIGIN of two octets", ReasonLength, attrOrigin, attr(attrOrigin, 0, 0), path4(65001), nextHop),
		lost("7.1 ORIGIN 3", ReasonValue, attrOrigin, attr(attrOrigin, 3), path4(65001), nextHop),
		lost("7.2 segment of unknown type", ReasonSegment, attrASPath, origin, attr(attrASPath, segment(5, 4, 65001)...), nextHop),
		lost("7.2 segment of type 0", ReasonSegment, attrASPath, origin, attr(attrASPath, segment(0, 4, 65001)...), nextHop),
		lost("7.2 segment overrun", ReasonSegment, attrASPath, origin, attr(attrASPath, 2, 2, 0, 0, 1, 1), nextHop),
		lost("7.2 segment underrun", ReasonSegment, attrASPath, origin, attr(attrASPath, 2, 1, 0, 0, 1, 1, 2), nextHop),
		lost("7.2 empty segment", ReasonSegment, attrASPath, origin, path4(), nextHop),
		lost("7.3 NEXT_HOP of 16 octets", ReasonLength, attrNextHop, origin, path4(65001), attr(attrNextHop, hop6...)),
		lost("7.4 MED of 3 octets", ReasonLength, attrMED, sound, attr(attrMED, 0, 0, 1)),
		kept("7.5 LOCAL_PREF from outside", external, ReasonExternal, attrLocalPref, sound, attr(attrLocalPref, 0, 0, 0, 1)),
		kept("7.5 LOCAL_PREF from outside, malformed", external, ReasonExternal, attrLocalPref, sound, attrFlags(0xc0, attrLocalPref, 1)),
		kept("7.6 ATOMIC_AGGREGATE with a value", external, ReasonLength, attrAtomicAggregate, sound, attr(attrAtomicAggregate, 1)),
		kept("7.7 AGGREGATOR of 6 octets with 4-octet ASNs", external, ReasonLength, attrAggregator, sound, attr(attrAggregator, 0, 1, 1, 1, 1, 1)),
		lost("7.8 COMMUNITIES of 5 octets", ReasonLength, attrCommunities, sound, attr(attrCommunities, 0, 1, 0, 2, 0)),
		lost("7.8 COMMUNITIES of none", ReasonLength, attrCommunities, sound, attr(attrCommunities)),
		kept("7.9 ORIGINATOR_ID from outside", external, ReasonExternal, attrOriginatorID, sound, attr(attrOriginatorID, 1)),
		kept("7.10 CLUSTER_LIST from outside", external, ReasonExternal, attrClusterList, sound, attr(attrClusterList)),
		lost("7.14 EXTENDED COMMUNITIES of 4 octets", ReasonLength, attrExtCommunities, sound, attr(attrExtCommunities, 0, 2, 0, 1)),
		lost("8092 LARGE_COMMUNITY of 4 octets", ReasonLength, attrLargeCommunities, sound, attr(attrLargeCommunities, 0, 2, 0, 1)),
		lost("9234 OTC of 2 octets", ReasonLength, attrOTC, sound, attr(attrOTC, 0, 1)),
		// RFC 7607.
		lost("7607 AS 0 in AS_PATH", ReasonASZero, attrASPath, origin, path4(65001, 0), nextHop),
		kept("7607 AS 0 in AGGREGATOR", external, ReasonASZero, attrAggregator, sound, attr(attrAggregator, 0, 0, 0, 0, 1, 1, 1, 1)),
	})
}

func TestRFC7606Internal(t *testing.T) {
	lost := func(name string, code uint8, attrs ...[]byte) verdictCase {
		return verdictCase{name, internal, body(nil, join(attrs...), route), TreatAsWithdraw,
			Fault{TreatAsWithdraw, ReasonLength, code, 0}, "", theRoute, 0}
	}
	confed := with(external, func(p *Params) { p.Confederation = true })
	pref := attr(attrLocalPref, 0, 0, 0, 1)
	runVerdicts(t, []verdictCase{
		lost("7.5 LOCAL_PREF of one octet", attrLocalPref, sound, attr(attrLocalPref, 1)),
		lost("7.9 ORIGINATOR_ID of 3 octets", attrOriginatorID, sound, attr(attrOriginatorID, 1, 2, 3)),
		lost("7.10 CLUSTER_LIST of 5 octets", attrClusterList, sound, attr(attrClusterList, 1, 2, 3, 4, 5)),
		lost("7.10 CLUSTER_LIST of none", attrClusterList, sound, attr(attrClusterList)),
		{"all sound", internal, body(nil, join(sound, pref, attr(attrOriginatorID, 1, 1, 1, 1), attr(attrClusterList, 2, 2, 2, 2)), route),
			OK, Fault{}, theRoute, "", 0},
		{"without LOCAL_PREF", internal, body(nil, sound, route), OK, Fault{}, theRoute, "", 0},
		{"LOCAL_PREF within a confederation", confed, body(nil, join(sound, pref), route), OK, Fault{}, theRoute, "", 0},
	})
}

func TestSessionReset(t *testing.T) {
	reset := func(name string, subcode uint8, r Reason, code uint8, p Params, b []byte) verdictCase {
		return verdictCase{name, p, b, SessionReset, Fault{SessionReset, r, code, 0}, "", "", subcode}
	}
	mp := func(value ...byte) []byte {
		return body(nil, join(attr(attrMPReach, value...), origin, path4(65001)), nil)
	}
	list := body(nil, join(sound, attr(attrMED, 1)), nil)
	runVerdicts(t, []verdictCase{
		reset("nothing at all", 1, ReasonSections, 0, external, nil),
		reset("withdrawn routes exceed the message", 1, ReasonSections, 0, external, []byte{0, 9, 0, 0}),
		reset("attributes exceed the message", 1, ReasonSections, 0, external, []byte{0, 0, 0, 9}),
		reset("withdrawn routes leave no length", 1, ReasonSections, 0, external, []byte{0, 2, 0, 0, 0}),
		// Section 5.3.
		reset("NLRI of 33 bits", 10, ReasonNLRI, 0, external, body(nil, sound, []byte{33, 1, 2, 3, 4, 5})),
		reset("NLRI exceeds the field", 10, ReasonNLRI, 0, external, body(nil, sound, []byte{24, 1, 2})),
		reset("withdrawn of 33 bits", 10, ReasonNLRI, 0, external, body([]byte{33, 1, 2, 3, 4, 5}, nil, nil)),
		reset("withdrawn exceeds the field", 10, ReasonNLRI, 0, external, body([]byte{24, 1, 2}, nil, nil)),
		reset("half a path identifier", 10, ReasonNLRI, 0, addPath, body(nil, sound, []byte{0, 0, 1})),
		reset("a path identifier alone", 10, ReasonNLRI, 0, addPath, body(nil, sound, []byte{0, 0, 0, 1})),
		reset("IPv6 NLRI of 129 bits", 9, ReasonNLRI, attrMPReach, external,
			body(nil, join(reach(bgp.IPv6, hop6, append([]byte{129}, make([]byte, 17)...)), origin, path4(65001)), nil)),
		reset("IPv4 NLRI of 33 bits in MP_REACH", 9, ReasonNLRI, attrMPReach, external,
			body(nil, join(reach(bgp.IPv4, []byte{1, 1, 1, 1}, []byte{33, 1, 2, 3, 4, 5}), origin, path4(65001)), nil)),
		reset("IPv6 withdrawn exceeds the field", 9, ReasonNLRI, attrMPUnreach, external, body(nil, unreach(bgp.IPv6, []byte{24, 1}), nil)),
		reset("MP_REACH of 4 octets", 9, ReasonLength, attrMPReach, external, mp(0, 2, 1, 0)),
		reset("MP_REACH of 3 octets", 9, ReasonLength, attrMPReach, external, mp(0, 1, 1)),
		reset("MP_UNREACH of 2 octets", 9, ReasonLength, attrMPUnreach, external, body(nil, attr(attrMPUnreach, 0, 2), nil)),
		reset("MP_REACH transitive", 9, ReasonFlags, attrMPReach, external, body(nil, attrFlags(0xc0, attrMPReach, 0, 2, 1, 0, 0), nil)),
		reset("MP_UNREACH well-known", 9, ReasonFlags, attrMPUnreach, external, body(nil, attrFlags(0x40, attrMPUnreach, 0, 2, 1), nil)),
		// Section 7.11.
		reset("next hop of 4 octets for IPv6", 9, ReasonNextHopLength, attrMPReach, external, mp(0, 2, 1, 4, 1, 1, 1, 1, 0)),
		reset("next hop of 24 octets", 9, ReasonNextHopLength, attrMPReach, external, mp(append([]byte{0, 2, 1, 24}, make([]byte, 25)...)...)),
		reset("next hop exceeds the attribute", 9, ReasonNextHopLength, attrMPReach, external, mp(0, 2, 1, 16, 0, 0)),
		reset("next hop fills the attribute", 9, ReasonNextHopLength, attrMPReach, external, mp(0, 1, 1, 4, 1, 1, 1, 1)),
		// Section 3 (g).
		reset("MP_REACH twice", 1, ReasonDuplicate, attrMPReach, external, body(nil, join(soundMP, reach(bgp.IPv6, hop6, nil)), nil)),
		reset("MP_UNREACH twice", 1, ReasonDuplicate, attrMPUnreach, external, body(nil, join(soundMPU, soundMPU), nil)),
		// RFC 4271 section 6.3.
		reset("unrecognized well-known attribute", 2, ReasonUnrecognized, 99, external, body(nil, join(sound, attrFlags(0x40, 99, 1)), route)),
		// Section 5.2: the first fault is the attribute's, the second the reset.
		{"attribute error without reachable NLRI", external, list, SessionReset, Fault{TreatAsWithdraw, ReasonLength, attrMED, 0}, "", "", 1},
		{"the same with withdrawn routes", external, body(other, join(sound, attr(attrMED, 1)), nil), SessionReset,
			Fault{TreatAsWithdraw, ReasonLength, attrMED, 0}, "", "", 1},
		{"only a discard without reachable NLRI", external, body(nil, join(sound, attr(attrAtomicAggregate, 1)), nil), AttributeDiscard,
			Fault{AttributeDiscard, ReasonLength, attrAtomicAggregate, 0}, "", "", 0},
	})
}

func TestKeptAndPassedOver(t *testing.T) {
	v4only := with(external, func(p *Params) { p.Families[bgp.IPv6] = false })
	v6only := with(external, func(p *Params) { p.Families[bgp.IPv4] = false })
	vpn := attr(attrMPReach, 0, 1, 128, 0, 0, 1, 2, 3)
	remark := func(r Reason, code uint8) Fault { return Fault{OK, r, code, 0} }
	confedPath := attr(attrASPath, join(segment(bgp.ConfedSequence, 4, 65001), segment(bgp.ASSequence, 4, 65002))...)
	setPath := attr(attrASPath, join(segment(bgp.ASSequence, 4, 65001), segment(bgp.ASSet, 4, 65002, 65003))...)
	runVerdicts(t, []verdictCase{
		{"confederation segments from outside", external, body(nil, join(origin, confedPath, nextHop), route), OK,
			remark(ReasonConfederation, attrASPath), theRoute, "", 0},
		{"confederation segments from inside", internal, body(nil, join(origin, confedPath, nextHop), route), OK, Fault{}, theRoute, "", 0},
		{"AS_SET", external, body(nil, join(origin, setPath, nextHop), route), OK, remark(ReasonASSet, attrASPath), theRoute, "", 0},
		{"AS_CONFED_SET from inside", internal, body(nil, join(origin, attr(attrASPath, segment(bgp.ConfedSet, 4, 65001)...), nextHop), route),
			OK, remark(ReasonASSet, attrASPath), theRoute, "", 0},
		{"IPv6 not negotiated", v4only, body(nil, join(soundMP, nextHop), route), OK, remark(ReasonFamily, attrMPReach), theRoute, "", 0},
		{"IPv6 not negotiated, withdrawn", v4only, body(nil, soundMPU, nil), OK, remark(ReasonFamily, attrMPUnreach), "", "", 0},
		{"IPv4 not negotiated", v6only, body(other, join(soundMP, nextHop), route), OK, remark(ReasonFamily, 0), route6, "", 0},
		{"VPN routes", external, body(nil, join(vpn, origin, path4(65001)), nil), OK, remark(ReasonFamily, attrMPReach), "", "", 0},
		{"VPN routes with a bad attribute", external, body(nil, join(vpn, attr(attrOrigin, 9), path4(65001)), nil), TreatAsWithdraw,
			remark(ReasonFamily, attrMPReach), "", "", 0},
		{"bad attribute with IPv4 not negotiated", v6only, body(nil, join(attr(attrOrigin, 9), path4(65001), nextHop), route), TreatAsWithdraw,
			Fault{TreatAsWithdraw, ReasonValue, attrOrigin, 0}, "", "", 0},
		{"treated as withdrawn: all that was announced", external,
			body(other, join(soundMP, soundMPU, attr(attrMED)), route), TreatAsWithdraw, Fault{TreatAsWithdraw, ReasonLength, attrMED, 0}, "",
			"198.51.100.0/24 " + gone6 + " " + route6 + " " + theRoute, 0},
	})
}

func TestManyFaults(t *testing.T) {
	attrs := sound
	for range 3 * maxFaults {
		attrs = join(attrs, origin)
	}
	var u Update
	if v := external.Scan(body(nil, join(attrs, attr(attrMED)), route), &u); v != TreatAsWithdraw || len(u.Faults()) != maxFaults {
		t.Errorf("verdict %v with %d faults", v, len(u.Faults()))
	}
	external.Scan(body(nil, join(attrs, attrFlags(0x40, 99)), route), &u)
	last := u.Faults()[len(u.Faults())-1]
	if len(u.Faults()) != maxFaults || last.Reason != ReasonUnrecognized {
		t.Errorf("the reset is not the last of %d faults: %v", len(u.Faults()), last)
	}
}

func TestUpdateIsReused(t *testing.T) {
	var u Update
	external.Scan(body(nil, join(attrFlags(0x40, 99)), nil), &u)
	if v := external.Scan(body(nil, sound, route), &u); v != OK || u.Err() != nil || len(u.Faults()) != 0 || routes(u.Announced) != theRoute {
		t.Errorf("something is left of the message before: %v %v %v", v, u.Err(), u.Faults())
	}
}

func TestEndOfRIB(t *testing.T) {
	v4only := with(external, func(p *Params) { p.Families[bgp.IPv6] = false })
	for _, c := range []struct {
		name   string
		params Params
		body   []byte
		family bgp.Family
		ok     bool
	}{
		{"IPv4", external, AppendEndOfRIB(nil, bgp.IPv4)[HeaderLen:], bgp.IPv4, true},
		{"IPv6", external, AppendEndOfRIB(nil, bgp.IPv6)[HeaderLen:], bgp.IPv6, true},
		{"IPv4 by MP_UNREACH", external, body(nil, unreach(bgp.IPv4, nil), nil), bgp.IPv4, true},
		{"IPv6, not negotiated", v4only, AppendEndOfRIB(nil, bgp.IPv6)[HeaderLen:], 0, false},
		{"VPN", external, body(nil, attr(attrMPUnreach, 0, 1, 128), nil), 0, false},
		{"withdrawn", external, body(other, nil, nil), 0, false},
		{"IPv6 withdrawn", external, body(nil, soundMPU, nil), 0, false},
		{"IPv4 withdrawn with an empty MP_UNREACH", external, body(other, unreach(bgp.IPv6, nil), nil), 0, false},
		{"with an attribute", external, body(nil, join(unreach(bgp.IPv6, nil), origin), nil), 0, false},
		{"attributes only", external, body(nil, sound, nil), 0, false},
		{"broken list", external, body(nil, []byte{0x80}, route), 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var u Update
			c.params.Scan(c.body, &u)
			if f, ok := u.EndOfRIB(); ok != c.ok || ok && f != c.family {
				t.Errorf("End-of-RIB %v %v, want %v %v", f, ok, c.family, c.ok)
			}
		})
	}
}

func TestFaultText(t *testing.T) {
	for want, f := range map[string]Fault{
		"byte 23: MULTI_EXIT_DISC: wrong attribute length: treat as withdraw":    {TreatAsWithdraw, ReasonLength, attrMED, 23},
		"byte 4: attribute 99: unrecognized well-known attribute: session reset": {SessionReset, ReasonUnrecognized, 99, 4},
		"byte 2: incorrect NLRI: session reset":                                  {SessionReset, ReasonNLRI, 0, 2},
	} {
		if got := f.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for r := ReasonSections; r <= ReasonFamily; r++ {
		if r.String() == "" {
			t.Errorf("reason %d has no text", r)
		}
	}
}
