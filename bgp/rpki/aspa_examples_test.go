package rpki

import (
	"slices"
	"testing"

	"peervane/bgp"
)

// The worked examples of "ASPA-based AS path verification examples" (Sriram, Borchert, Matejka; August 2025), which
// draft-ietf-sidrops-aspa-verification-28 section 6.1 points to. ASes are letters there; here a letter is its own ASN.

func letters(s string) []uint32 {
	asns := make([]uint32, len(s))
	for i := range s {
		asns[i] = uint32(s[i])
	}
	return asns
}

func letterSet(aspas map[string]string) *Set {
	var list []ASPA
	for customer, providers := range aspas {
		a := ASPA{Customer: letters(customer)[0], Providers: []uint32{0}}
		if providers != "" {
			a.Providers = letters(providers)
		}
		list = append(list, a)
	}
	return NewSet(nil, list)
}

// simple is the topology of slide 2; E and F have no ASPA. complexRelations is that of slide 9; J has none.
var (
	simple           = map[string]string{"A": "CD", "B": "E", "C": "F", "D": "FG", "G": ""}
	complexRelations = map[string]string{"H": "", "K": "", "L": "K", "P": "", "Q": "", "R": "Q", "S": "R"}
)

const (
	none = -1 // not applicable
	cust = bgp.Customer
	peer = bgp.Peer
	prov = bgp.Provider
)

var workedExamples = []struct {
	figure       string
	aspas        map[string]string
	path         string
	from         bgp.Relationship // of the sender
	maxUp, minUp int
	maxDn, minDn int
	want         State
	leaker       string
}{
	{"slide 3, table 1, row 1", simple, "FCA", cust, 3, 3, none, none, Valid, ""},
	{"slides 3 and 4, table 1, row 2", simple, "DCA", cust, 2, 2, none, none, Invalid, "D"},
	{"slide 3, table 1, row 3", simple, "DFCA", cust, 4, 3, none, none, Unknown, ""},
	{"slides 3 and 5, table 1, row 4", simple, "DEB", peer, 3, 2, none, none, Unknown, ""},
	{"slide 3, table 1, row 5", simple, "ADEB", cust, 3, 2, none, none, Invalid, "A"},
	{"slide 3, table 1, row 6", simple, "ADGEB", cust, 3, 2, none, none, Invalid, "A"},
	{"slide 3, table 1, row 7", simple, "ACF", cust, 2, 1, none, none, Invalid, "A"},
	{"slide 3, table 1, row 8", simple, "ACFG", cust, 1, 1, none, none, Invalid, "A"},
	{"slide 3, table 1, row 9", simple, "EB", peer, 2, 2, none, none, Valid, ""},

	{"slides 6 and 7, table 2, row 1", simple, "EGFCA", prov, 4, 3, 2, 1, Unknown, ""},
	{"slide 6, table 2, row 2", simple, "EGDA", prov, 3, 3, 2, 1, Valid, ""},
	{"slide 6, table 2, row 3", simple, "EDCA", prov, 2, 2, 2, 1, Unknown, ""},
	{"slide 6, table 2, row 4", simple, "EGDCA", prov, 2, 2, 2, 1, Invalid, "D"},
	{"slide 6, table 2, row 5", simple, "CFDG", prov, 1, 1, 4, 2, Unknown, ""},
	{"slide 6, table 2, row 6", simple, "DGEB", prov, 3, 2, 2, 2, Valid, ""},
	{"slides 6 and 8, table 2, row 7", simple, "CDGEB", prov, 3, 2, 1, 1, Invalid, "D"},
	{"slide 6, table 2, row 8", simple, "FCA", prov, 3, 3, 2, 1, Valid, ""},
	{"slide 6, table 2, row 9: a forged origin by a provider cannot be seen", simple, "EA", prov, 1, 1, 2, 1, Valid, ""},
	{"slide 6, table 2, row 10: nor can a forged segment", simple, "ECA", prov, 2, 2, 2, 1, Valid, ""},

	{"slide 10, table 3, row 1", complexRelations, "JH", cust, 1, 1, none, none, Invalid, "J"},
	{"slide 10, table 3, row 2", complexRelations, "JH", peer, 1, 1, none, none, Invalid, "J"},
	{"slide 10, table 3, row 3", complexRelations, "KJH", prov, 1, 1, 1, 1, Invalid, "J"},
	{"slide 10, table 3, row 4", complexRelations, "QP", peer, 1, 1, none, none, Invalid, "Q"},
	{"slide 10, table 3, row 5", complexRelations, "QP", prov, 1, 1, 1, 1, Valid, ""},
	{"slide 10, table 3, row 6", complexRelations, "RQP", prov, 1, 1, 2, 2, Valid, ""},
}

