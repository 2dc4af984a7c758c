package detect_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"peervane/bgp"
	"peervane/bgp/detect"
)

// internet is a random topology: what each AS is to its neighbours. AS 64600 is a route server, and has no part in it.
type internet struct {
	is    map[[2]uint32]bgp.Relationship // {a, b}: what b is to a
	known map[[2]uint32]bool             // the pairs that the detectors are told of
	ring  map[uint32]uint32              // organisations of two
}

const (
	firstAS     = 64513
	routeServer = 64600
)

func drawInternet(t *rapid.T) *internet {
	w := &internet{map[[2]uint32]bgp.Relationship{}, map[[2]uint32]bool{}, map[uint32]uint32{}}
	n := uint32(rapid.IntRange(3, 9).Draw(t, "ASes"))
	kind := rapid.SampledFrom([]bgp.Relationship{bgp.Collector, bgp.Customer, bgp.Customer, bgp.Peer})
	// We are AS64512: nobody knows what others are to us but ourselves.
	for a := uint32(ourASN); a < firstAS+n; a++ {
		for b := a + 1; b < firstAS+n; b++ {
			is := kind.Draw(t, "relationship")
			if a == ourASN && rapid.Bool().Draw(t, "provider") {
				is = bgp.Provider
			}
			if is == bgp.Collector {
				continue
			}
			w.is[[2]uint32{a, b}], w.is[[2]uint32{b, a}] = is, mirrored[is]
			w.known[[2]uint32{a, b}] = rapid.IntRange(0, 9).Draw(t, "known") > 0
		}
	}
	if rapid.Bool().Draw(t, "siblings") {
		w.ring[firstAS+1], w.ring[firstAS+2] = firstAS+1, firstAS+1
	}
	return w
}

var mirrored = map[bgp.Relationship]bgp.Relationship{bgp.Customer: bgp.Provider, bgp.Provider: bgp.Customer, bgp.Peer: bgp.Peer}

