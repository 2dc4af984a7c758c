package stats

import "time"

// silentBatches is how many batches in a row must be wholly lost before a way
// to a POP counts as down.
const silentBatches = 3

// Reach judges whether a POP answers at all: it is down once the last three
// batches by every way to it, each address, method and source, were wholly
// lost. One answer by any of them ends that.
type Reach struct{ ways map[string]contact }

// contact is what is known of one way.
type contact struct {
	silent   int       // batches in a row that were lost
	since    time.Time // start of the first of them
	lost     time.Time // and of the last
	answered time.Time // start of the last batch that was answered
	back     time.Time // end of the first that was, after one that was lost; zero: none was
}

// NewReach knows of no way yet.
func NewReach() *Reach { return &Reach{ways: make(map[string]contact)} }

// Add takes in a sample by one way. A sample that measured nothing, because
// this host could not send, changes nothing.
func (r *Reach) Add(via string, s Sample) {
	c := r.ways[via]
	switch {
	case s.Answered()+s.Recovered > 0:
		if c.silent > 0 {
			c.back = s.Ended
		}
		c.silent, c.answered = 0, s.Started
	case s.FullyLost():
		if c.silent == 0 {
			c.since = s.Started
		}
		c.silent, c.lost = c.silent+1, s.Started
	}
	r.ways[via] = c
}

// Forget drops a way that is no longer probed.
func (r *Reach) Forget(via string) { delete(r.ways, via) }

// Down is true while no way answers, with the time since when none has.
func (r *Reach) Down() (since time.Time, down bool) {
	for _, c := range r.ways {
		if c.silent < silentBatches {
			return time.Time{}, false
		}
		if !down || c.since.After(since) {
			since, down = c.since, true
		}
	}
	return since, down
}

// lastLost is when the last batch that was lost by every way started.
func (r *Reach) lastLost() (at time.Time) {
	for _, c := range r.ways {
		if at.IsZero() || c.lost.Before(at) {
			at = c.lost
		}
	}
	return at
}

// AnswersInstead is true of a POP that answers while another one, which is down, does not. Where this host was cut off from both,
// one falls silent and comes back a little before the other, and that tells nothing: a batch that it answered must have started
// after the silence of the other did, and if it was silent too, one that the other lost must have started after it came back.
func (r *Reach) AnswersInstead(of *Reach) bool {
	since, _ := of.Down()
	lost := of.lastLost()
	for _, c := range r.ways {
		if c.silent == 0 && !c.answered.Before(since) && !lost.Before(c.back) {
			return true
		}
	}
	return false
}

// Answering is true when the last batch of some way was answered.
func (r *Reach) Answering() bool {
	for _, c := range r.ways {
		if c.silent == 0 {
			return true
		}
	}
	return false
}