func TestWorkedExamples(t *testing.T) {
	for _, row := range workedExamples {
		set, path := letterSet(row.aspas), letters(row.path)
		up := slices.Clone(path)
		slices.Reverse(up)
		check := func(name string, asns []uint32, longest, attested int) {
			gotLongest, gotAttested := set.ramp(len(asns), func(i int) Authorization { return set.Authorized(asns[i], asns[i+1]) })
			if longest != none && (gotLongest != longest || gotAttested != attested) {
				t.Errorf("%s: %s: max_%s_ramp %d, min %d, want %d and %d", row.figure, row.path, name, gotLongest, gotAttested, longest, attested)
			}
		}
		check("up", up, row.maxUp, row.minUp)
		check("down", path, row.maxDn, row.minDn)
		got := set.VerifyPath(bgp.Sequence(path...), Session{row.from, path[0]})
		var leaker uint32
		if row.leaker != "" {
			leaker = letters(row.leaker)[0]
		}
		if got.State != row.want || got.Leaker != leaker {
			t.Errorf("%s: %s is %v, leaked by %c, want %v, %q", row.figure, row.path, got.State, got.Leaker, row.want, row.leaker)
		}
	}
}

// The figures of "Insights into the accuracy of algorithms for ASPA based route leak detection" (Sriram, Heitz; IETF 110,
// March 2021). They give hop checks instead of ASPAs: up[i] is the check of AS(i+1) for AS(i+2), down[i] the reverse; P is
// provider, n not provider, A no attestation. What a figure leaves open (?) is tried in every consistent way. As theorem 2
// allows, the ramps behind K = 3 and L are drawn out as in slide 10.
var figures = []struct {
	figure   string
	up, down string
	want     []State
}{
	{"slide 4, example 1", "PA?", "?AP", []State{Valid}},
	{"slide 5, example 2", "PAn", "?nP", []State{Valid}},
	{"slide 6, example 3: AS(3) and AS(4) are siblings", "PAPn", "?nPP", []State{Valid}},
	{"slide 8: nobody attests the hop in the middle", "PPn???", "??nPPP", []State{Valid}},
	{"slide 8: AS(3) has no ASPA", "PPA???", "??nPPP", []State{Valid}},
	{"slide 8: AS(4) has no ASPA", "PPn???", "??APPP", []State{Valid}},
	{"slide 8: neither has", "PPA???", "??APPP", []State{Valid}},
	{"slide 8: no hop in the middle", "PP????", "??PPPP", []State{Valid}},
	{"slide 8: no up-ramp", "n???", "nPPP", []State{Valid}},
	{"slide 8: no down-ramp", "PPPA", "???A", []State{Valid}},
	{"slide 8: a path of one hop needs no ASPA", "?", "?", []State{Valid}},
	{"slide 8: a path of one AS needs no ASPA", "", "", []State{Valid}},
	{"slide 10: opposing walls", "PPn?????", "????nPPP", []State{Invalid}},
	{"slide 10: theorem 1", "PPA?????", "????APPP", []State{Unknown, Invalid}},
	{"slide 11: siblings in the middle, L < K", "PPPP??", "??PPPP", []State{Valid}},

	{"slide 13, row 1", "PPn???", "???nPP", []State{Invalid}},
	{"slide 13, row 2", "PPn???", "???APP", []State{Unknown}},
	{"slide 13, row 3", "PPA???", "???nPP", []State{Unknown}},
	{"slide 13, row 4", "PPA???", "???APP", []State{Unknown}},

	{"slide 17, figure 1, and slide 18, row 1", "PPn????", "????nPP", []State{Invalid}},
	{"slide 17, figure 2, and slide 18, row 5", "PPAn???", "????nPP", []State{Invalid}},
	{"slide 17, figure 3, and slide 18, row 2", "PPn????", "???nAPP", []State{Invalid}},
	{"slide 18, row 3", "PPn????", "???AAPP", []State{Unknown}},
	{"slide 18, row 4", "PPn????", "???PAPP", []State{Unknown}},
	{"slide 18, row 6", "PPAn???", "????APP", []State{Unknown}},
	{"slide 18, row 7", "PPAA???", "????nPP", []State{Unknown}},
	{"slide 18, row 8", "PPAA???", "????APP", []State{Unknown}},
	{"slide 18, row 9", "PPAP???", "????nPP", []State{Unknown}},
	{"slide 18, row 10", "PPAP???", "????APP", []State{Unknown}},

	{"slide 19, figure 1: AS(4) and AS(5) are siblings", "PPnP???", "???PnPP", []State{Invalid}},
	{"slide 19, figure 2", "PPAP???", "???PnPP", []State{Unknown}},
	{"slide 19, figure 3", "PPnP???", "???PAPP", []State{Unknown}},
}