// relationships is what of it is known, as a file would tell it.
func (w *internet) relationships() string {
	var words []string
	for pair, known := range w.known {
		a, b := pair[0], pair[1]
		switch {
		case !known || a == ourASN:
		case w.is[pair] == bgp.Customer:
			words = append(words, fmt.Sprintf("%d|%d|-1", a, b))
		default:
			words = append(words, fmt.Sprintf("%d|%d|0", a, b))
		}
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

// drawWalk carries a route from a random origin from neighbour to neighbour, as nobody's policy would, until it reaches us
// or stops. The nearest AS comes first.
func (w *internet) drawWalk(t *rapid.T) []uint32 {
	at := uint32(firstAS + rapid.IntRange(0, 2).Draw(t, "origin"))
	walk := []uint32{at}
	for len(walk) < 8 && at != ourASN {
		var next []uint32
		for pair := range w.is {
			if pair[0] == at && !slices.Contains(walk, pair[1]) {
				next = append(next, pair[1])
			}
		}
		if len(next) == 0 {
			break
		}
		slices.Sort(next)
		at = rapid.SampledFrom(next).Draw(t, "next")
		walk = append([]uint32{at}, walk...)
	}
	return walk
}

// leakedBy is the oracle. It carries the route from AS to AS again, and asks each one: from whom do you have it, and to whom
// do you give it? "Routes of customers and one's own may go to anybody, all others to customers only."
func (w *internet) leakedBy(walk []uint32) (leaker uint32, leakType int) {
	origin := len(walk) - 1
	giver := -1 // whoever gave it to this organisation; -1: nobody, it is the origin's
	into := -1  // and the AS of it that got it
	for i := origin; i > 0; i-- {
		me, taker := walk[i], walk[i-1]
		if w.same(me, taker) {
			continue // it stays at home
		}
		if giver >= 0 && w.told(walk[into], walk[giver]) && w.told(me, taker) {
			from, to := w.is[[2]uint32{walk[into], walk[giver]}], w.is[[2]uint32{me, taker}]
			if from != bgp.Customer && to != bgp.Customer {
				return me, map[[2]bgp.Relationship]int{
					{bgp.Provider, bgp.Provider}: 1, {bgp.Peer, bgp.Peer}: 2, {bgp.Provider, bgp.Peer}: 3, {bgp.Peer, bgp.Provider}: 4,
				}[[2]bgp.Relationship{from, to}]
			}
		}
		giver, into = i, i-1
	}
	return 0, 0
}

func (w *internet) same(a, b uint32) bool {
	return w.ring[a] != 0 && w.ring[a] == w.ring[b]
}

// told says whether the detectors know what two ASes are to each other: what our neighbours are to us, they always do.
func (w *internet) told(a, b uint32) bool {
	return a == ourASN || b == ourASN || w.known[[2]uint32{min(a, b), max(a, b)}]
}

// For random topologies and routes that are leaked at random, the verdict by relationships is that of an oracle which asks
// each AS on the way.
func TestValleyFreeEqualsTheOracle(t *testing.T) {
	kinds := map[int]int{}
	rapid.Check(t, func(t *rapid.T) {
		w := drawInternet(t)
		l := newLab(t)
		l.reg.Policy.AnyOrigin = true
		l.relate(w.relationships())
		l.settings.Siblings = w.ring
		l.settings.RouteServers = map[uint32]bool{routeServer: true}
		walk := w.drawWalk(t)
		leaker, leakType := w.leakedBy(walk)
		kinds[leakType]++

		var want []string
		if leaker != 0 {
			want = []string{fmt.Sprintf("AS%d type %d by relationships", leaker, leakType)}
		}
		path := w.decorated(t, walk)
		if walk[0] == ourASN && len(walk) > 1 {
			s := l.peer("e1", walk[1], w.is[[2]uint32{ourASN, walk[1]}])
			l.announce(s, exact, path)
		} else {
			l.announce(l.collector("rrc00", walk[0]), exact, path)
		}
		if got := leaks(l.judge()); !slices.Equal(got, want) {
			t.Fatalf("%s\n%s\n got %q\nwant %q", w.relationships(), path, got, want)
		}
	})
	t.Logf("routes by type of leak: %v", kinds)
}

// decorated writes a walk as a path, with prepends and a route server between, which change nothing.
func (w *internet) decorated(t *rapid.T, walk []uint32) string {
	var words []string
	for i, as := range walk {
		if as == ourASN {
			continue
		}
		for range rapid.IntRange(1, 2).Draw(t, "prepends") {
			words = append(words, fmt.Sprint(as))
		}
		if i > 0 && i+1 < len(walk) && rapid.IntRange(0, 5).Draw(t, "over a route server") == 0 {
			words = append(words, fmt.Sprint(routeServer))
		}
	}
	return strings.Join(words, " ")
}

// In a random path over a few tier-1 networks, the tier-1 method sees what a search for each triple of hops sees.
func TestTier1EqualsTheOracle(t *testing.T) {
	tier1 := []uint32{1, 2, 3}
	rapid.Check(t, func(t *rapid.T) {
		path := rapid.SliceOfN(rapid.Uint32Range(1, 9), 1, 7).Draw(t, "path")
		l := newLab(t)
		l.reg.Policy.AnyOrigin = true
		l.settings.Tier1 = detect.Tier1(tier1)
		l.announce(l.collector("rrc00", path[0]), exact, strings.Trim(strings.ReplaceAll(fmt.Sprint(path), ",", " "), "[]"))
		if got, want := len(leaks(l.judge())) > 0, between(path, tier1); got != want {
			t.Fatalf("%v: leaked %v, want %v", path, got, want)
		}
	})
}

// between says whether some AS that is no tier-1 has a tier-1 on each side, in what stands left of the first loop.
func between(path, tier1 []uint32) bool {
	path = slices.Compact(slices.Clone(path))
	for i := range path {
		if slices.Contains(path[i+1:], path[i]) {
			path = path[:i+1]
			break
		}
	}
	is := func(as uint32) bool { return slices.Contains(tier1, as) }
	for i := range path {
		if !is(path[i]) && slices.ContainsFunc(path[:i], is) && slices.ContainsFunc(path[i+1:], is) {
			return true
		}
	}
	return false
}
