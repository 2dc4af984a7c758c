package probe

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"
)

// silentBatches is how many batches in a row may go unanswered before a flow
// takes another id. A flow keeps its id, so that routers which hash it keep it
// on one of several equal paths; but a stateful firewall may have pinned the id
// to a state that no longer passes.
const silentBatches = 3

// icmpMaker holds the lanes that all ICMP flows share.
type icmpMaker struct{ lanes *lanes }

func openICMP(log *zap.Logger) maker {
	return icmpMaker{newLanes(log)}
}

func (o icmpMaker) prober(t Target) prober {
	return &icmpFlow{target: t, lanes: o.lanes}
}

// close has nothing to do: each lane ends with the last flow that uses it.
func (o icmpMaker) close() {}

// tally counts answers that come outside the batch that they answer.
type tally struct{ recovered, duplicate, foreign int }

// icmpFlow is the probes to one target, on one lane at a time.
type icmpFlow struct {
	target Target
	lanes  *lanes

	mu     sync.Mutex // guards all below; a lane's lock may be held when it is taken
	lane   *lane      // nil before the first batch, and after a failure
	silent int        // batches in a row that nothing answered
	tally  tally      // since the last batch was handed out
	left   uint64     // serial of the lane that was given up: the next is a later one
}

// count adds to the tally. An answer, however late, shows that the id works.
func (f *icmpFlow) count(t tally) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tally.recovered += t.recovered
	f.tally.duplicate += t.duplicate
	f.tally.foreign += t.foreign
	if t.recovered > 0 {
		f.silent = 0
	}
}

// probe sends one batch and waits until all of it is answered or its last
// packet has timed out.
func (f *icmpFlow) probe(ctx context.Context, s Settings) Batch {
	b := Batch{Target: f.target}
	b.Started = time.Now()
	lane, err := f.hold()
	if err != nil {
		b.Ended, b.Err = time.Now(), err.Error()
		return b
	}
	defer f.lanes.release(lane)
	r := newRound(s)
	f.fly(ctx, lane, r, s)
	for _, o := range lane.conclude(r) {
		b.add(o)
	}
	b.Ended = time.Now()
	if r.failure != nil {
		b.Err = "send icmp echo: " + r.failure.Error()
	}
	f.account(&b, lane)
	return b
}

// fly sends the packets of a round, spaced and paced, and waits for answers.
func (f *icmpFlow) fly(ctx context.Context, l *lane, r *round, s Settings) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for range s.Packets {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
			pause.Reset(s.Spacing)
		}
		if l.pace.Wait(ctx) != nil {
			return
		}
		l.send(r, f)
	}
	pause.Reset(s.Timeout)
	select {
	case <-ctx.Done():
	case <-r.done:
	case <-pause.C:
	}
}

// hold gives the lane of the flow, and a reference to it for one batch.
func (f *icmpFlow) hold() (*lane, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lane == nil {
		l, err := f.lanes.acquire(pathOf(f.target), f.left)
		if err != nil {
			return nil, err
		}
		f.lane = l
	}
	f.lanes.retain(f.lane)
	return f.lane, nil
}

// account takes the tally into a batch, and leaves a lane that stays silent.
func (f *icmpFlow) account(b *Batch, used *lane) {
	f.mu.Lock()
	b.Recovered, b.Duplicate, b.Foreign = f.tally.recovered, f.tally.duplicate, f.tally.foreign
	f.tally = tally{}
	f.silent++
	if b.Answered()+b.Recovered > 0 {
		f.silent = 0
	}
	giveUp := f.silent >= silentBatches && f.lane == used
	if giveUp {
		f.lane, f.left, f.silent = nil, used.serial, 0
	}
	f.mu.Unlock()
	if giveUp {
		f.lanes.release(used)
	}
}

// close lets go of the lane. No batch is under way any more.
func (f *icmpFlow) close() {
	if f.lane != nil {
		f.lanes.release(f.lane)
	}
}
