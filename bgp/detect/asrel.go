package detect

import (
	"cmp"
	"slices"
)

// Link is a relationship of two ASes: A is a provider of B or, where Peers is set, its peer.
type Link struct {
	A, B  uint32
	Peers bool
}

// way is how a route travels from one AS to the next, or to us.
type way uint8

const (
	unknownWay way = iota
	up             // to a provider
	sideways       // to a peer, or over a route server
	down           // to a customer
	inside         // to a sibling: the same organisation
)

func (w way) rising() bool { return w == up || w == sideways }

func (w way) falling() bool { return w == down || w == sideways }

// back is how a route travels between the same two the other way.
func (w way) back() way {
	switch w {
	case up:
		return down
	case down:
		return up
	}
	return w
}

// Relationships are what ASes are to each other, as far as a file of them tells. It is immutable; nil knows nothing.
type Relationships struct {
	edges     []edge         // a hash table: each pair stands at its home or behind it, with free places between
	pairs     int            // how many there are
	upward    []supply       // by customer, then provider
	customers map[uint32]int // how many an AS has
}

// edge is how a route travels from the lower ASN to the higher one; unknownWay is a free place.
type edge struct {
	low, high uint32
	way       way
}

// supply says that an AS buys transit of another.
type supply struct{ customer, provider uint32 }

// NewRelationships compiles links, each pair of ASes once.
func NewRelationships(links []Link) *Relationships {
	r := &Relationships{edges: make([]edge, len(links)*3/2+1), customers: map[uint32]int{}}
	for _, k := range links {
		e := edge{min(k.A, k.B), max(k.A, k.B), sideways}
		if !k.Peers {
			e.way = down
			if k.B < k.A {
				e.way = up
			}
			r.customers[k.A]++
			r.upward = append(r.upward, supply{k.B, k.A})
		}
		r.add(e)
	}
	slices.SortFunc(r.upward, supply.compare)
	return r
}

// find gives the place of a pair, or the free one at which it would stand.
func (r *Relationships) find(low, high uint32) *edge {
	const golden = 0x9e3779b97f4a7c15 // spreads pairs of small numbers
	mixed := (uint64(low)<<32 | uint64(high)) * golden
	mixed ^= mixed >> 29 // into what is taken come both
	for i := int((mixed * golden >> 32) * uint64(len(r.edges)) >> 32); ; i++ {
		if i == len(r.edges) {
			i = 0
		}
		if e := &r.edges[i]; e.way == unknownWay || e.low == low && e.high == high {
			return e
		}
	}
}

// add takes a pair in; the first of two counts.
func (r *Relationships) add(e edge) {
	if place := r.find(e.low, e.high); place.way == unknownWay {
		*place = e
		r.pairs++
	}
}

func (s supply) compare(t supply) int {
	return cmp.Or(cmp.Compare(s.customer, t.customer), cmp.Compare(s.provider, t.provider))
}

// way is how a route travels from one AS to another that is its neighbour.
func (r *Relationships) way(from, to uint32) way {
	if r == nil {
		return unknownWay
	}
	w := r.find(min(from, to), max(from, to)).way
	if from < to {
		return w
	}
	return w.back()
}

// providers lists the providers of an AS.
func (r *Relationships) providers(asn uint32) []supply {
	i, _ := slices.BinarySearchFunc(r.upward, supply{customer: asn}, supply.compare)
	n := i
	for n < len(r.upward) && r.upward[n].customer == asn {
		n++
	}
	return r.upward[i:n]
}

// above says whether an AS is a provider of another one, or a provider of a provider of it, and so on.
func (r *Relationships) above(provider, customer uint32) bool {
	seen := map[uint32]bool{customer: true}
	for next := []uint32{customer}; len(next) > 0; {
		asn := next[len(next)-1]
		next = next[:len(next)-1]
		for _, p := range r.providers(asn) {
			if p.provider == provider {
				return true
			}
			if !seen[p.provider] {
				seen[p.provider] = true
				next = append(next, p.provider)
			}
		}
	}
	return false
}
