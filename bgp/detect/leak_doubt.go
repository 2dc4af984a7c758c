package detect

// A file of the whole Internet's relationships is inferred from paths. One link in a hundred is wrong, out of date, or
// different from region to region, while one path in a million is leaked: nearly every path that seems to be leaked shows
// an error of the file. So a verdict on inferred relationships must stand even if one of them is wrong. Short files are
// written by people who know, and taken at their word.

const (
	// inferredLinks is how many links make a file an inferred one.
	inferredLinks = 10_000
	// deepValley is how much larger than the leaker the two ASes must be that it stands between, by their customers.
	// Leakers are small networks between large ones. Where all are of a size, what looks like a leak is transit between
	// them that is not known, or siblings.
	deepValley = 10
)

func (r *Relationships) inferred() bool { return r != nil && r.pairs > inferredLinks }

// credible says whether a turn is one beyond doubt.
func (t *trail) credible(found turn) bool {
	if !t.Relationships.inferred() {
		return true
	}
	return t.hasProvider(found.leaker) && t.surelyGiven(found) &&
		t.inValley(found.giver, found.leaker) && t.inValley(found.taker, found.leaker)
}

// hasProvider says whether an AS buys transit. A network that does not lives by others' traffic: its peers are often its
// customers, and it has no reason to pass a route on for nothing.
func (t *trail) hasProvider(i int) bool {
	_, tier1 := t.Tier1[t.hops[i]]
	return !tier1 && len(t.Relationships.providers(t.hops[i])) > 0
}

// surelyGiven says whether the giver cannot be a customer of the leaker, whatever the file says of these two: it is a
// tier-1, or it has the route from a provider or a tier-1 itself, so that somebody leaked it in any case.
func (t *trail) surelyGiven(found turn) bool {
	switch came := t.way(found.giver); {
	case t.isTier1(found.giver) || came == down:
		return true
	case came == up:
		return false
	}
	return t.isTier1(found.giver + 1)
}

// inValley says whether an AS towers above the leaker: it is far larger, and buys no transit from it, not even through
// others. What we are to our neighbour is known.
func (t *trail) inValley(i, leaker int) bool {
	if i == us {
		return true
	}
	customers := t.Relationships.customers
	return customers[t.hops[i]]+1 >= deepValley*(customers[t.hops[leaker]]+1) &&
		!t.Relationships.above(t.hops[leaker], t.hops[i])
}
