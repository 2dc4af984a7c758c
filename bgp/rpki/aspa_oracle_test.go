package rpki

import (
	"slices"
	"testing"

	"peervane/bgp"
	"pgregory.net/rapid"
)

// oracleState is the draft's principle (section 5.2) taken at its word, slowly: look for an apex. Behind it every hop
// must climb and before it every hop must descend; downstream, one hop at the apex may be anything. Valid if attestations
// prove some apex, Invalid if they leave none possible.
func oracleState(set *Set, path []uint32, downstream bool) State {
	sound := func(apex int, enough func(Authorization) bool) bool {
		for hop := 0; hop+1 < len(path); hop++ {
			switch {
			case downstream && hop == apex:
			case !downstream || hop < apex:
				if !enough(set.Authorized(path[hop], path[hop+1])) {
					return false
				}
			default:
				if !enough(set.Authorized(path[hop+1], path[hop])) {
					return false
				}
			}
		}
		return true
	}
	state := Invalid
	for apex := range path {
		if sound(apex, func(a Authorization) bool { return a == Provider }) {
			return Valid
		}
		if sound(apex, func(a Authorization) bool { return a != NotProvider }) {
			state = Unknown
		}
	}
	return state
}

// TestPathOracle draws paths of any shape, with siblings, repeats and AS 0, under any attestations.
func TestPathOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var aspas []ASPA
		for customer := uint32(1); customer <= 8; customer++ {
			if rapid.Bool().Draw(t, "attests") {
				aspas = append(aspas, ASPA{customer, rapid.SliceOfNDistinct(rapid.Uint32Range(0, 8), 0, 6, rapid.ID).Draw(t, "providers")})
			}
		}
		set := NewSet(nil, aspas)
		asPath := rapid.SliceOfN(rapid.Uint32Range(1, 8), 1, 9).Draw(t, "path")
		compressed := slices.Compact(slices.Clone(asPath))
		slices.Reverse(compressed)
		for _, relationship := range []bgp.Relationship{bgp.Customer, bgp.Peer, bgp.Provider, bgp.RSClient, bgp.RouteServer, bgp.Collector} {
			got := set.VerifyPath(bgp.Sequence(asPath...), Session{relationship, asPath[0]})
			want := oracleState(set, compressed, relationship == bgp.Provider || relationship == bgp.Collector)
			if got.State != want {
				t.Fatalf("from %v: %v is %v, want %v", relationship, asPath, got.State, want)
			}
			if (got.Leaker != 0) != (want == Invalid) || len(got.Suspects) > 0 && got.Suspects[0] != got.Leaker {
				t.Fatalf("from %v: %v is %v, leaked by %d of %v", relationship, asPath, got.State, got.Leaker, got.Suspects)
			}
		}
	})
}

// internet is a random topology whose relationships are known: a smaller number is never a customer of a larger one.
type internet struct {
	providers map[uint32][]uint32
	peers     map[uint32][]uint32
	ases      []uint32
}

func drawInternet(t *rapid.T) internet {
	n := uint32(rapid.IntRange(4, 16).Draw(t, "ases"))
	net := internet{map[uint32][]uint32{}, map[uint32][]uint32{}, nil}
	for as := uint32(1); as <= n; as++ {
		net.ases = append(net.ases, as)
		for other := uint32(1); other < as; other++ {
			switch rapid.SampledFrom([]string{"", "", "provider", "peer"}).Draw(t, "relation") {
			case "provider":
				net.providers[as] = append(net.providers[as], other)
			case "peer":
				net.peers[as] = append(net.peers[as], other)
				net.peers[other] = append(net.peers[other], as)
			}
		}
	}
	return net
}

// relation is what to is to from.
func (net internet) relation(from, to uint32) bgp.Relationship {
	switch {
	case slices.Contains(net.providers[from], to):
		return bgp.Provider
	case slices.Contains(net.providers[to], from):
		return bgp.Customer
	}
	return bgp.Peer
}

func (net internet) neighbours(as uint32) []uint32 {
	out := slices.Concat(net.providers[as], net.peers[as])
	for _, other := range net.ases {
		if slices.Contains(net.providers[other], as) {
			out = append(out, other)
		}
	}
	return out
}

