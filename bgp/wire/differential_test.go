package wire

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	gobgp "github.com/osrg/gobgp/v3/pkg/packet/bgp"

	"peervane/bgp"
)

// gobgpUpdate is gobgp's reading of an UPDATE, or why there is none. It panics on some.
func gobgpUpdate(p Params, b []byte) (update *gobgp.BGPUpdate, err error) {
	options := &gobgp.MarshallingOption{AddPath: make(map[gobgp.RouteFamily]gobgp.BGPAddPathMode)}
	for _, f := range bgp.Families {
		if p.AddPath[f] {
			options.AddPath[routeFamily(f)] = gobgp.BGP_ADD_PATH_BOTH
		}
	}
	err = guard(func() error {
		message, err := gobgp.ParseBGPBody(&gobgp.BGPHeader{Type: gobgp.BGP_MSG_UPDATE, Len: uint16(len(b) + HeaderLen)}, b, options)
		if err != nil {
			return err
		}
		update = message.Body.(*gobgp.BGPUpdate)
		_, err = message.Body.Serialize(options)
		return err
	})
	return update, err
}

// handled says whether gobgp found only attributes and families that are read here, each once: of the rest the two
// readings cannot be compared.
func handled(update *gobgp.BGPUpdate) bool {
	seen := make(map[gobgp.BGPAttrType]bool)
	for _, attr := range update.PathAttributes {
		code := attr.GetType()
		if seen[code] || int(code) >= attributes || attributeRules[code].flags == 0 {
			return false
		}
		seen[code] = true
		switch a := attr.(type) {
		case *gobgp.PathAttributeMpReachNLRI:
			if _, ok := familyOf(a.AFI, a.SAFI); !ok {
				return false
			}
		case *gobgp.PathAttributeMpUnreachNLRI:
			if _, ok := familyOf(a.AFI, a.SAFI); !ok {
				return false
			}
		}
	}
	return true
}

// gobgpRoutes lists what gobgp read, in wire order.
func gobgpRoutes(update *gobgp.BGPUpdate) (announced, withdrawn []NLRI) {
	for _, p := range update.WithdrawnRoutes {
		withdrawn = append(withdrawn, gobgpNLRI(p))
	}
	for _, attr := range update.PathAttributes {
		switch a := attr.(type) {
		case *gobgp.PathAttributeMpReachNLRI:
			for _, p := range a.Value {
				announced = append(announced, gobgpNLRI(p))
			}
		case *gobgp.PathAttributeMpUnreachNLRI:
			for _, p := range a.Value {
				withdrawn = append(withdrawn, gobgpNLRI(p))
			}
		}
	}
	for _, p := range update.NLRI {
		announced = append(announced, gobgpNLRI(p))
	}
	return announced, withdrawn
}

func gobgpNLRI(p gobgp.AddrPrefixInterface) NLRI {
	var prefix net.IP
	var bits uint8
	switch p := p.(type) {
	case *gobgp.IPAddrPrefix:
		prefix, bits = p.Prefix.To4(), p.Length
	case *gobgp.IPv6AddrPrefix:
		prefix, bits = p.Prefix.To16(), p.Length
	}
	addr, _ := netip.AddrFromSlice(prefix)
	return NLRI{Prefix: netip.PrefixFrom(addr, int(bits)).Masked(), PathID: p.PathIdentifier()}
}

// gobgpFacts says what gobgp read of each attribute, in the words of ourFacts.
func gobgpFacts(update *gobgp.BGPUpdate) map[uint8]string {
	facts := make(map[uint8]string)
	for _, attr := range update.PathAttributes {
		if fact := gobgpFact(attr); fact != "" {
			facts[uint8(attr.GetType())] = fact
		}
	}
	return facts
}

// gobgpFact leaves out extended communities, of which gobgp keeps only the bits that it knows.
func gobgpFact(attr gobgp.PathAttributeInterface) string {
	switch a := attr.(type) {
	case *gobgp.PathAttributeOrigin:
		return fmt.Sprint(a.Value)
	case *gobgp.PathAttributeAsPath:
		return "path " + gobgp.AsPathString(a)
	case *gobgp.PathAttributeNextHop:
		return a.Value.String()
	case *gobgp.PathAttributeMultiExitDisc:
		return fmt.Sprint(a.Value)
	case *gobgp.PathAttributeLocalPref:
		return fmt.Sprint(a.Value)
	case *gobgp.PathAttributeAtomicAggregate:
		return "true"
	case *gobgp.PathAttributeAggregator:
		return fmt.Sprint(a.Value.AS, a.Value.Address)
	case *gobgp.PathAttributeCommunities:
		return fmt.Sprint(a.Value)
	case *gobgp.PathAttributeOriginatorId:
		return a.Value.String()
	case *gobgp.PathAttributeClusterList:
		return fmt.Sprint(a.Value)
	case *gobgp.PathAttributeLargeCommunities:
		var list []bgp.LargeCommunity // gobgp keeps repeats
		for _, c := range a.Values {
			list = append(list, bgp.LargeCommunity{Global: c.ASN, Local1: c.LocalData1, Local2: c.LocalData2})
		}
		return fmt.Sprint(distinct(list))
	case *gobgp.PathAttributeUnknown:
		return fmt.Sprintf("%x", a.Value)
	}
	return ""
}

