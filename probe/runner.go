package probe

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"
)

// maxOverlap bounds the batches of one target that are under way at once. When
// a timeout that is so much longer than the interval reaches it, the schedule
// slips.
const maxOverlap = 16

// runner keeps the schedule of one target.
type runner struct {
	target    Target
	scheduler *Scheduler
	prober    prober
	extra     chan struct{} // a token: a burst is asked for
	bursting  bool          // one is under way; belongs to run
	burstOver chan struct{} // a token: it has ended
	slots     chan struct{} // bounds the batches under way
	cancel    context.CancelFunc
	done      chan struct{} // closed when the runner and its batches have ended
	failure   string        // of the last batch that was handed out
}

func startRunner(ctx context.Context, s *Scheduler, t Target, p prober) *runner {
	ctx, cancel := context.WithCancel(ctx)
	r := &runner{
		target: t, scheduler: s, prober: p, cancel: cancel,
		extra:     make(chan struct{}, 1),
		burstOver: make(chan struct{}, 1),
		slots:     make(chan struct{}, maxOverlap),
		done:      make(chan struct{}),
	}
	go r.run(ctx)
	return r
}

// burst asks for an extra batch. Requests that wait already are one.
func (r *runner) burst() {
	select {
	case r.extra <- struct{}{}:
	default:
	}
}

// run starts a batch at each tick and each burst. Batches may overlap, since
// the timeout is independent of the interval, but are handed out in the order
// in which they started.
func (r *runner) run(ctx context.Context) {
	var batches sync.WaitGroup
	defer close(r.done)
	defer r.prober.close()
	defer batches.Wait()
	tick := time.NewTimer(jitter(r.scheduler.settings.Load().Interval))
	defer tick.Stop()
	previous := make(chan struct{})
	close(previous)
	for {
		burst, ok := r.next(ctx, tick)
		if !ok {
			return
		}
		before, after := previous, make(chan struct{})
		batches.Go(func() { r.batch(ctx, burst, before, after) })
		previous = after
	}
}

// next waits until a batch is due, and may start; false when it is all over.
// Of bursts there is one at a time, however often the routes change.
func (r *runner) next(ctx context.Context, tick *time.Timer) (burst, ok bool) {
	for due := false; !due; {
		extra := r.extra
		if r.bursting {
			extra = nil
		}
		due = true
		select {
		case <-ctx.Done():
			return false, false
		case <-tick.C:
			tick.Reset(r.scheduler.settings.Load().Interval)
		case <-extra:
			burst, r.bursting = true, true
		case <-r.burstOver:
			due, r.bursting = false, false
		}
	}
	select {
	case <-ctx.Done():
		return false, false
	case r.slots <- struct{}{}:
		return burst, true
	}
}

// batch runs one batch and hands it out after the one before it.
func (r *runner) batch(ctx context.Context, burst bool, before <-chan struct{}, after chan<- struct{}) {
	defer func() { <-r.slots }()
	defer close(after)
	b := r.prober.probe(ctx, *r.scheduler.settings.Load())
	if burst {
		r.burstOver <- struct{}{}
	}
	<-before
	if ctx.Err() != nil {
		return // cut short: it measured nothing whole
	}
	b.Burst = burst
	r.report(b.Err)
	r.scheduler.emit(b)
}

// report logs when probing starts to fail in this host, and when it ends; not
// each batch between. Batches call it one after the other.
func (r *runner) report(failure string) {
	if failure == r.failure {
		return
	}
	r.failure = failure
	if failure == "" {
		r.scheduler.log.Info("probe works again", zap.Stringer("target", r.target))
		return
	}
	r.scheduler.log.Warn("probe fails", zap.Stringer("target", r.target), zap.String("error", failure))
}
