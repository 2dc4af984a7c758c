package stats

import "time"

const (
	cusumClip = 4.0  // one batch counts for no more sigmas than this
	cusumK    = 1.0  // sigmas that are not yet a shift
	cusumH    = 15.0 // (clip - k) * 5: no fewer than 5 batches can fire
)

// cusum is one side of Page's cumulative sum over batch scores.
type cusum struct {
	sum   float64
	run   int       // batches since the sum was 0: what the shift is judged by
	since time.Time // start of the first of them
}

// add takes in the score of a batch, positive in the direction of this side,
// and is true when the sum has reached the threshold.
func (c *cusum) add(score float64, started time.Time) bool {
	score = min(max(score, -cusumClip), cusumClip)
	if c.run == 0 {
		c.since = started
	}
	c.run++
	c.sum += score - cusumK
	if c.sum <= 0 {
		*c = cusum{}
	}
	return c.sum >= cusumH
}
