package rpki

import (
	"slices"
	"strings"
	"testing"
)

// TestSLURM applies the file of RFC 8416 section 3.5, as a SLURM file of the public test data has it.
func TestSLURM(t *testing.T) {
	s, err := ParseSLURM(testData(t, "rpki/stayrtr_slurm.json"))
	if err != nil {
		t.Fatal(err)
	}
	in := []VRP{
		vrp("192.0.0.0/16", 24, 1),        // covers a filter, which takes away what lies within only
		vrp("192.0.2.0/24", 24, 1),        // filtered by prefix
		vrp("192.0.2.128/25", 25, 2),      // lies within it
		vrp("198.51.100.0/24", 24, 64497), // filtered by prefix and ASN
		vrp("198.51.100.0/24", 24, 64499), // another ASN
		vrp("203.0.113.0/24", 24, 64496),  // filtered by ASN
		vrp("203.0.113.0/24", 24, 64497),  // another prefix
		vrp("2001:db8:1::/48", 48, 64496), // filtered by ASN
		vrp("::c000:200/120", 128, 1),     // the same bits in the other family
	}
	kept := slices.Clone(in)
	want := []VRP{
		vrp("192.0.0.0/16", 24, 1), vrp("198.51.100.0/24", 24, 64499), vrp("203.0.113.0/24", 24, 64497), vrp("::c000:200/120", 128, 1),
		vrp("198.51.100.0/24", 24, 64496), vrp("2001:db8::/32", 48, 64496),
	}
	if got := s.VRPs(in); !slices.Equal(got, want) || !slices.Equal(in, kept) {
		t.Errorf("%v, want %v", got, want)
	}
	if len(s.Notes) != 1 || !strings.Contains(s.Notes[0], "3 BGPsec filters and 1 BGPsec assertions") {
		t.Errorf("notes %v", s.Notes)
	}
}

func slurmText(version, filters, assertions string) string {
	return `{"slurmVersion": ` + version + `, "validationOutputFilters": {` + filters + `}, "locallyAddedAssertions": {` + assertions + `}}`
}

func TestSLURMASPA(t *testing.T) {
	s, err := ParseSLURM([]byte(slurmText("2", `"prefixFilters": [], "aspaFilters": [{"customerAsn": 2, "comment": "x"}]`,
		`"aspaAssertions": [{"customerAsn": 1, "providerAsns": [12, 11]}, {"customerAsn": 4, "providerAsns": [0]}]`)))
	if err != nil {
		t.Fatal(err)
	}
	set := NewSet(nil, s.ASPAs([]ASPA{{1, []uint32{10}}, {2, []uint32{10}}, {3, []uint32{10}}}))
	want := []ASPA{{1, []uint32{10, 11, 12}}, {3, []uint32{10}}, {4, []uint32{0}}}
	if !slices.EqualFunc(set.aspas.sorted, want, func(a, b ASPA) bool { return a.Customer == b.Customer && slices.Equal(a.Providers, b.Providers) }) {
		t.Errorf("%v, want %v", set.aspas.sorted, want)
	}
}

func TestNoSLURM(t *testing.T) {
	var s *SLURM
	if in := []VRP{vrpA}; !slices.Equal(s.VRPs(in), in) || s.ASPAs(nil) != nil {
		t.Error("no exceptions change something")
	}
}

// TestBadSLURM refuses every deviation (RFC 8416 section 3.2), and says what it is.
func TestBadSLURM(t *testing.T) {
	for text, complaint := range map[string]string{
		``:                                  "EOF",
		`[]`:                                "cannot unmarshal",
		slurmText("3", "", ""):              "must be 1 or 2",
		slurmText("1", "", "") + "{}":       "more text",
		slurmText("1", `"filters": []`, ""): `unknown field "filters"`,
		slurmText("1", `"prefixFilters": [{}]`, ""):                                                              "prefixFilters[0]: needs prefix, asn, or both",
		slurmText("1", `"prefixFilters": [{"prefix": "192.0.2.0/24", "maxPrefixLength": 24}]`, ""):               "no maxPrefixLength",
		slurmText("1", `"prefixFilters": [{"prefix": "192.0.2.1/24"}]`, ""):                                      "write 192.0.2.0/24",
		slurmText("1", `"prefixFilters": [{"prefix": "192.0.2.0"}]`, ""):                                         "no '/'",
		slurmText("1", `"prefixFilters": [{"asn": "AS64496x"}]`, ""):                                             "is no ASN",
		slurmText("1", `"prefixFilters": [{"asn": 4294967296}]`, ""):                                             "is no ASN",
		slurmText("1", "", `"prefixAssertions": [{"prefix": "192.0.2.0/24"}]`):                                   "prefixAssertions[0]: needs asn",
		slurmText("1", "", `"prefixAssertions": [{"asn": 1}]`):                                                   "prefixAssertions[0]",
		slurmText("1", "", `"prefixAssertions": [{"asn": 1, "prefix": "192.0.2.0/24", "maxPrefixLength": 23}]`):  "must lie between 24 and 32",
		slurmText("1", "", `"prefixAssertions": [{"asn": 1, "prefix": "192.0.2.0/24", "maxPrefixLength": 280}]`): "is none",
		slurmText("1", `"aspaFilters": [{"customerAsn": 1}]`, ""):                                                "needs slurmVersion 2",
		slurmText("2", `"aspaFilters": [{"customerAsn": 1, "providerAsns": [2]}]`, ""):                           "customerAsn alone",
		slurmText("2", "", `"aspaAssertions": [{"customerAsn": 1, "providerAsns": []}]`):                         "at least one",
		slurmText("2", "", `"aspaAssertions": [{"customerAsn": 0, "providerAsns": [1]}]`):                        "aspaAssertions[0]",
	} {
		if _, err := ParseSLURM([]byte(text)); err == nil || !strings.Contains(err.Error(), complaint) {
			t.Errorf("%s: %v, want %q", text, err, complaint)
		}
	}
	if _, err := ParseSLURM(make([]byte, maxSLURM+1)); err == nil {
		t.Error("a file of any size is read")
	}
}

func FuzzSLURM(f *testing.F) {
	f.Add([]byte(slurmText("1", `"prefixFilters": [{"prefix": "192.0.2.0/24", "asn": 64496}]`, `"prefixAssertions": [{"asn": 1, "prefix": "2001:db8::/32", "maxPrefixLength": 48}]`)))
	f.Add([]byte(slurmText("2", `"aspaFilters": [{"customerAsn": 1}]`, `"aspaAssertions": [{"customerAsn": 1, "providerAsns": [0, 2, 2]}]`)))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := ParseSLURM(text)
		if err != nil {
			return
		}
		set := NewSet(s.VRPs([]VRP{vrpA, vrpB, vrpC}), s.ASPAs([]ASPA{{1, []uint32{2}}}))
		for _, v := range set.vrps.sorted {
			if err := v.check(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
