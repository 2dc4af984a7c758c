package daemon

import (
	"math"
	"net/netip"
	"slices"
	"time"

	"peervane/bgp"
	"peervane/daemon/join"
	"peervane/daemon/notice"
)

// traces keeps the last good way to each POP, and what waits for another.
type traces struct {
	good    map[path]tracedPath
	waiting map[string]time.Time // incidents that a trace is asked for, and when
}

// traceWait is how long an incident waits for its trace.
const traceWait = time.Minute

// traceFor asks for a trace of the ways that an incident of a POP is about, when it begins; and for a routing incident when it has
// moved the latency.
func (e *engine) traceFor(n *notice.Notice, now time.Time) {
	l := n.Evidence.Latency
	pop := n.POP
	switch {
	case n.Status == notice.Resolved || n.Evidence.Trace != nil || n.Type == notice.POPChange || n.Type == notice.Uplink:
		return
	case pop == "" && (n.Evidence.Verdict != join.Both || l == nil):
		return
	case pop == "":
		pop = l.POP
	}
	if _, asked := e.traces.waiting[n.Incident]; asked || e.pops.byName[pop] == nil || e.cfg.Probe.TraceInterval == 0 {
		return
	}
	e.traces.waiting[n.Incident] = now
	for _, p := range e.plane.Paths(pop) {
		e.out.traces = append(e.out.traces, path{p.Addr, p.Source})
	}
}

// traced takes in a way. It is a good one if nothing is wrong with the POP; else it is evidence of what is.
func (e *engine) traced(t tracedPath, now time.Time) {
	for i, h := range t.hops {
		if h.ASN == 0 && h.Addr.IsValid() {
			t.hops[i].ASN = e.originOfHop(h.Addr)
		}
	}
	pop := e.popAt(t.addr)
	if pop == nil {
		return
	}
	evidence := 0
	for id, asked := range e.traces.waiting {
		n, open := e.book.Get(id)
		switch {
		case !open || now.Sub(asked) > traceWait:
			delete(e.traces.waiting, id)
		case t.at.Before(asked) || !e.concerns(&n, pop, t.path):
		default:
			evidence++
			delete(e.traces.waiting, id)
			shown := e.showTrace(pop.name, t, &n)
			e.amend(id, notice.ReasonTrace, now, func(ev *notice.Evidence) { ev.Trace = shown })
		}
	}
	if evidence == 0 && t.reached && len(pop.found) == 0 {
		e.traces.good[t.path] = t
	}
}

// concerns says whether an incident is about a path to a POP.
func (e *engine) concerns(n *notice.Notice, pop *pop, p path) bool {
	switch {
	case n.POP == "":
		return n.Evidence.Latency != nil && n.Evidence.Latency.POP == pop.name
	case n.POP != pop.name:
		return false
	}
	// An incident of one source tells it in its fingerprint alone.
	for _, f := range pop.found {
		if f.Type == n.Type && f.Source.IsValid() && f.Source != p.source && identityOf(&f).Fingerprint() == n.Fingerprint {
			return false
		}
	}
	return true
}

func identityOf(f *bgp.Finding) notice.Identity {
	return notice.Identity{Type: f.Type, Prefix: f.Prefix, Offending: f.Offending, Culprit: f.Culprit, Peer: f.Peer, POP: f.POP, Source: f.Source}
}

func (e *engine) popAt(addr netip.Addr) *pop {
	for _, name := range e.pops.names {
		if _, probed := e.pops.byName[name].addrs[addr]; probed {
			return e.pops.byName[name]
		}
	}
	return nil
}

// showTrace lays a way beside the last good one, and names the hop where the delay entered.
func (e *engine) showTrace(pop string, t tracedPath, n *notice.Notice) *notice.Trace {
	before := e.traces.good[t.path]
	out := &notice.Trace{
		POP: pop, Address: t.addr, Source: t.source, Method: t.method, At: notice.At(t.at), Reached: t.reached,
		Hops: tellHops(t.hops), BeforeAt: notice.At(before.at), Before: tellHops(before.hops),
	}
	if l := n.Evidence.Latency; l != nil && l.ShiftMS != nil && *l.ShiftMS > 0 {
		delay := time.Duration(*l.ShiftMS * float64(time.Millisecond))
		if at, added, found := join.Entered(t.hops, before.hops, delay); found {
			at.RTT = added
			out.Entered = &tellHops([]join.Hop{at})[0]
		}
	}
	return out
}

func tellHops(hops []join.Hop) []notice.TraceHop {
	out := make([]notice.TraceHop, 0, len(hops))
	for _, h := range hops {
		hop := notice.TraceHop{TTL: h.TTL, Address: h.Addr, ASN: h.ASN}
		if h.Addr.IsValid() {
			ms := math.Round(float64(h.RTT)/float64(time.Millisecond)*100) / 100
			hop.RTTMS = &ms
		}
		out = append(out, hop)
	}
	return out
}

// originOfHop is whose an address is: that of a neighbour, or of who originates the longest of the watched routes that covers it.
func (e *engine) originOfHop(addr netip.Addr) uint32 {
	for _, v := range e.vantages.list {
		if v.Own() && v.Addr.WithZone("") == addr {
			return v.ASN
		}
	}
	for p, entry := range e.table.byPrefix.Supernets(netip.PrefixFrom(addr, addr.BitLen())) { // the longest first
		i := slices.IndexFunc(entry.held, func(h held) bool { return h.attrs != nil })
		if i < 0 || p.Bits() == 0 {
			continue
		}
		h := entry.held[i]
		return originOf(bgp.Seen{Vantage: h.vantage.Vantage, Attrs: h.attrs}, e.cfg.Daemon.ASN)
	}
	return 0
}

// retainTraces forgets the ways that are no longer probed.
func (e *engine) retainTraces(flows map[join.Flow]bool) {
	kept := map[path]tracedPath{}
	for f := range flows {
		p := path{f.Addr, f.Source}
		if t, known := e.traces.good[p]; known {
			kept[p] = t
		}
	}
	e.traces.good = kept
}
