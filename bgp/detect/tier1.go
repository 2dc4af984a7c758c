package detect

import (
	"fmt"
	"slices"
)

// Tier1AS is one of the ASes of a company that buys transit from nobody.
type Tier1AS struct {
	Company uint32 // the ASN that stands for it
	// Affiliate says that it is another network of the company, which may buy transit, from the company itself or while it
	// is being merged. It proves nothing, and is suspected of nothing.
	Affiliate bool
}

// tier1Companies are the networks without providers: the clique from which CAIDA begins to infer AS relationships (the
// "input clique" in its as-rel files of 2023), by the companies that own them today, and these companies' other backbones.
var tier1Companies = []struct{ networks, affiliates []uint32 }{
	{[]uint32{174, 1239}, []uint32{6175, 16631}},                  // Cogent, and Sprint
	{[]uint32{701, 2828}, []uint32{702, 703}},                     // Verizon, and XO
	{[]uint32{1299}, nil},                                         // Arelion
	{[]uint32{2914}, nil},                                         // NTT
	{[]uint32{3257, 286}, nil},                                    // GTT, and KPN International
	{[]uint32{3320}, nil},                                         // Deutsche Telekom
	{[]uint32{3356, 209}, []uint32{3549, 3561, 3908, 3909, 3910}}, // Lumen: Level 3 and Qwest; Global Crossing, Savvis
	{[]uint32{3491}, nil},                                         // PCCW
	{[]uint32{5511}, nil},                                         // Orange
	{[]uint32{6453}, nil},                                         // Tata
	{[]uint32{6461}, nil},                                         // Zayo
	{[]uint32{6762}, nil},                                         // Telecom Italia Sparkle
	{[]uint32{6830}, nil},                                         // Liberty Global
	{[]uint32{7018}, nil},                                         // AT&T
	{[]uint32{12956}, nil},                                        // Telxius
}

// Tier1 makes the set of tier-1 ASes. An empty list is the built-in one.
func Tier1(list []uint32) map[uint32]Tier1AS {
	set := map[uint32]Tier1AS{}
	for _, as := range list {
		set[as] = Tier1AS{Company: as}
	}
	if len(list) > 0 {
		return set
	}
	for _, company := range tier1Companies {
		for _, as := range company.networks {
			set[as] = Tier1AS{Company: company.networks[0]}
		}
		for _, as := range company.affiliates {
			set[as] = Tier1AS{company.networks[0], true}
		}
	}
	return set
}

// sameCompany says whether two ASes belong to one tier-1 company, or are siblings.
func (s *Settings) sameCompany(a, b uint32) bool {
	x, known := s.Tier1[a]
	return known && x.Company == s.Tier1[b].Company || s.organisation(a) == s.organisation(b)
}

func (t *trail) isTier1(i int) bool {
	if i >= len(t.hops) {
		return false
	}
	if !t.tier1s.may(t.hops[i]) {
		return false
	}
	as, known := t.Tier1[t.hops[i]]
	return known && !as.Affiliate
}

// byTier1: a tier-1 AS, then one or more that are none, then a tier-1 again. Who stands between two networks without
// providers had the route from above or from the side, and passed it on so. This needs no data.
func byTier1(t *trail) *suspicion {
	last := -1
	for i := range slices.Backward(t.hops) {
		if !t.isTier1(i) {
			continue
		}
		if last >= 0 && !t.sameCompany(t.hops[i], t.hops[last]) {
			if suspects := t.outsiders(t.suspects(i+1, last-1)); len(suspects) > 0 {
				return &suspicion{
					suspects: suspects,
					reason:   fmt.Sprintf("%s between the tier-1 networks %s and %s", t.list(i+1, last-1), t.name(i), t.name(last)),
				}
			}
		}
		last = i
	}
	return nil
}

// outsiders are those hops that belong to no tier-1 company.
func (t *trail) outsiders(hops []int) []int {
	return slices.DeleteFunc(hops, func(i int) bool { return t.Tier1[t.hops[i]].Affiliate })
}
