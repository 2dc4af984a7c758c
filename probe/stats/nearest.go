package stats

import "time"

const (
	nearestSpan    = 10 * time.Minute // of the minimum, and of rest after a change
	nearestLoss    = 0.20             // at and above it a way is no candidate
	nearestBetter  = 2 * time.Millisecond
	nearestShare   = 0.10
	nearestBatches = 6 // that a challenger must be better for
	anyLoss        = 2 // more than all
)

// Reason says why the nearest POP changed.
type Reason string

const (
	ReasonFirst   Reason = "first"   // the first to answer
	ReasonCloser  Reason = "closer"  // better by enough for long enough
	ReasonFailed  Reason = "failed"  // the one before no longer answers
	ReasonRemoved Reason = "removed" // the one before is no longer probed
)

// Change is a new nearest POP.
type Change struct {
	From   string        `json:"from"`
	To     string        `json:"to"`
	Reason Reason        `json:"reason"`
	Before time.Duration `json:"before"` // lowest round-trip time of From, 0 = none
	After  time.Duration `json:"after"`  // of To
}

// Nearest chooses among the POPs of one service, for one family and source:
// the lowest minimum round-trip time over 10 minutes among those with under
// 20 % loss. To replace it a challenger must be better by 2 ms or 10 %,
// whichever is more, for 6 batches, and not within 10 minutes of the change
// before. One whose last three batches were wholly lost is replaced at once.
type Nearest struct {
	pops    map[string]*candidate
	current string
	rested  time.Time // no challenger before then
}

// NewNearest knows of no POP yet.
func NewNearest() *Nearest {
	return &Nearest{pops: make(map[string]*candidate)}
}

// Resume goes on with the POP that was the nearest in an earlier run. Until it answers, or has not for as long as a challenger
// needs, nothing has changed.
func (n *Nearest) Resume(pop string) {
	n.candidate(pop)
	n.current = pop
}

// Current is the nearest POP; "" before any has answered.
func (n *Nearest) Current() string { return n.current }

// Lowest is the lowest round-trip time of a POP within the span.
func (n *Nearest) Lowest(pop string, now time.Time) (time.Duration, bool) {
	c := n.pops[pop]
	if c == nil {
		return 0, false
	}
	_, lowest, ok := c.best(anyLoss, now)
	return lowest, ok
}

// Add takes in a sample of one way to a POP: an address and a method.
func (n *Nearest) Add(pop, via string, s Sample) (Change, bool) {
	c := n.candidate(pop)
	c.add(via, s)
	if n.current == "" {
		return n.choose(ReasonFirst, s.Ended)
	}
	if _, down := n.pops[n.current].reach.Down(); down {
		return n.choose(ReasonFailed, s.Ended)
	}
	return n.challenge(c, via, s.Ended)
}

func (n *Nearest) candidate(pop string) *candidate {
	c := n.pops[pop]
	if c == nil {
		c = &candidate{name: pop, ways: make(map[string]*Window), reach: NewReach()}
		n.pops[pop] = c
	}
	return c
}

// Forget drops a way that is no longer probed, and a POP with its last way.
func (n *Nearest) Forget(pop, via string, now time.Time) (Change, bool) {
	c := n.pops[pop]
	if c == nil {
		return Change{}, false
	}
	delete(c.ways, via)
	c.reach.Forget(via)
	if len(c.ways) > 0 {
		return Change{}, false
	}
	delete(n.pops, pop)
	if pop != n.current {
		return Change{}, false
	}
	change, found := n.choose(ReasonRemoved, now)
	if !found {
		n.current = ""
	}
	return change, found
}

// choose takes the best of the others at once, if there is one. Where all lose
// too much, one that loses is still better than none.
func (n *Nearest) choose(why Reason, now time.Time) (Change, bool) {
	for _, limit := range []float64{nearestLoss, anyLoss} {
		if best := n.bestOther(limit, now); best != nil {
			return n.replace(best, why, now), true
		}
	}
	return Change{}, false
}

// bestOther is the closest POP but the current one; nil when there is none. One
// that is not known to answer while that is silent is none: perhaps it is we
// who are cut off.
func (n *Nearest) bestOther(limit float64, now time.Time) *candidate {
	var best *candidate
	var lowest time.Duration
	for _, c := range n.pops {
		_, rtt, ok := c.best(limit, now)
		if !ok || c.name == n.current || !n.answersInstead(c) {
			continue
		}
		if best == nil || rtt < lowest || rtt == lowest && c.name < best.name {
			best, lowest = c, rtt
		}
	}
	return best
}

// answersInstead says whether a POP answers, and, where the current one does not,
// whether that is no matter of time.
func (n *Nearest) answersInstead(c *candidate) bool {
	if current := n.pops[n.current]; current != nil {
		return c.reach.AnswersInstead(current.reach)
	}
	return c.reach.Answering()
}

// challenge counts the batches for which a POP was better than the current
// one. Only those by its best way count: many ways are no faster a proof.
func (n *Nearest) challenge(c *candidate, via string, now time.Time) (Change, bool) {
	if c.name == n.current {
		return Change{}, false
	}
	best, rtt, ok := c.best(nearestLoss, now)
	switch {
	case !ok || !n.betterThanCurrent(rtt, now):
		c.better = 0
	case via == best:
		c.better++
	}
	if c.better < nearestBatches || now.Sub(n.rested) < 0 || !n.bestChallenger(c, rtt, now) {
		return Change{}, false
	}
	return n.replace(c, ReasonCloser, now), true
}

// betterThanCurrent is true of a round-trip time that would justify a change.
// Against a POP that loses too much to be a candidate, any does.
func (n *Nearest) betterThanCurrent(rtt time.Duration, now time.Time) bool {
	_, current, ok := n.pops[n.current].best(nearestLoss, now)
	return !ok || current-rtt >= max(nearestBetter, time.Duration(nearestShare*float64(current)))
}

// bestChallenger is true unless another POP with as good a proof is closer, or will have it with its next batch: for ten minutes it
// could not take the place.
func (n *Nearest) bestChallenger(c *candidate, lowest time.Duration, now time.Time) bool {
	for _, other := range n.pops {
		if other == c || other.better < nearestBatches-1 {
			continue
		}
		if _, rtt, ok := other.best(nearestLoss, now); ok && rtt < lowest {
			return false
		}
	}
	return true
}

// replace makes a POP the nearest. The first choice needs no rest: the others
// may not have answered yet.
func (n *Nearest) replace(c *candidate, why Reason, now time.Time) Change {
	change := Change{From: n.current, To: c.name, Reason: why}
	change.Before, _ = n.Lowest(n.current, now)
	change.After, _ = n.Lowest(c.name, now)
	n.current = c.name
	if why != ReasonFirst {
		n.rested = now.Add(nearestSpan)
	}
	for _, other := range n.pops {
		other.better = 0
	}
	return change
}
