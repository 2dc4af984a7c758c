package detect_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"peervane/bgp"
	"peervane/bgp/detect"
	"peervane/bgp/rpki"
)

func onlyToCustomer(asn uint32) option {
	return func(s *bgp.Seen) { s.Attrs.OTC, s.Attrs.HasOTC = asn, true }
}

// relate makes relationships known, in CAIDA's form: "PROVIDER|CUSTOMER|-1 PEER|PEER|0".
func (l *lab) relate(text string) {
	var links []detect.Link
	for _, word := range strings.Fields(text) {
		var k detect.Link
		var kind int
		if _, err := fmt.Sscanf(word, "%d|%d|%d", &k.A, &k.B, &kind); err != nil {
			l.t.Fatalf("%s: %v", word, err)
		}
		k.Peers = kind == 0
		links = append(links, k)
	}
	l.settings.Relationships = detect.NewRelationships(links)
}

// attest gives ASPAs: "CUSTOMER:PROVIDER,PROVIDER".
func (l *lab) attest(list string) {
	var aspas []rpki.ASPA
	for _, word := range strings.Fields(list) {
		customer, providers, _ := strings.Cut(word, ":")
		aspa := rpki.ASPA{Customer: parseASN(customer)}
		for _, p := range strings.Split(providers, ",") {
			aspa.Providers = append(aspa.Providers, parseASN(p))
		}
		aspas = append(aspas, aspa)
	}
	l.settings.RPKI = rpki.NewSet(nil, aspas)
}

// leaks shows each route_leak: the leaker, the type of RFC 7908, and the methods.
func leaks(findings []bgp.Finding) []string {
	out := []string{}
	for _, f := range findings {
		if f.Type == "route_leak" {
			out = append(out, fmt.Sprintf("AS%d type %d by %s", f.Culprit, f.LeakType, strings.Join(f.Methods, " ")))
		}
	}
	return out
}

// session announces a path over a session with AS64500, an internal one with our own ASN, or at a collector.
func (l *lab) session(r bgp.Relationship, path string, opts ...option) {
	var s *site
	switch r {
	case bgp.Collector:
		s = l.collector("rrc00", 64500)
	case bgp.Internal:
		s = l.peer("core", ourASN, r)
	default:
		s = l.peer("e1", 64500, r)
	}
	l.announce(s, exact, path, opts...)
}

type leakCase struct {
	sentence string
	setup    func(*lab)
	session  bgp.Relationship
	path     string
	option   option
	want     string // empty: no leak
}

func checkLeaks(t *testing.T, cases []leakCase) {
	t.Helper()
	for _, c := range cases {
		l := newLab(t)
		l.settings.Tier1 = detect.Tier1(nil)
		l.reg.Policy.AnyOrigin = true
		if c.setup != nil {
			c.setup(l)
		}
		if c.option == nil {
			c.option = func(*bgp.Seen) {}
		}
		l.session(c.session, c.path, c.option)
		var want []string
		if c.want != "" {
			want = []string{c.want}
		}
		if got := leaks(l.judge()); !slices.Equal(got, want) {
			t.Errorf("%s (%s, %s)\n got %q\nwant %q", c.sentence, c.session, c.path, got, want)
		}
	}
}

// hill is a small Internet: 64510 and 64520 are peers at the top; 64501 is a customer of both, and peers with 64530 and
// 64540, whose provider is 64520.
const hill = "64510|64520|0 64510|64501|-1 64520|64501|-1 64501|64530|0 64501|64540|0 64520|64530|-1 64520|64540|-1 64520|64496|-1 64530|64497|-1"

// RFC 7908 section 3, each type as a topology with its leaker.
func TestLeaksOfEachType(t *testing.T) {
	known := func(l *lab) { l.relate(hill) }
	checkLeaks(t, []leakCase{
		{"3.1 hairpin turn with full prefix", known, bgp.Collector, "64510 64501 64520 64496", nil, "AS64501 type 1 by relationships"},
		{"3.2 lateral ISP-ISP-ISP leak", known, bgp.Collector, "64540 64501 64530 64497", nil, "AS64501 type 2 by relationships"},
		{"3.3 leak of transit-provider prefixes to peer", known, bgp.Collector, "64530 64501 64510 64520 64496", nil, "AS64501 type 3 by relationships"},
		{"3.4 leak of peer prefixes to transit provider", known, bgp.Collector, "64510 64501 64530 64497", nil, "AS64501 type 4 by relationships"},
		{"up, once sideways, and down", known, bgp.Collector, "64530 64520 64510 64501", nil, ""},
		{"up and down", known, bgp.Collector, "64530 64520 64496", nil, ""},
	})
}

