package detect

import (
	"fmt"
	"slices"
)

// tier1Companies are the networks that buy transit from nobody: the clique from which CAIDA begins to infer AS
// relationships (the "input clique" in its as-rel files of 2023), and the other ASNs under which the same companies carry
// transit today.
var tier1Companies = [][]uint32{
	{174, 1239},           // Cogent, and Sprint
	{701, 702, 703, 2828}, // Verizon, and XO
	{1299},                // Arelion
	{2914},                // NTT
	{3257, 286},           // GTT, and KPN International
	{3320},                // Deutsche Telekom
	{3356, 209, 3549, 3561, 3908, 3909, 3910}, // Lumen: Level 3, Qwest, Global Crossing, Savvis
	{3491},  // PCCW
	{5511},  // Orange
	{6453},  // Tata
	{6461},  // Zayo
	{6762},  // Telecom Italia Sparkle
	{6830},  // Liberty Global
	{7018},  // AT&T
	{12956}, // Telxius
}

// Tier1 makes the set of tier-1 ASes: each leads to the ASN that stands for its company. An empty list is the built-in one.
func Tier1(list []uint32) map[uint32]uint32 {
	set := map[uint32]uint32{}
	for _, as := range list {
		set[as] = as
	}
	if len(list) > 0 {
		return set
	}
	for _, company := range tier1Companies {
		for _, as := range company {
			set[as] = company[0]
		}
	}
	return set
}

// sameTier1 says whether two tier-1 ASes are of one company.
func (s *Settings) sameTier1(a, b uint32) bool {
	return s.Tier1[a] == s.Tier1[b] || s.organisation(a) == s.organisation(b)
}

// byTier1: a tier-1 AS, then one or more that are none, then a tier-1 again. Who stands between two networks without
// providers had the route from above or from the side, and passed it on so. This needs no data.
func byTier1(t *trail) *suspicion {
	last := -1
	for i, as := range slices.Backward(t.hops) {
		if _, ok := t.Tier1[as]; !ok {
			continue
		}
		if last > i+1 && !t.sameTier1(as, t.hops[last]) {
			return &suspicion{
				suspects: t.suspects(i+1, last-1),
				reason:   fmt.Sprintf("%s between the tier-1 networks %s and %s", t.list(i+1, last-1), asn(as), asn(t.hops[last])),
			}
		}
		last = i
	}
	return nil
}