// ourFacts says what Attrs gives of each attribute that was kept, in the words of gobgpFacts.
func ourFacts(u *Update, f bgp.Family) map[uint8]string {
	a, facts := u.Attrs(f), make(map[uint8]string)
	all := map[uint8]func() string{
		attrOrigin:  func() string { return fmt.Sprint(uint8(a.Origin)) },
		attrASPath:  func() string { return "path " + a.Path.String() },
		attrNextHop: func() string { return addrOf(u.value(attrNextHop)).String() },

		attrMED:              func() string { return fmt.Sprint(a.MED) },
		attrLocalPref:        func() string { return fmt.Sprint(a.LocalPref) },
		attrAtomicAggregate:  func() string { return fmt.Sprint(a.AtomicAggregate) },
		attrAggregator:       func() string { return fmt.Sprint(a.Aggregator.ASN, a.Aggregator.Addr) },
		attrCommunities:      func() string { return fmt.Sprint(numbers(a.Communities)) },
		attrOriginatorID:     func() string { return a.OriginatorID.String() },
		attrClusterList:      func() string { return fmt.Sprint(a.ClusterList) },
		attrLargeCommunities: func() string { return fmt.Sprint(a.LargeCommunities) },
		attrOTC:              func() string { return fmt.Sprintf("%08x", a.OTC) },
	}
	for code, fact := range all {
		if u.keeps(code) {
			facts[code] = fact()
		}
	}
	return facts
}

// difference is a fault of an attribute; 0 stands for any attribute.
type difference struct {
	reason Reason
	attr   uint8
}

// theyAccept are faults that gobgp's parser lets pass. Its server looks for some of them later.
var theyAccept = map[difference]string{
	{ReasonMissing, 0}:                   "mandatory attributes are its validator's concern",
	{ReasonNothingReached, 0}:            "it does not know RFC 7606 section 5.2",
	{ReasonASZero, attrASPath}:           "it does not know RFC 7607",
	{ReasonSegment, attrASPath}:          "it guesses how wide ASNs are",
	{ReasonValue, attrOrigin}:            "the value of ORIGIN is its validator's concern",
	{ReasonLength, attrNextHop}:          "it takes IPv6 addresses in NEXT_HOP",
	{ReasonLength, attrCommunities}:      "it takes an empty list, against RFC 7606 section 4",
	{ReasonLength, attrExtCommunities}:   "the same",
	{ReasonLength, attrLargeCommunities}: "the same",
	{ReasonLength, attrClusterList}:      "the same",
	{ReasonFlags, attrOTC}:               "it does not know RFC 9234",
	{ReasonLength, attrOTC}:              "it does not know RFC 9234",
	{ReasonNextHopLength, attrMPReach}:   "it takes IPv4 next hops for IPv6, and none at all",
}

// FuzzUpdateDifferential holds the scanner against gobgp's parser: what both accept must read the same, and where one
// refuses what the other accepts, the reason must be known.
func FuzzUpdateDifferential(f *testing.F) {
	for _, b := range seedUpdates() {
		for _, mode := range []byte{0, modeAS4, modeAS4 | modeIBGP, modeAS4 | modeAddPath4 | modeAddPath6} {
			f.Add(mode, b)
		}
	}
	var u Update
	f.Fuzz(func(t *testing.T, mode byte, b []byte) {
		p := paramsFor(mode &^ modeWithout6)
		v := p.Scan(b, &u)
		update, err := gobgpUpdate(p, b)
		agree(t, &u, v, update, err)
	})
}

// agree demands the same reading of an UPDATE, or a known reason for another.
func agree(t *testing.T, u *Update, v Verdict, update *gobgp.BGPUpdate, err error) {
	switch {
	case err != nil && v <= AttributeDiscard:
		explainOurs(t, u, err)
	case err == nil && handled(update) && v > AttributeDiscard:
		explainTheirs(t, u, update)
	case err == nil && handled(update):
		compare(t, u, update)
	}
}

