package rpki

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"peervane/bgp"
)

// disagreements lists the YAML cases in which the draft's present revision gives another verdict than the one expected
// there, with the reason. The key is path (the origin first), neighbour, type.
var disagreements = map[string]struct {
	got State
	why string
}{
	"[] 1 Customer":       {Invalid, emptyPaths},
	"[] 1 Peer":           {Invalid, emptyPaths},
	"[] 1 Provider":       {Invalid, emptyPaths},
	"[] 1 IxpRouteServer": {Invalid, emptyPaths},
}

const emptyPaths = "sections 5.5 and 5.6, step 1: an empty AS_PATH is Invalid, for no eBGP neighbour may send one; the cases wish for Valid and mark it as an expected failure of drafts 06 and 07"

// TestYAMLCases runs benmaddison's cases, written for drafts 06 and 07. An empty provider set there is an AS without an ASPA.
func TestYAMLCases(t *testing.T) {
	var aspas []ASPA
	for _, record := range yamlRecords(t, "vectors/benmaddison_aspa_set.yml") {
		if providers := yamlList(record["provider_as_set"]); len(providers) > 0 {
			aspas = append(aspas, ASPA{yamlASN(t, record["customer_as"]), yamlASNs(t, providers)})
		}
	}
	set := NewSet(nil, aspas)
	relationships := map[string]bgp.Relationship{"Customer": bgp.Customer, "Peer": bgp.Peer, "Provider": bgp.Provider, "IxpRouteServer": bgp.RouteServer}
	states := map[string]State{"Valid": Valid, "Invalid": Invalid, "Unknown": Unknown}
	cases, disagreed := 0, map[string]bool{}
	for _, record := range yamlRecords(t, "vectors/benmaddison_test_cases.yml") {
		path := yamlASNs(t, yamlList(record["as_path"]))
		slices.Reverse(path)
		for _, kind := range yamlList(record["neighbor_types"]) {
			cases++
			from := Session{relationships[kind], yamlASN(t, record["neighbor_as"])}
			got, want := set.VerifyPath(bgp.Sequence(path...), from).State, states[record["expected_state"]]
			key := fmt.Sprintf("%s %d %s", record["as_path"], from.Neighbour, kind)
			if known, ok := disagreements[key]; ok {
				disagreed[key] = true
				want = known.got
			}
			if got != want {
				t.Errorf("%s: %v, want %v", key, got, want)
			}
		}
	}
	if cases < 57 || len(disagreed) != len(disagreements) {
		t.Errorf("%d cases, %d of %d disagreements met", cases, len(disagreed), len(disagreements))
	}
	t.Logf("%d cases, %d disagreements", cases, len(disagreements))
}

// yamlRecords reads a list of flat maps; what is nested deeper is left out.
func yamlRecords(t *testing.T, name string) []map[string]string {
	t.Helper()
	var records []map[string]string
	for line := range strings.Lines(string(testData(t, name))) {
		key, value, isPair := strings.Cut(strings.TrimRight(line, "\n"), ": ")
		switch {
		case !isPair || strings.HasPrefix(strings.TrimSpace(key), "#"):
		case strings.HasPrefix(key, "- "):
			records = append(records, map[string]string{key[2:]: value})
		case strings.HasPrefix(key, "  ") && key[2] != ' ':
			records[len(records)-1][key[2:]] = value
		}
	}
	return records
}

func yamlList(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune("[], ", r) })
}

func yamlASNs(t *testing.T, list []string) []uint32 {
	asns := make([]uint32, len(list))
	for i, s := range list {
		asns[i] = yamlASN(t, s)
	}
	return asns
}

func yamlASN(t *testing.T, s string) uint32 {
	t.Helper()
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(n)
}