func TestRelationshipsRules(t *testing.T) {
	known := func(more string) func(*lab) { return func(l *lab) { l.relate(hill + " " + more) } }
	hairpin := "64510 64501 64520 64496"
	checkLeaks(t, []leakCase{
		{"no data says nothing", nil, bgp.Collector, hairpin, nil, ""},
		{"both edges must be known", func(l *lab) { l.relate("64510|64501|-1") }, bgp.Collector, hairpin, nil, ""},
		{"and meet", known(""), bgp.Collector, "64510 64501 64999 64501 64520 64496", nil, ""},
		{"adjacent repeats are one", known(""), bgp.Collector, "64510 64501 64501 64501 64520 64496", nil, "AS64501 type 1 by relationships"},
		{"confederations go", known(""), bgp.Collector, "64510 (65001 65002) 64501 64520 64496", nil, "AS64501 type 1 by relationships"},
		{"an AS_SET proves nothing", known(""), bgp.Collector, "64510 64501 {64520,64521} 64496", nil, ""},
		{"a set of one is an AS", known(""), bgp.Collector, "64510 64501 {64520} 64496", nil, "AS64501 type 1 by relationships"},
		{"AS_TRANS proves nothing", known("64510|23456|-1 64520|23456|-1"), bgp.Collector, "64510 23456 64520 64496", nil, ""},
		{"who puts others behind himself has leaked nothing", known(""), bgp.Collector, "64510 64501 64520 64501", nil, ""},
		{"siblings are transparent: one network passes on what it has", func(l *lab) {
			l.relate("64510|64501|-1 64520|64502|-1")
			l.settings.Siblings = map[uint32]uint32{64501: 64501, 64502: 64501}
		}, bgp.Collector, "64510 64501 64502 64520 64496", nil, "AS64501 type 1 by relationships"},
		{"siblings are transparent: to a sibling one may give anything", func(l *lab) {
			l.relate(hill)
			l.settings.Siblings = map[uint32]uint32{64501: 64501, 64510: 64501}
		}, bgp.Collector, hairpin, nil, ""},
		{"route servers are transparent", func(l *lab) {
			l.relate(hill)
			l.settings.RouteServers = map[uint32]bool{64777: true}
		}, bgp.Collector, "64530 64777 64501 64520 64496", nil, "AS64501 type 3 by relationships"},
		{"a route server between repeats", func(l *lab) {
			l.relate(hill)
			l.settings.RouteServers = map[uint32]bool{64777: true}
		}, bgp.Collector, "64510 64501 64777 64501 64520 64496", nil, "AS64501 type 1 by relationships"},
		{"of two leaks the first is told", known("64510|64502|-1 64599|64502|-1"), bgp.Collector, "64599 64502 64510 64501 64520 64496", nil, "AS64501 type 1 by relationships"},

		{"what the neighbour is to us is known: a customer", known("64520|64500|-1"), bgp.Customer, "64500 64520 64496", nil, "AS64500 type 1 by relationships"},
		{"a peer", known("64520|64500|-1"), bgp.Peer, "64500 64520 64496", nil, "AS64500 type 3 by relationships"},
		{"a client of our route server, with the route of a peer", known("64520|64500|0"), bgp.RSClient, "64500 64520 64496", nil, "AS64500 type 2 by relationships"},
		{"a client of a route server that does not name itself", known(""), bgp.RouteServer, "64501 64520 64496", nil, "AS64501 type 3 by relationships"},
		{"nor does it count where it names itself", known(""), bgp.RouteServer, "64500 64501 64520 64496", nil, "AS64501 type 3 by relationships"},
		{"a provider may give us anything", known("64520|64500|-1"), bgp.Provider, "64500 64520 64496", nil, ""},
		{"an internal peer: what the first external AS is to us, [[neighbour]] says", func(l *lab) {
			l.relate(hill)
			l.settings.Neighbours = map[uint32]bgp.Relationship{64501: bgp.Customer}
		}, bgp.Internal, "64512 64501 64520 64496", nil, "AS64501 type 1 by relationships"},
		{"unlisted: nothing is known of that edge", known(""), bgp.Internal, "64501 64520 64496", nil, ""},
		{"a neighbour that does not name itself has passed the route on", known("64501|64500|-1"), bgp.Customer, "64501 64520 64496", nil, "AS64500 type 1 by relationships"},
	})
}