// walk gives a random path, the origin first and the receiver last, and the index of the first AS that passed on what it
// must not, with the RFC 7908 type; 0 if nobody did.
func (net internet) walk(t *rapid.T) (path []uint32, leak, leakType int) {
	path = []uint32{rapid.SampledFrom(net.ases).Draw(t, "origin")}
	for range rapid.IntRange(1, 7).Draw(t, "hops") {
		next := slices.DeleteFunc(net.neighbours(path[len(path)-1]), func(as uint32) bool { return slices.Contains(path, as) })
		if len(next) == 0 {
			break
		}
		path = append(path, rapid.SampledFrom(next).Draw(t, "next"))
	}
	types := map[[2]bgp.Relationship]int{{bgp.Provider, bgp.Provider}: 1, {bgp.Peer, bgp.Peer}: 2, {bgp.Provider, bgp.Peer}: 3, {bgp.Peer, bgp.Provider}: 4}
	for i := 1; i+1 < len(path); i++ {
		had, gave := net.relation(path[i], path[i-1]), net.relation(path[i], path[i+1])
		if leak := types[[2]bgp.Relationship{had, gave}]; leak != 0 {
			return path, i, leak
		}
	}
	return path, 0, 0
}

func (net internet) attested(signs func(as uint32) bool) *Set {
	var aspas []ASPA
	for _, as := range net.ases {
		if signs(as) {
			aspas = append(aspas, ASPA{as, net.providers[as]})
		}
	}
	return NewSet(nil, aspas)
}

// TestRandomLeaks lets routes wander through random topologies: no path without a leak is ever Invalid, whoever signs;
// where all sign, every leak is found with its first leaker and its type; where some sign, one of the suspects leaked.
func TestRandomLeaks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		net := drawInternet(t)
		walk, leak, leakType := net.walk(t)
		if len(walk) < 2 {
			return
		}
		path, receiver := slices.Clone(walk[:len(walk)-1]), walk[len(walk)-1]
		slices.Reverse(path)
		from := Session{net.relation(receiver, path[0]), path[0]}
		all := net.attested(func(uint32) bool { return true }).VerifyPath(bgp.Sequence(path...), from)
		if leak == 0 && all.State != Valid {
			t.Fatalf("%v from a %v is %v: %+v", path, from.Relationship, all.State, all)
		}
		if leak != 0 && (all.State != Invalid || all.Leaker != walk[leak] || len(all.Suspects) != 1 || all.LeakType != leakType) {
			t.Fatalf("%v from a %v, leaked by AS%d (type %d), gives %+v", path, from.Relationship, walk[leak], leakType, all)
		}
		some := net.attested(func(uint32) bool { return rapid.Bool().Draw(t, "signs") }).VerifyPath(bgp.Sequence(path...), from)
		switch {
		case leak == 0 && some.State == Invalid:
			t.Fatalf("%v from a %v, which nobody leaked, is Invalid: %+v", path, from.Relationship, some)
		case some.State == Invalid && !leakedBy(net, walk, some.Suspects):
			t.Fatalf("%v from a %v: none of the suspects %v leaked", path, from.Relationship, some.Suspects)
		}
	})
}

// leakedBy says whether one of the suspects passed on what it must not.
func leakedBy(net internet, walk, suspects []uint32) bool {
	for i := 1; i+1 < len(walk); i++ {
		had, gave := net.relation(walk[i], walk[i-1]), net.relation(walk[i], walk[i+1])
		if had != bgp.Customer && gave != bgp.Customer && slices.Contains(suspects, walk[i]) {
			return true
		}
	}
	return false
}

