package stats

import "time"

// silentBatches is how many batches in a row must be wholly lost before a way
// to a POP counts as down.
const silentBatches = 3

// Reach judges whether a POP answers at all: it is down once the last three
// batches by every way to it, each address, method and source, were wholly
// lost. One answer by any of them ends that.
type Reach struct {
	silent map[string]int       // batches in a row, by way
	since  map[string]time.Time // start of the first of them
	back   map[string]bool      // the last batch is the first that was answered after such a silence
}

// NewReach knows of no way yet.
func NewReach() *Reach {
	return &Reach{silent: make(map[string]int), since: make(map[string]time.Time), back: make(map[string]bool)}
}

// Add takes in a sample by one way. A sample that measured nothing, because
// this host could not send, changes nothing.
func (r *Reach) Add(via string, s Sample) {
	switch {
	case s.Answered()+s.Recovered > 0:
		r.back[via] = r.silent[via] >= silentBatches
		r.silent[via] = 0
	case s.FullyLost():
		if r.silent[via] == 0 {
			r.since[via] = s.Started
		}
		r.silent[via]++
	}
}

// Forget drops a way that is no longer probed.
func (r *Reach) Forget(via string) {
	delete(r.silent, via)
	delete(r.since, via)
	delete(r.back, via)
}

// Down is true while no way answers, with the time since when none has.
func (r *Reach) Down() (since time.Time, down bool) {
	for via, n := range r.silent {
		if n < silentBatches {
			return time.Time{}, false
		}
		if began := r.since[via]; !down || began.After(since) {
			since, down = began, true
		}
	}
	return since, down
}

// Answering is true when the last batch of some way was answered. One that has just come back is not yet: where all were cut off,
// the others come back with their next batch, too.
func (r *Reach) Answering() bool {
	for via, n := range r.silent {
		if n == 0 && !r.back[via] {
			return true
		}
	}
	return false
}