// RFC 9234 section 5, ingress, for every role: the left column is what the neighbour is to us.
func TestOTCOverAllRoles(t *testing.T) {
	const none, remote, other, ours = 0, 64500, 64520, ourASN
	leakedBy := map[bgp.Relationship][]uint32{
		bgp.Customer:    {remote, other, ours},
		bgp.RSClient:    {remote, other, ours},
		bgp.Peer:        {other, ours},
		bgp.Provider:    nil,
		bgp.RouteServer: nil,
		bgp.Collector:   nil,
		bgp.Internal:    nil, // of an AS that no [[neighbour]] names
	}
	var cases []leakCase
	for session := range leakedBy {
		for _, otc := range []uint32{none, remote, other, ours} {
			// The wire knows no OTC of none: then there is no attribute.
			c := leakCase{sentence: fmt.Sprintf("OTC %d", otc), session: session, path: "64500 64520 64496"}
			if otc != none {
				c.option = onlyToCustomer(otc)
			}
			if slices.Contains(leakedBy[session], otc) {
				c.want = "AS64500 type 1 by otc"
				if session != bgp.Customer {
					c.want = "AS64500 type 3 by otc"
				}
			}
			cases = append(cases, c)
		}
	}
	for is, marks := range leakedBy { // the same behind an internal peer
		if is == bgp.Collector || is == bgp.Internal {
			continue
		}
		for _, otc := range []uint32{remote, other, ours} {
			c := leakCase{
				sentence: fmt.Sprintf("OTC %d behind an internal peer: %s", otc, is), session: bgp.Internal, path: "64500 64520 64496",
				setup:  func(l *lab) { l.settings.Neighbours = map[uint32]bgp.Relationship{64500: is} },
				option: onlyToCustomer(otc),
			}
			if slices.Contains(marks, otc) {
				c.want = "AS64500 type 1 by otc"
				if is != bgp.Customer {
					c.want = "AS64500 type 3 by otc"
				}
			}
			cases = append(cases, c)
		}
	}
	checkLeaks(t, cases)
}

func TestOTCNamesTheLeaker(t *testing.T) {
	marked := onlyToCustomer(64520)
	checkLeaks(t, []leakCase{
		{"the neighbour sends what it must not", nil, bgp.Customer, "64500 64501 64520 64496", marked, "AS64500 type 1 by otc"},
		{"unless it is known to have it from a customer", func(l *lab) { l.relate("64500|64501|-1") }, bgp.Customer,
			"64500 64501 64520 64496", marked, "AS64501 type 1 by otc"},
		{"nobody right of the mark can be it", func(l *lab) { l.relate("64500|64520|-1") }, bgp.Customer,
			"64500 64520 64530 64496", marked, "AS64500 type 1 by otc"},
		{"the mark of an AS that is not in the path", nil, bgp.Customer, "64500 64501 64496", marked, "AS64500 type 1 by otc"},
		{"a customer that takes us for its own", nil, bgp.Customer, "64500", onlyToCustomer(64500), "AS64500 type 0 by otc"},
		{"a route of a peer", func(l *lab) { l.relate("64500|64520|0") }, bgp.Customer, "64500 64520 64496", marked, "AS64500 type 4 by otc relationships"},
	})
}

