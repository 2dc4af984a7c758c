package detect

import (
	"fmt"

	"peervane/bgp"
)

// leakMethod is one way to see that a route is leaked. It says nothing where it cannot judge.
type leakMethod struct {
	name  string
	judge func(*trail) *suspicion
}

// leakMethods are all of them. Where the leaker is not certain, what the first says counts, as far as the others agree.
var leakMethods = []leakMethod{
	{"relationships", byRelationships},
	{"aspa", byASPA},
	{"otc", byOTC},
	{"tier1", byTier1},
	{"peerlock", byPeerlock},
	{"role", byRole},
	{"no_export", byNoExport},
}

// suspicion is what a method says of a leaked route.
type suspicion struct {
	suspects []int // the hops of the trail that can have leaked it, the most likely one first; never empty
	reason   string
	leakType int // RFC 7908 section 3; 0: as the ways at the turn tell
}

// leak is what all methods together say of a route.
type leak struct {
	leaker   uint32
	leakType int // RFC 7908 section 3; 0: none of its types
	methods  []string
	reasons  []string // of each method
	turn     string   // TAKER -> LEAKER -> GIVER
}

// routeLeak: a route was passed on against the relationships of those who passed it (RFC 7908).
func routeLeak(s *State, h *Held) *offence {
	l := s.leak(&h.Seen)
	if l == nil {
		return nil
	}
	return &offence{culprit: l.leaker, methods: l.methods, leakType: l.leakType, hints: l.reasons}
}

func routeLeakSummary(s *State, f *bgp.Finding) string {
	turn := asn(f.Culprit)
	if l := s.leak(&f.Routes[0]); l != nil {
		turn = l.turn
	}
	return fmt.Sprintf("%s leaked by %s: %s; %s (%s)", f.Offending, asn(f.Culprit), turn, seenBy(f), example(f))
}

// leak judges a route, or remembers what was found of one like it.
func (s *State) leak(r *bgp.Seen) *leak {
	return s.Verdicts.leak(s.Settings, route{
		path: r.Attrs.Path, otc: r.Attrs.OTC, hasOTC: r.Attrs.HasOTC, noExport: s.Reg.Policy.NoExport,
		relationship: r.Vantage.Relationship, asn: r.Vantage.ASN, local: r.Vantage.LocalASN,
	})
}

// leak lets every method speak.
func (t *trail) leak() *leak {
	var l *leak
	var suspects []int
	told := 0 // the type of the leak, where a method tells it itself
	for _, m := range leakMethods {
		s := m.judge(t)
		if s == nil {
			continue
		}
		if l == nil {
			l = &leak{}
			suspects = s.suspects
		} else if both := common(suspects, s.suspects); len(both) > 0 {
			suspects = both
		}
		if told == 0 {
			told = s.leakType
		}
		l.methods, l.reasons = append(l.methods, m.name), append(l.reasons, m.name+": "+s.reason)
	}
	if l != nil {
		l.blame(t, suspects, told)
	}
	return l
}

// common keeps those of a that are in b too.
func common(a, b []int) (both []int) {
	in := make(map[int]bool, len(b))
	for _, i := range b {
		in[i] = true
	}
	for _, i := range a {
		if in[i] {
			both = append(both, i)
		}
	}
	return both
}

// blame names the leaker.
func (l *leak) blame(t *trail, suspects []int, told int) {
	at := t.named(suspects)
	l.leaker, l.turn = t.hops[at], t.turnAt(at)
	if l.leaker == 0 {
		l.leaker = t.asn
	}
	came, goes := t.came(at), t.goes(at)
	switch {
	case came.falling() && goes.rising():
		l.leakType = leakTypes[[2]way{came, goes}]
	case told != 0:
		l.leakType = told
	case at+1 < len(t.hops) && l.methods[0] != "no_export":
		// Who is what to the leaker is not known, but somebody is above it: most networks that leak have the route from a
		// provider and give it to one.
		l.leakType = leakTypes[[2]way{known(came, came.falling(), down), known(goes, goes.rising(), up)}]
	}
}

// named is the most likely suspect that has a name, or else the next AS on the way to us.
func (t *trail) named(suspects []int) int {
	for _, i := range suspects {
		if t.hops[i] != 0 {
			return i
		}
	}
	at := suspects[0]
	for at > 0 && t.hops[at] == 0 {
		at--
	}
	return at
}

func known(w way, is bool, otherwise way) way {
	if is {
		return w
	}
	return otherwise
}

// leakTypes are those of RFC 7908 section 3, by how the route came to the leaker and how it left. Types 5 and 6 are no
// matter of the path.
var leakTypes = map[[2]way]int{
	{down, up}:           1, // hairpin turn
	{sideways, sideways}: 2, // lateral
	{down, sideways}:     3, // a provider's route to a peer
	{sideways, up}:       4, // a peer's route to a provider
}

// came is how the route came to an AS, its siblings left out, and goes how it left.
func (t *trail) came(i int) way {
	for t.way(i) == inside {
		i++
	}
	return t.way(i)
}

func (t *trail) goes(i int) way {
	for i--; i > us && t.way(i) == inside; i-- {
	}
	return t.way(i)
}

// turnAt shows a turn as the path does, nearest AS first: TAKER -> LEAKER -> GIVER, with what each is to the leaker.
func (t *trail) turnAt(i int) string {
	text := t.name(i-1) + relation(t.way(i-1)) + " -> " + t.name(i)
	if i+1 < len(t.hops) {
		text += " -> " + t.name(i+1) + relation(t.way(i).back())
	}
	return text
}

// name is what a hop, or we ourselves, are called.
func (t *trail) name(i int) string {
	switch {
	case i == us && t.local == 0:
		return "the collector"
	case i == us:
		return asn(t.local) + " (us)"
	case t.hops[i] == 0:
		return "an unknown AS"
	}
	return asn(t.hops[i])
}

// relation says what the AS is to us that a route goes to on this way; nothing where that is not known.
func relation(w way) string {
	if w == unknownWay {
		return ""
	}
	return " (" + partner(w) + ")"
}
