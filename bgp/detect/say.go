package detect

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"peervane/bgp"
)

// manyNames is how many vantages or ASNs a sentence names before it counts the rest.
const manyNames = 4

func asn(n uint32) string {
	return string(strconv.AppendUint(append(make([]byte, 0, len("AS4294967295")), "AS"...), uint64(n), 10))
}

// text is a prefix in one piece of memory: there may be a hundred thousand hijacks to tell of at once.
func text(p netip.Prefix) string {
	var room [len("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128")]byte
	return string(p.AppendTo(room[:0]))
}

// asns lists ASNs as a sentence does: AS1, AS2 or AS3.
func asns(list []uint32) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = asn(n)
	}
	if len(words) == 0 {
		return "none"
	}
	if len(words) > manyNames {
		return fmt.Sprintf("%s or %d others", strings.Join(words[:manyNames], ", "), len(words)-manyNames)
	}
	if n := len(words) - 1; n > 0 {
		return strings.Join(words[:n], ", ") + " or " + words[n]
	}
	return words[0]
}

// names lists vantages, and counts those beyond the first few.
func names(list []string) string {
	if len(list) > manyNames {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:manyNames], ", "), len(list)-manyNames)
	}
	return strings.Join(list, ", ")
}

// share says how many vantages show a finding, of how many that could.
func share(f *bgp.Finding) string {
	if f.Total == 1 {
		return "the only vantage"
	}
	return fmt.Sprintf("%d of %d vantages", len(f.Bad), f.Total)
}

// seenBy is share with its verb.
func seenBy(f *bgp.Finding) string {
	return share(f) + " " + verb(len(f.Bad), "sees", "see") + " it"
}

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// example is the first route of a finding, as its vantage sees it.
func example(f *bgp.Finding) string {
	r := f.Routes[0]
	return r.Vantage.Name + ": " + pathText(r.Attrs.Path)
}

func pathText(p *bgp.Path) string {
	if p == nil || p.String() == "" {
		return "empty path"
	}
	return p.String()
}

// origins lists the distinct origins of a finding's routes.
func (s *State) origins(f *bgp.Finding) string {
	var out []string
	for _, r := range f.Routes {
		out = union(out, []string{hopText(s.Origin(r.Vantage, r.Attrs.Path))})
	}
	return strings.Join(out, ", ")
}

// hopText prints a hop: AS64496, or a set as {64496,64497}, its members sorted.
func hopText(h bgp.Hop) string {
	if h.Set == nil {
		return asn(h.ASN)
	}
	words := make([]string, 0, len(h.Set))
	for _, n := range slices.Sorted(slices.Values(h.Set)) {
		words = append(words, strconv.FormatUint(uint64(n), 10))
	}
	return "{" + strings.Join(words, ",") + "}"
}