func TestASPARules(t *testing.T) {
	attested := func(list string) func(*lab) { return func(l *lab) { l.attest(list) } }
	checkLeaks(t, []leakCase{
		{"no data says nothing", nil, bgp.Customer, "64500 64520 64496", nil, ""},
		{"upstream, from a customer", attested("64520:64510"), bgp.Customer, "64500 64520 64496", nil, "AS64500 type 1 by aspa"},
		{"and from a peer", attested("64520:64510"), bgp.Peer, "64500 64520 64496", nil, "AS64500 type 3 by aspa"},
		{"the same from a provider is fine", attested("64520:64510"), bgp.Provider, "64500 64520 64496", nil, ""},
		{"downstream, from a provider: a valley", attested("64520:64510 64500:64599"), bgp.Provider, "64500 64501 64520 64496", nil, "AS64501 type 1 by aspa"},
		{"collectors: the lenient procedure", attested("64520:64510 64500:64599"), bgp.Collector, "64500 64501 64520 64496", nil, "AS64501 type 1 by aspa"},
		{"collectors: what is invalid upstream only says nothing", attested("64520:64510"), bgp.Collector, "64500 64520 64496", nil, ""},
		{"an internal peer: by the first external AS", func(l *lab) {
			l.attest("64520:64510")
			l.settings.Neighbours = map[uint32]bgp.Relationship{64500: bgp.Customer}
		}, bgp.Internal, "64512 64500 64520 64496", nil, "AS64500 type 1 by aspa"},
		{"unlisted = cannot judge", attested("64520:64510"), bgp.Internal, "64500 64520 64496", nil, ""},
		{"an AS_SET is invalid, and no leak", attested("64520:64510"), bgp.Customer, "64500 64520 {64496,64497}", nil, ""},
		{"the leaker's own attestation tells the type", attested("64520:64510 64500:64510"), bgp.Peer, "64500 64520 64496", nil, "AS64500 type 2 by aspa"},
	})
}

func TestTier1Rules(t *testing.T) {
	checkLeaks(t, []leakCase{
		{"a tier-1 AS, then one that is none, then a tier-1 again", nil, bgp.Collector, "3356 64501 1299 64496", nil, "AS64501 type 1 by tier1"},
		{"then one or more: the nearest", nil, bgp.Collector, "3356 64501 64502 1299 64496", nil, "AS64501 type 1 by tier1"},
		{"unless it is known to have it from a customer", func(l *lab) { l.relate("64501|64502|-1") }, bgp.Collector,
			"3356 64501 64502 1299 64496", nil, "AS64502 type 1 by tier1"},
		{"or the other is known to have given it to one", func(l *lab) { l.relate("64502|64501|-1") }, bgp.Collector,
			"3356 64501 64502 1299 64496", nil, "AS64501 type 1 by tier1"},
		{"tier-1 networks side by side", nil, bgp.Collector, "3356 1299 174 64496", nil, ""},
		{"and at the ends of it", nil, bgp.Collector, "64510 3356 1299 64501 64496", nil, ""},
		{"of one company: its own networks between", nil, bgp.Collector, "209 64501 3356 64496", nil, ""},
		{"its affiliates are no leakers", nil, bgp.Collector, "3356 3549 1299 64496", nil, ""},
		{"who stands before them is", nil, bgp.Collector, "286 64501 3549 1299 64496", nil, "AS64501 type 1 by tier1"},
		{"and they prove nothing", nil, bgp.Collector, "286 64501 3549 64496", nil, ""},
		{"a poisoned path: what stands right of an AS that comes again is cut first", nil, bgp.Collector, "3356 64496 1299 64496", nil, ""},
		{"tier1 replaces the list", func(l *lab) { l.settings.Tier1 = detect.Tier1([]uint32{64510, 64520}) }, bgp.Collector,
			"64510 64501 64520 64496", nil, "AS64501 type 1 by tier1"},
		{"so that nothing else is one", func(l *lab) { l.settings.Tier1 = detect.Tier1([]uint32{64510}) }, bgp.Collector, "3356 64501 1299 64496", nil, ""},
		{"route servers are transparent", func(l *lab) { l.settings.RouteServers = map[uint32]bool{64501: true} }, bgp.Collector, "3356 64501 1299 64496", nil, ""},
	})
}

