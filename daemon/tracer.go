package daemon

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/bgp/source"
	"peervane/daemon/join"
	"peervane/probe"
)

// tracer follows the way to the POPs: from time to time, for a way to compare with, and when something has happened to one. One
// trace goes on at a time; a path that is asked for twice meanwhile is traced once.
type tracer struct {
	log    *zap.Logger
	trace  func(context.Context, probe.Target) (probe.Trace, error)
	origin func(context.Context, netip.Addr) uint32 // by the whole tables of our sessions; 0: not known

	every  atomic.Int64        // how often each path is traced, in ns; 0: nothing is, whatever happens
	asked  chan path           // what happened to one
	plan   chan []probe.Target // one of each path; the latest alone counts
	traced chan tracedPath     // for the engine
}

// path is what is traced: from a source to an address.
type path struct{ addr, source netip.Addr }

// tracedPath is a way that was found.
type tracedPath struct {
	path
	method  string
	at      time.Time
	reached bool
	hops    []join.Hop
}

const (
	tracesAsked = 64               // more that wait are forgotten
	traceLimit  = 30 * time.Second // of one trace
	firstTraces = 5 * time.Second  // between the first traces of a plan
)

func newTracer(log *zap.Logger, origin func(context.Context, netip.Addr) uint32) *tracer {
	return &tracer{
		log: log, trace: probe.TraceRoute, origin: origin,
		asked: make(chan path, tracesAsked), plan: make(chan []probe.Target, 1), traced: make(chan tracedPath),
	}
}

// set replaces what is traced from time to time. It never waits.
func (t *tracer) set(targets []probe.Target) {
	var plan []probe.Target
	seen := map[path]bool{}
	targets = slices.Clone(targets)
	slices.SortStableFunc(targets, func(a, b probe.Target) int { return cmp.Compare(methodOrder(a), methodOrder(b)) })
	for _, target := range targets {
		if p := (path{target.Addr, target.Source}); !seen[p] {
			seen[p] = true
			plan = append(plan, target)
		}
	}
	for {
		select {
		case t.plan <- plan:
			return
		default:
		}
		select {
		case <-t.plan:
		default:
		}
	}
}

// methodOrder puts ICMP first: what answers it is the POP itself.
func methodOrder(t probe.Target) int {
	if t.Method == probe.ICMP {
		return 0
	}
	return 1
}

// ask asks for a trace of a path now. It never waits.
func (t *tracer) ask(p path) {
	select {
	case t.asked <- p:
	default: // so much happens that one trace more would come too late
	}
}

// run traces until ctx ends.
func (t *tracer) run(ctx context.Context) error {
	var plan []probe.Target
	next := 0 // of the plan
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case plan = <-t.plan:
			next = 0
			timer.Reset(0)
		case p := <-t.asked:
			t.followAll(ctx, t.waiting(p), plan)
		case <-timer.C:
			if len(plan) > 0 && t.every.Load() > 0 {
				t.follow(ctx, plan[next%len(plan)])
				next++
			}
			timer.Reset(t.pause(next, len(plan)))
		}
	}
}

// pause spreads the traces of a plan over the interval; the first of each path come sooner.
func (t *tracer) pause(next, paths int) time.Duration {
	each := time.Duration(t.every.Load()) / time.Duration(max(1, paths))
	switch {
	case each == 0:
		return time.Minute // until it is switched on
	case next < paths:
		return min(each, firstTraces)
	}
	return each
}

func (t *tracer) followAll(ctx context.Context, asked []path, plan []probe.Target) {
	for _, p := range asked {
		i := slices.IndexFunc(plan, func(x probe.Target) bool { return path{x.Addr, x.Source} == p })
		if i >= 0 && t.every.Load() > 0 {
			t.follow(ctx, plan[i])
		}
	}
}

// waiting gives all that is asked for, each once.
func (t *tracer) waiting(first path) []path {
	out := []path{first}
	for {
		select {
		case p := <-t.asked:
			if !slices.Contains(out, p) {
				out = append(out, p)
			}
		default:
			return out
		}
	}
}

// follow traces a path and hands on what was found.
func (t *tracer) follow(ctx context.Context, target probe.Target) {
	limited, cancel := context.WithTimeout(ctx, traceLimit)
	defer cancel()
	found, err := t.trace(limited, target)
	if err != nil {
		t.log.Debug("trace ended early", zap.Stringer("target", target), zap.Error(err))
	}
	out := tracedPath{path: path{target.Addr, target.Source}, method: found.Method, at: found.At, reached: found.Reached}
	for _, h := range found.Hops {
		hop := join.Hop{TTL: h.TTL, Addr: h.Addr, RTT: h.RTT}
		if h.Addr.IsValid() {
			hop.ASN = t.origin(ctx, h.Addr)
		}
		out.hops = append(out.hops, hop)
	}
	select {
	case t.traced <- out:
	case <-ctx.Done():
	}
}

// origin is the AS that originates the longest prefix of an address, by the tables of our sessions, of which full ones know all.
func (ps *peers) origin(ctx context.Context, addr netip.Addr) uint32 {
	ps.mu.Lock()
	all, ours := make([]*peer, 0, len(ps.order)), ps.routing.ASN
	for _, name := range ps.order {
		all = append(all, ps.byName[name])
	}
	ps.mu.Unlock()
	longest, origin := 0, uint32(0)
	for _, p := range all {
		routes, _ := p.Query(ctx, netip.PrefixFrom(addr, addr.BitLen()), source.Longest)
		for _, r := range routes {
			if asn := originOf(r.Seen, ours); asn != 0 && r.Prefix.Bits() > longest {
				longest, origin = r.Prefix.Bits(), asn
			}
		}
	}
	return origin
}

// originOf is the origin of a route, 0 where it is not certain: an empty path is of the neighbour's own network.
func originOf(r bgp.Seen, ours uint32) uint32 {
	switch last, ok := r.Attrs.Path.Last(); {
	case ok:
		return last.ASN
	case r.Vantage.Relationship == bgp.Internal:
		return ours
	}
	return r.Vantage.ASN
}
