package stats

import (
	"maps"
	"slices"
	"time"
)

// candidate is one POP.
type candidate struct {
	name   string
	ways   map[string]*Window
	reach  *Reach
	better int // batches in a row that found it better than the current one
}

func (c *candidate) add(via string, s Sample) {
	w := c.ways[via]
	if w == nil {
		w = NewWindow(nearestSpan)
		c.ways[via] = w
	}
	w.Add(s)
	c.reach.Add(via, s)
}

// best is the way with the lowest round-trip time among those whose loss is
// below a limit; false when there is none, or the POP is down.
func (c *candidate) best(limit float64, now time.Time) (via string, lowest time.Duration, ok bool) {
	if _, down := c.reach.Down(); down {
		return "", 0, false
	}
	for _, name := range slices.Sorted(maps.Keys(c.ways)) {
		w := c.ways[name]
		w.Expire(now)
		rtt, answered := w.Min()
		if answered && w.Loss() < limit && (!ok || rtt < lowest) {
			via, lowest, ok = name, rtt, true
		}
	}
	return via, lowest, ok
}
