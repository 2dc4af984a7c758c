package detect

// Coverage is how much of what paths show the relationships know: pairs of neighbours, each counted once. Where few are known,
// the method has little to say.
type Coverage struct{ Pairs, Known int }

// maxPairs bounds the memory that counting takes; what comes after so many is not counted.
const maxPairs = 1 << 17

// coverage counts the pairs of neighbours on the trails that it sees.
type coverage struct {
	Coverage
	seen map[[2]uint32]struct{}
}

func (c *coverage) note(t *trail) {
	if t.Relationships == nil {
		return
	}
	for i := range max(len(t.hops)-1, 0) {
		a, b := min(t.hops[i], t.hops[i+1]), max(t.hops[i], t.hops[i+1])
		if a == 0 || t.organisation(a) == t.organisation(b) || len(c.seen) >= maxPairs {
			continue
		}
		if _, counted := c.seen[[2]uint32{a, b}]; counted {
			continue
		}
		if c.seen == nil {
			c.seen = map[[2]uint32]struct{}{}
		}
		c.seen[[2]uint32{a, b}] = struct{}{}
		c.Pairs++
		if t.way(i) != unknownWay {
			c.Known++
		}
	}
}

// Coverage is how much the relationships know of the paths that were judged since the settings are in force.
func (v *Verdicts) Coverage() Coverage { return v.coverage.Coverage }