// explainOurs knows why gobgp may refuse, or panic over, what is accepted here.
func explainOurs(t *testing.T, u *Update, err error) {
	handledHere := slices.ContainsFunc(u.Faults(), func(f Fault) bool {
		return f.Reason != ReasonASSet && f.Reason != ReasonConfederation
	})
	switch text := err.Error(); {
	case handledHere: // the fault was seen: an attribute was discarded, or a family passed over
	case u.keeps(attrExtCommunities): // it refuses kinds of extended communities that it knows in part
	case unread(u): // it has its own opinion of attributes that are not read here
	case strings.Contains(text, "must have partial bit 0"): // RFC 7606 section 3 (c) judges two bits, this is not one of them
	case strings.Contains(text, "flags are invalid"): // unused bits, which RFC 4271 section 4.3 says to ignore
	default:
		t.Errorf("gobgp refuses what we accept: %v; faults %v", err, u.Faults())
	}
}

// unread says whether an attribute came that is passed over unread.
func unread(u *Update) bool {
	for code := range 256 {
		if u.has(uint8(code)) && (code >= attributes || attributeRules[code].flags == 0) {
			return true
		}
	}
	return false
}

func explainTheirs(t *testing.T, u *Update, update *gobgp.BGPUpdate) {
	for _, fault := range u.Faults() {
		known := theyAccept[difference{fault.Reason, fault.Attr}] + theyAccept[difference{fault.Reason, 0}]
		if fault.Verdict > AttributeDiscard && known == "" {
			t.Errorf("gobgp accepts what we refuse: %v", fault)
		}
	}
}

// compare demands the same routes and attributes.
func compare(t *testing.T, u *Update, update *gobgp.BGPUpdate) {
	announced, withdrawn := gobgpRoutes(update)
	if got := slices.Collect(u.Announced); !slices.Equal(got, announced) {
		t.Errorf("announced %v, gobgp %v", got, announced)
	}
	if got := slices.Collect(u.Withdrawn); !slices.Equal(got, withdrawn) {
		t.Errorf("withdrawn %v, gobgp %v", got, withdrawn)
	}
	compareNextHops(t, u, update)
	ours, theirs := ourFacts(u, bgp.IPv4), gobgpFacts(update)
	leaveOut(u, update, ours, theirs)
	if len(u.Faults()) == maxFaults {
		return // discards may not be among them
	}
	for code := range uint8(attributes) {
		discarded := slices.ContainsFunc(u.Faults(), func(f Fault) bool { return f.Attr == code && f.Verdict == AttributeDiscard })
		if ours[code] != theirs[code] && !discarded {
			t.Errorf("%s: %q, gobgp %q", AttributeName(code), ours[code], theirs[code])
		}
	}
}

func compareNextHops(t *testing.T, u *Update, update *gobgp.BGPUpdate) {
	for _, attr := range update.PathAttributes {
		a, ok := attr.(*gobgp.PathAttributeMpReachNLRI)
		if !ok {
			continue
		}
		f, _ := familyOf(a.AFI, a.SAFI)
		want, _ := netip.AddrFromSlice(a.Nexthop)
		if got := u.Attrs(f).NextHop; got != want && len(update.NLRI) == 0 && !want.IsUnspecified() {
			t.Errorf("next hop of %v %v, gobgp %v", f, got, want)
		}
	}
}

// leaveOut removes what gobgp's parser leaves to others: it does not merge AS4_PATH and AS4_AGGREGATOR, and guesses how
// wide the ASNs of an AS_PATH are, which its caller is to know better.
func leaveOut(u *Update, update *gobgp.BGPUpdate, ours, theirs map[uint8]string) {
	if u.keeps(attrAS4Path) || guessedWidth(update) != 0 && guessedWidth(update) != u.width(attrASPath) {
		delete(ours, attrASPath)
		delete(theirs, attrASPath)
	}
	if u.keeps(attrAS4Aggregator) {
		delete(ours, attrAggregator)
		delete(theirs, attrAggregator)
	}
}

// guessedWidth is how wide gobgp took the ASNs of AS_PATH to be; 0 without any.
func guessedWidth(update *gobgp.BGPUpdate) int {
	for _, attr := range update.PathAttributes {
		path, ok := attr.(*gobgp.PathAttributeAsPath)
		if !ok || len(path.Value) == 0 {
			continue
		}
		if _, wide := path.Value[0].(*gobgp.As4PathParam); wide {
			return 4
		}
		return 2
	}
	return 0
}