func TestPeerlockRules(t *testing.T) {
	protect := func(upstreams ...uint32) func(*lab) {
		return func(l *lab) { l.settings.Peerlock = map[uint32][]uint32{64510: upstreams} }
	}
	checkLeaks(t, []leakCase{
		{"a protected AS, not learnt from it", protect(), bgp.Peer, "64500 64510 64496", nil, "AS64500 type 3 by peerlock"},
		{"anywhere in the path", protect(), bgp.Customer, "64500 64501 64510 64496", nil, "AS64500 type 1 by peerlock"},
		{"learnt from its allowed upstreams", protect(64500), bgp.Peer, "64500 64510 64496", nil, ""},
		{"learnt from another", protect(64501), bgp.Peer, "64500 64501 64510 64496", nil, "AS64500 type 3 by peerlock"},
		{"over a route server from itself", protect(), bgp.RouteServer, "64510 64496", nil, ""},
		{"over a route server from another", protect(), bgp.RouteServer, "64501 64510 64496", nil, "AS64501 type 3 by peerlock"},
		{"who leaves his own name out has not learnt it from there", protect(), bgp.Peer, "64510 64496", nil, "AS64500 type 3 by peerlock"},
		{"silent on collectors", protect(64599), bgp.Collector, "64500 64510 64496", nil, ""},
		{"silent on providers", protect(), bgp.Provider, "64500 64510 64496", nil, ""},
		{"unless upstreams are listed", protect(64599), bgp.Provider, "64500 64510 64496", nil, "AS64500 type 1 by peerlock"},
		{"and on internal peers, likewise", protect(), bgp.Internal, "64500 64510 64496", nil, ""},
		{"it is no upstream of the first external AS", protect(64599), bgp.Internal, "64512 64500 64510 64496", nil, "AS64500 type 1 by peerlock"},
		{"a customer of ours behind them", func(l *lab) {
			protect()(l)
			l.settings.Neighbours = map[uint32]bgp.Relationship{64500: bgp.Customer}
		}, bgp.Internal, "64512 64500 64510 64496", nil, "AS64500 type 1 by peerlock"},
	})
}

func TestRoleRules(t *testing.T) {
	checkLeaks(t, []leakCase{
		{"a customer session carries a tier-1 AS", nil, bgp.Customer, "64500 3356 64496", nil, "AS64500 type 1 by role"},
		{"a peer session", nil, bgp.Peer, "64500 64501 3356 64496", nil, "AS64500 type 3 by role"},
		{"the neighbour itself excepted", func(l *lab) { l.settings.Tier1 = detect.Tier1([]uint32{64500}) }, bgp.Peer, "64500 64501 64496", nil, ""},
		{"the other ASNs of its company too", func(l *lab) { l.settings.Tier1 = map[uint32]detect.Tier1AS{64500: {Company: 1}, 64501: {Company: 1}} }, bgp.Peer, "64500 64501 64496", nil, ""},
		{"an affiliate of one proves nothing", nil, bgp.Customer, "64500 3549 64496", nil, ""},
		{"another tier-1 of a tier-1 that is our peer", func(l *lab) { l.settings.Tier1 = detect.Tier1([]uint32{64500, 3356}) }, bgp.Peer, "64500 3356 64496", nil, "AS64500 type 3 by role"},
		{"of providers it says nothing", nil, bgp.Provider, "64500 3356 64496", nil, ""},
		{"nor of route servers", nil, bgp.RouteServer, "64501 3356 64496", nil, ""},
		{"nor at collectors", nil, bgp.Collector, "64500 3356 64496", nil, ""},
		{"an internal peer: by the first external AS", func(l *lab) {
			l.settings.Neighbours = map[uint32]bgp.Relationship{64500: bgp.Peer}
		}, bgp.Internal, "64500 3356 64496", nil, "AS64500 type 3 by role"},
		{"unlisted = cannot judge", nil, bgp.Internal, "64500 3356 64496", nil, ""},
	})
}

func TestNoExportRules(t *testing.T) {
	wanted := func(l *lab) { l.reg.Policy.NoExport = true }
	checkLeaks(t, []leakCase{
		{"the cleaned path has three ASNs or more", wanted, bgp.Provider, "64500 64501 64496", nil, "AS64501 type 0 by no_export"},
		{"the AS next to the origin gave it away", wanted, bgp.Collector, "64500 64502 64501 64501 64496 64496", nil, "AS64501 type 0 by no_export"},
		{"two are the neighbour and the origin", wanted, bgp.Provider, "64500 64500 64496 64496", nil, ""},
		{"our own ASN at the head of an internal route is none", wanted, bgp.Internal, "64512 64500 64496", nil, ""},
		{"only where it is wanted", nil, bgp.Provider, "64500 64501 64496", nil, ""},
		{"a received NO_EXPORT is no leak", nil, bgp.Provider, "64500 64501 64496", community(bgp.NoExport), ""},
		{"the type, where the relationships tell", func(l *lab) {
			wanted(l)
			l.relate("64501|64496|0 64500|64501|-1")
		}, bgp.Collector, "64500 64501 64496", nil, "AS64501 type 4 by no_export relationships"},
	})
}
