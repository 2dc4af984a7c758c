package detect

import (
	"cmp"
	"slices"

	"peervane/bgp"
)

// Sort brings the routes of a state into the order that it promises.
func (s *State) Sort() {
	Sort(s.Routes)
	Sort(s.Covering)
}

// Sort orders routes by vantage, and those of one vantage with its best path first: by LOCAL_PREF on iBGP, AS-path
// length, ORIGIN, MED within a neighbour AS and lowest path id (RFC 4271 section 9.1.2.2, as far as a monitor can know).
// Routes of several prefixes, as Covering may hold, come longest prefix first.
func Sort(routes []Held) {
	slices.SortFunc(routes, func(a, b Held) int {
		if c := sameSource(a, b); c != 0 {
			return c // of most vantages there is one path
		}
		return cmp.Or(
			preference(a, b),
			cmp.Compare(a.Attrs.Path.First(), b.Attrs.Path.First()),
			cmp.Compare(a.Attrs.MED, b.Attrs.MED),
			cmp.Compare(a.PathID, b.PathID),
		)
	})
	for from := 0; from < len(routes); {
		to := from + 1
		for to < len(routes) && sameSource(routes[from], routes[to]) == 0 {
			to++
		}
		promote(routes[from:to])
		from = to
	}
}

func sameSource(a, b Held) int {
	return cmp.Or(cmp.Compare(a.V, b.V), -cmp.Compare(a.Prefix.Bits(), b.Prefix.Bits()))
}

// preference compares all that comes before MED.
func preference(a, b Held) int {
	return cmp.Or(
		-cmp.Compare(localPref(a), localPref(b)),
		cmp.Compare(a.Attrs.Path.Len(), b.Attrs.Path.Len()),
		cmp.Compare(a.Attrs.Origin, b.Attrs.Origin),
	)
}

// localPref is the LOCAL_PREF of an iBGP route, 100 where it is missing; on other sessions it means nothing
// (RFC 4271 section 5.1.5).
func localPref(h Held) uint32 {
	if h.Attrs.HasLocalPref && h.Vantage.ASN == h.Vantage.LocalASN {
		return h.Attrs.LocalPref
	}
	return 100
}

// promote moves the best path to the front. MED decides within a neighbour AS only, so it is no order: the winner of
// each neighbour AS stands first of its run, and among the winners the lowest path id is best.
func promote(routes []Held) {
	best := 0
	for i := 1; i < len(routes) && preference(routes[0], routes[i]) == 0; i++ {
		winner := routes[i].Attrs.Path.First() != routes[i-1].Attrs.Path.First()
		if winner && routes[i].PathID < routes[best].PathID {
			best = i
		}
	}
	first := routes[best]
	copy(routes[1:best+1], routes[:best])
	routes[0] = first
}

// firsts gives the first of each vantage's sorted routes, nil where it holds none.
func firsts(n int, routes []Held) []*Held {
	out := make([]*Held, n)
	for i := range routes {
		if v := routes[i].V; out[v] == nil {
			out[v] = &routes[i]
		}
	}
	return out
}

// wildHops compares two cleaned paths. AS_TRANS may stand for any AS.
func wildHops(a, b []bgp.Hop) bool {
	return slices.EqualFunc(a, b, func(x, y bgp.Hop) bool {
		if x.Set == nil && y.Set == nil {
			return x.ASN == y.ASN || x.ASN == bgp.ASTrans || y.ASN == bgp.ASTrans
		}
		return x.ASN == y.ASN && slices.Equal(x.Set, y.Set)
	})
}