// TestPathForms is what the procedures say of the path as received, before any ASPA counts.
func TestPathForms(t *testing.T) {
	set := NewSet(nil, []ASPA{{1, []uint32{2}}, {2, []uint32{3}}, {3, nil}})
	sequence := func(asns ...uint32) bgp.Segment { return bgp.Segment{Type: bgp.ASSequence, ASNs: asns} }
	for _, row := range []struct {
		about string
		path  *bgp.Path
		from  Session
		own   []uint32
		state State
		fault PathFault
	}{
		{"empty", bgp.Sequence(), Session{bgp.Provider, 2}, nil, Invalid, EmptyPath},
		{"one AS", bgp.Sequence(1), Session{bgp.Customer, 1}, nil, Valid, NoPathFault},
		{"prepends", bgp.Sequence(2, 2, 2, 1, 1), Session{bgp.Customer, 2}, nil, Valid, NoPathFault},
		{"another neighbour", bgp.Sequence(2, 1), Session{bgp.Customer, 9}, nil, Invalid, WrongNeighbour},
		{"another neighbour from a provider", bgp.Sequence(2, 1), Session{bgp.Provider, 9}, nil, Invalid, WrongNeighbour},
		{"a route server is not in the path", bgp.Sequence(2, 1), Session{bgp.RouteServer, 9}, nil, Valid, NoPathFault},
		{"a client of our route server is", bgp.Sequence(2, 1), Session{bgp.RSClient, 9}, nil, Invalid, WrongNeighbour},
		{"no neighbour to compare", bgp.Sequence(2, 1), Session{Relationship: bgp.Collector}, nil, Valid, NoPathFault},
		{"an AS_SET", bgp.NewPath([]bgp.Segment{sequence(2), {Type: bgp.ASSet, ASNs: []uint32{1, 7}}}), Session{bgp.Customer, 2}, nil, Invalid, HasASSet},
		{"an AS_SET of one", bgp.NewPath([]bgp.Segment{sequence(2), {Type: bgp.ASSet, ASNs: []uint32{1}}}), Session{bgp.Customer, 2}, nil, Invalid, HasASSet},
		{"a confederation is removed", bgp.NewPath([]bgp.Segment{{Type: bgp.ConfedSequence, ASNs: []uint32{65001, 65002}}, sequence(2, 1)}), Session{bgp.Customer, 2}, nil, Valid, NoPathFault},
		{"our own ASN is removed", bgp.Sequence(64512, 2, 1), Session{bgp.Customer, 2}, []uint32{64512}, Valid, NoPathFault},
		{"from inside", bgp.Sequence(9, 3, 2, 1), Session{bgp.Internal, 9}, nil, Unknown, NoPathFault},
		{"a leak", bgp.Sequence(9, 3, 2, 1), Session{bgp.Customer, 9}, nil, Invalid, Unauthorized},
		{"AS_TRANS hides who it was", bgp.Sequence(bgp.ASTrans, 3, 2, 1), Session{bgp.Customer, bgp.ASTrans}, nil, Unknown, NoPathFault},
	} {
		got := set.VerifyPath(row.path, row.from, row.own...)
		if got.State != row.state || got.Fault != row.fault {
			t.Errorf("%s: %v (%v), want %v (%v)", row.about, got.State, got.Fault, row.state, row.fault)
		}
	}
}

// TestSiblings shows mutual ASPAs: either sibling may pass the other's routes up, and none of it is a leak.
func TestSiblings(t *testing.T) {
	set := NewSet(nil, []ASPA{{1, []uint32{10}}, {10, []uint32{11, 20}}, {11, []uint32{10, 21}}, {20, nil}, {21, nil}})
	for _, path := range [][]uint32{{21, 11, 10, 1}, {20, 10, 11, 10, 1}} {
		if v := set.VerifyPath(bgp.Sequence(path...), Session{bgp.Customer, path[0]}); v.State != Valid {
			t.Errorf("%v is %v", path, v.State)
		}
	}
	// AS11 passes a route of its provider to its sibling, which passes it to its own provider: one of them leaked it.
	v := set.VerifyPath(bgp.Sequence(20, 10, 11, 21), Session{bgp.Peer, 20})
	if v.State != Invalid || !slices.Equal(v.Suspects, []uint32{11, 10}) || v.LeakType != 0 {
		t.Errorf("a leak through siblings gives %+v", v)
	}
}

func BenchmarkVerifyPath(b *testing.B) {
	set := NewSet(nil, []ASPA{{1, []uint32{2}}, {2, []uint32{3}}, {3, []uint32{4}}, {5, []uint32{4}}})
	path, from := bgp.Sequence(6, 5, 4, 3, 2, 1), Session{bgp.Provider, 6}
	for b.Loop() {
		set.VerifyPath(path, from)
	}
}

func pathOf(asns []uint32) *bgp.Path { return bgp.Sequence(asns...) }

func verdictOf(s *Set, asns []uint32) State {
	return s.VerifyPath(pathOf(asns), Session{Relationship: bgp.Collector}).State
}
