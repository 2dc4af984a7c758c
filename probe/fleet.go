package probe

import (
	"context"
	"net/netip"
	"slices"

	"go.uber.org/zap"
)

// fleet is the runners of one Scheduler.Run. It belongs to that goroutine.
type fleet struct {
	scheduler *Scheduler
	makers    map[string]maker // by kind
	runners   map[Target]*runner
}

func newFleet(s *Scheduler) *fleet {
	f := &fleet{scheduler: s, makers: make(map[string]maker), runners: make(map[Target]*runner)}
	for _, k := range s.kinds {
		f.makers[k.name] = k.open(s.log)
	}
	return f
}

// set starts the runners that are new and stops those that are gone.
func (f *fleet) set(ctx context.Context, targets []Target) {
	wanted := make(map[Target]bool, len(targets))
	for _, t := range targets {
		wanted[t] = true
	}
	var gone []*runner
	for t, r := range f.runners {
		if !wanted[t] {
			gone = append(gone, r)
			delete(f.runners, t)
		}
	}
	stopAll(gone)
	for t := range wanted {
		if f.runners[t] == nil {
			f.start(ctx, t)
		}
	}
}

func (f *fleet) start(ctx context.Context, t Target) {
	maker := f.makers[t.Method.Kind()]
	if maker == nil {
		f.scheduler.log.Error("unknown probe method", zap.Stringer("target", t))
		return
	}
	f.runners[t] = startRunner(ctx, f.scheduler, t, maker.prober(t))
}

// burst wakes the runners of these addresses.
func (f *fleet) burst(addrs map[netip.Addr]struct{}) {
	if len(addrs) == 0 {
		return
	}
	for t, r := range f.runners {
		if _, asked := addrs[t.Addr]; asked {
			r.burst()
		}
	}
}

// close stops every runner, waits, and ends what they shared.
func (f *fleet) close() {
	var all []*runner
	for _, r := range f.runners {
		all = append(all, r)
	}
	stopAll(all)
	for _, o := range f.makers {
		o.close()
	}
}

// stopAll tells all before it waits for any.
func stopAll(runners []*runner) {
	for _, r := range runners {
		r.cancel()
	}
	for r := range slices.Values(runners) {
		<-r.done
	}
}
