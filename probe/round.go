package probe

import (
	"time"

	"peervane/probe/stats"
)

// round is one batch under way on one lane, whose lock guards it.
type round struct {
	outcomes []Outcome // of what was sent so far
	flights  []*flight // of the same places; nil where sending failed
	timeout  time.Duration
	waiting  int           // probes without an answer, those still to be sent included
	done     chan struct{} // closed when none is left
	failure  error         // of sending
}

func newRound(s Settings) *round {
	return &round{timeout: s.Timeout, waiting: s.Packets, done: make(chan struct{})}
}

// settle notes what became of a probe for good.
func (r *round) settle(o Outcome) {
	r.outcomes[o.Seq] = o
	r.waiting--
	if r.waiting == 0 {
		close(r.done)
	}
}

// fail notes that a probe could not be sent.
func (r *round) fail(place int, err error) {
	r.failure, r.flights[place] = err, nil
	o := r.outcomes[place]
	kind, known := localKind(err)
	if !known {
		kind = stats.LocalDrop
	}
	o.Kind = kind
	r.settle(o)
}

// end lets go of the flights: what is answered from now on belongs to a later
// batch.
func (r *round) end() {
	for _, f := range r.flights {
		if f != nil {
			f.round = nil
		}
	}
}

// blameSocket turns losses into local drops, as many as the socket is known to
// have dropped since the probe was sent and no other loss has claimed. It
// returns the new count of claimed drops.
func (r *round) blameSocket(drops, claimed uint32) uint32 {
	for i, f := range r.flights {
		if f == nil || r.outcomes[i].Kind != stats.Lost {
			continue
		}
		claimed = max(claimed, f.drops)
		if claimed < drops {
			claimed++
			r.outcomes[i].Kind = stats.LocalDrop
		}
	}
	return claimed
}
