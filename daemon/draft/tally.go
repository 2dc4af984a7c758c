package draft

import (
	"cmp"
	"slices"

	"peervane/bgp"
)

// Count is an ASN and at how many vantages it was seen in its place.
type Count struct {
	ASN      uint32
	Vantages int
}

// tally collects where ASNs were seen.
type tally []sighting

type sighting struct {
	asn uint32
	key int // of the vantage
}

// add notes that a vantage saw an ASN. What stands for others proves nothing.
func (t *tally) add(asn uint32, key int) {
	if !bgp.IsReserved(asn) {
		*t = append(*t, sighting{asn, key})
	}
}

func (t *tally) addHop(h bgp.Hop, key int) {
	for _, asn := range members(h) {
		t.add(asn, key)
	}
}

// counts gives each ASN once, ascending.
func (t tally) counts() []Count {
	slices.SortFunc(t, func(a, b sighting) int { return cmp.Or(cmp.Compare(a.asn, b.asn), cmp.Compare(a.key, b.key)) })
	var out []Count
	for _, s := range slices.Compact(t) {
		if n := len(out); n == 0 || out[n-1].ASN != s.asn {
			out = append(out, Count{ASN: s.asn})
		}
		out[len(out)-1].Vantages++
	}
	return out
}

func members(h bgp.Hop) []uint32 {
	if h.Set != nil {
		return h.Set
	}
	return []uint32{h.ASN}
}

// asnsOf lists the ASNs alone; nil stays nil.
func asnsOf(counts []Count) []uint32 {
	if counts == nil {
		return nil
	}
	out := make([]uint32, len(counts))
	for i, c := range counts {
		out[i] = c.ASN
	}
	return out
}

// split parts counts by whether they satisfy a condition.
func split(counts []Count, want func(Count) bool) (yes, no []Count) {
	for _, c := range counts {
		if want(c) {
			yes = append(yes, c)
		} else {
			no = append(no, c)
		}
	}
	return yes, no
}
