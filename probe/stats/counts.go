package stats

// Counts are the sums of samples.
type Counts struct {
	Batches     int
	Sent        int
	Received    int
	Late        int // those that came after their batch included
	Refused     int
	Unreachable int
	Lost        int // those that came after their batch not included
	LocalDrop   int
	Duplicate   int
	Foreign     int
}

// Loss is the unanswered share of what was measured, 0 to 1.
func (c Counts) Loss() float64 {
	measured := c.Sent - c.LocalDrop
	if measured <= 0 {
		return 0
	}
	return float64(c.Lost+c.Unreachable) / float64(measured)
}

// sums are Counts as they are added up, before late answers are set against
// losses.
type sums struct {
	Counts
	recovered int
}

// sumsOf is what one sample adds.
func sumsOf(s *Sample) sums {
	return sums{recovered: s.Recovered, Counts: Counts{
		Batches: 1, Sent: s.Sent, Received: s.Received, Late: s.Late, Refused: s.Refused, Unreachable: s.Unreachable,
		Lost: s.Lost, LocalDrop: s.LocalDrop, Duplicate: s.Duplicate, Foreign: s.Foreign,
	}}
}

// add adds others; with sign -1 it takes them back.
func (c *sums) add(o sums, sign int) {
	c.Batches += sign * o.Batches
	c.Sent += sign * o.Sent
	c.Received += sign * o.Received
	c.Late += sign * o.Late
	c.Refused += sign * o.Refused
	c.Unreachable += sign * o.Unreachable
	c.Lost += sign * o.Lost
	c.LocalDrop += sign * o.LocalDrop
	c.Duplicate += sign * o.Duplicate
	c.Foreign += sign * o.Foreign
	c.recovered += sign * o.recovered
}

// settled sets the answers that came after their batch against its losses.
// Where that batch is not among those counted, there may be none.
func (c sums) settled() Counts {
	late := min(c.recovered, c.Lost)
	c.Lost -= late
	c.Late += late
	return c.Counts
}
