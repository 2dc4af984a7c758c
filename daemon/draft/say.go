package draft

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// many is how many ASNs or prefixes a comment names before it counts the rest.
const many = 6

// uncounted makes counts of what was drafted before. It keeps the difference between none and not checked.
func uncounted(asns []uint32) []Count {
	if asns == nil {
		return nil
	}
	out := make([]Count, len(asns))
	for i, asn := range asns {
		out[i].ASN = asn
	}
	return out
}

// entry is a [[prefix]] in one line.
func entry(p netip.Prefix, origins, upstreams []uint32) string {
	text := fmt.Sprintf("%s: origins %s", p, array(origins))
	if len(upstreams) > 0 {
		text += " upstreams " + array(upstreams)
	}
	return text
}

// watch is an [[asn]] in one line.
func watch(asn uint32, upstreams, downstreams []uint32) string {
	text := fmt.Sprintf("AS%d", asn)
	if upstreams != nil {
		text += ": upstreams " + array(upstreams)
	}
	if downstreams != nil {
		text += " downstreams " + array(downstreams)
	}
	return text
}

// array writes ASNs as TOML does.
func array(asns []uint32) string {
	words := make([]string, len(asns))
	for i, asn := range asns {
		words[i] = strconv.FormatUint(uint64(asn), 10)
	}
	return "[" + strings.Join(words, ", ") + "]"
}

func asnList(asns []uint32) string {
	words := make([]string, len(asns))
	for i, asn := range asns {
		words[i] = fmt.Sprintf("AS%d", asn)
	}
	return shorten(words)
}

// countList tells ASNs and at how many vantages each is seen, most seen first.
func countList(counts []Count) string {
	counts = slices.Clone(counts)
	slices.SortStableFunc(counts, func(a, b Count) int { return -cmp.Compare(a.Vantages, b.Vantages) })
	words := make([]string, len(counts))
	for i, c := range counts {
		words[i] = fmt.Sprintf("AS%d at %d", c.ASN, c.Vantages)
	}
	if len(counts) == 1 {
		return words[0] + " " + plural(counts[0].Vantages, "vantage")
	}
	return shorten(words) + " vantages"
}

func shorten(words []string) string {
	switch {
	case len(words) == 0:
		return "none"
	case len(words) > many:
		return fmt.Sprintf("%s and %d more", strings.Join(words[:many], ", "), len(words)-many)
	}
	return strings.Join(words, ", ")
}

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}