func TestFigures(t *testing.T) {
	for _, row := range figures {
		worlds := 0
		for set := range worldsOf([]byte(row.up), []byte(row.down)) {
			worlds++
			path := make([]uint32, len(row.up)+1)
			for i := range path {
				path[len(path)-1-i] = uint32(i + 1)
			}
			got := set.VerifyPath(bgp.Sequence(path...), Session{bgp.Provider, path[0]})
			if !slices.Contains(row.want, got.State) {
				t.Fatalf("%s: with %v the path %v is %v, want %v", row.figure, set.aspas.sorted, path, got.State, row.want)
			}
		}
		if worlds == 0 {
			t.Errorf("%s: contradicts itself", row.figure)
		}
	}
}

// worldsOf gives every Set in which the hop checks are as asked. An AS without an ASPA answers both neighbours with A.
func worldsOf(up, down []byte) func(yield func(*Set) bool) {
	return func(yield func(*Set) bool) { fill(slices.Clone(up), slices.Clone(down), yield) }
}

func fill(up, down []byte, yield func(*Set) bool) bool {
	for _, checks := range [][]byte{up, down} {
		if i := slices.Index(checks, '?'); i >= 0 {
			defer func() { checks[i] = '?' }()
			for _, choice := range []byte("PnA") {
				checks[i] = choice
				if !fill(up, down, yield) {
					return false
				}
			}
			return true
		}
	}
	set, consistent := world(up, down)
	return !consistent || yield(set)
}

func world(up, down []byte) (*Set, bool) {
	var aspas []ASPA
	for as := 1; as <= len(up)+1; as++ {
		answers := map[byte]bool{}
		a := ASPA{Customer: uint32(as), Providers: []uint32{66}}
		if as <= len(up) {
			answers[up[as-1]] = true
			if up[as-1] == 'P' {
				a.Providers = append(a.Providers, uint32(as+1))
			}
		}
		if as > 1 {
			answers[down[as-2]] = true
			if down[as-2] == 'P' {
				a.Providers = append(a.Providers, uint32(as-1))
			}
		}
		if answers['A'] && len(answers) > 1 {
			return nil, false
		}
		if !answers['A'] {
			aspas = append(aspas, a)
		}
	}
	return NewSet(nil, aspas), true
}

// TestSetIsInvalid lists where the slides of 2021 and the draft part: slide 15, steps 1 and 11, called a path with an
// AS_SET "Unverifiable" unless Invalid; the draft (sections 5.5 and 5.6, step 3) calls it Invalid, as RFC 9774 retired AS_SETs.
func TestSetIsInvalid(t *testing.T) {
	path := bgp.NewPath([]bgp.Segment{{Type: bgp.ASSequence, ASNs: []uint32{2}}, {Type: bgp.ASSet, ASNs: []uint32{1}}})
	if v := NewSet(nil, nil).VerifyPath(path, Session{bgp.Provider, 2}); v.State != Invalid || v.Fault != HasASSet {
		t.Errorf("%s is %v (%v)", path, v.State, v.Fault)
	}
}

// TestHopCheck is slide 3 of the same: the three answers of the hop check function.
func TestHopCheck(t *testing.T) {
	set := NewSet(nil, []ASPA{{1, []uint32{2, 3}}, {4, nil}, {5, []uint32{0}}, {6, []uint32{0, 7}}, {8, []uint32{9}}, {8, []uint32{10, 9}}})
	for _, row := range []struct {
		about string
		x, y  uint32
		want  Authorization
	}{
		{"attested", 1, 3, Provider},
		{"attested not", 1, 4, NotProvider},
		{"no ASPA", 2, 1, NoAttestation},
		{"an empty list", 4, 1, NotProvider},
		{"AS0", 5, 1, NotProvider},
		{"AS0 is nobody, not AS 0", 5, 0, NotProvider},
		{"AS0 beside a provider has no influence (section 4)", 6, 7, Provider},
		{"AS0 beside a provider, another AS", 6, 8, NotProvider},
		{"two ASPAs of one customer are united", 8, 10, Provider},
		{"AS_TRANS is nobody in particular", 1, bgp.ASTrans, NoAttestation},
	} {
		if got := set.Authorized(row.x, row.y); got != row.want {
			t.Errorf("%s: authorized(%d, %d) is %v, want %v", row.about, row.x, row.y, got, row.want)
		}
	}
}
