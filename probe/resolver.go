package probe

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
)

const (
	resolveEvery   = 5 * time.Minute
	resolveAgain   = 30 * time.Second // after a failure
	resolveTimeout = 5 * time.Second
	resolveAtOnce  = 8  // look-ups under way together
	maxAddrs       = 16 // of one name
)

// Lookup finds the addresses of a name; net.Resolver.LookupNetIP does.
type Lookup func(ctx context.Context, host string) ([]netip.Addr, error)

// Resolver turns sites into targets, and their names into addresses again and
// again.
type Resolver struct {
	lookup Lookup
	tell   func([]Target)
	log    *zap.Logger

	mu      sync.Mutex // guards sites and way
	sites   []Site
	way     Way
	changed chan struct{} // a token: sites or way are new
}

// NewResolver is inert. Run calls tell with all targets, in the order of the
// sites, whenever they have changed, and for the first time without waiting
// for any name.
func NewResolver(lookup Lookup, log *zap.Logger, tell func([]Target)) *Resolver {
	return &Resolver{lookup: lookup, tell: tell, log: log, changed: make(chan struct{}, 1)}
}

// String names the task.
func (r *Resolver) String() string { return "pop resolver" }

// Set replaces the sites. It may be called before and during Run.
func (r *Resolver) Set(sites []Site, way Way) {
	r.mu.Lock()
	r.sites, r.way = slices.Clone(sites), way
	r.mu.Unlock()
	select {
	case r.changed <- struct{}{}:
	default: // a token waits already
	}
}

// Run resolves until ctx is done.
func (r *Resolver) Run(ctx context.Context) error {
	names := make(names)
	var told []Target
	tell := func(sites []Site, way Way) {
		if now := names.expand(sites, way); told == nil || !slices.Equal(now, told) {
			told = now
			r.tell(now)
		}
	}
	for {
		r.mu.Lock()
		sites, way := r.sites, r.way
		r.mu.Unlock()
		names.keep(sites)
		tell(sites, way)
		r.resolve(ctx, names.due(time.Now()))
		if ctx.Err() != nil {
			return nil
		}
		tell(sites, way)
		if !r.wait(ctx, names.earliest()) {
			return nil
		}
	}
}

// wait returns when a name is due or Set was called; false when it is over.
func (r *Resolver) wait(ctx context.Context, due time.Time) bool {
	var tick <-chan time.Time
	if !due.IsZero() {
		timer := time.NewTimer(time.Until(due))
		defer timer.Stop()
		tick = timer.C
	}
	select {
	case <-ctx.Done():
		return false
	case <-r.changed:
	case <-tick:
	}
	return true
}

// resolve looks the names up, some at once, and waits for all.
func (r *Resolver) resolve(ctx context.Context, due []*name) {
	var group errgroup.Group
	group.SetLimit(resolveAtOnce)
	for _, n := range due {
		group.Go(func() error {
			r.resolveOne(ctx, n)
			return nil
		})
	}
	_ = group.Wait() // no look-up fails the others
}

// resolveOne looks one name up. If that fails the addresses stay as they were:
// a POP does not move because a name server is away.
func (r *Resolver) resolveOne(ctx context.Context, n *name) {
	limited, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	found, err := r.lookup(limited, n.host)
	addrs := tidy(found)
	if err != nil || len(addrs) == 0 {
		n.due = time.Now().Add(resolveAgain)
		if ctx.Err() == nil {
			r.log.Warn("pop name not resolved", zap.String("host", n.host), zap.Duration("retry", resolveAgain), zap.Error(err))
		}
		return
	}
	n.due = time.Now().Add(resolveEvery)
	if !slices.Equal(addrs, n.addrs) {
		r.log.Info("pop name resolved", zap.String("host", n.host), zap.Stringers("addresses", addrs))
	}
	n.addrs = addrs
}

// tidy gives a resolver's answer one form, whatever order it came in.
func tidy(found []netip.Addr) []netip.Addr {
	var addrs []netip.Addr
	for _, a := range found {
		addrs = append(addrs, a.Unmap())
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	addrs = slices.Compact(addrs)
	return addrs[:min(len(addrs), maxAddrs)]
}
