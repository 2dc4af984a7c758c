package join

import (
	"net/netip"
	"slices"
	"time"

	"peervane/probe/stats"
)

// Flow is one way in which a POP is probed. Latencies are only ever compared within one flow.
type Flow struct {
	POP     string
	Service string
	Addr    netip.Addr
	Method  string     // "icmp", "tcp:443"
	Source  netip.Addr // not valid: the system's choice
}

// keep bounds the batches that a flow remembers: an hour at the default interval.
const keep = 360

// Plane is what was measured, flow by flow. The zero value is empty.
type Plane struct {
	flows   map[Flow]*history
	nearest map[contest]*stats.Nearest
}

// history is the latest batches of a flow, oldest first.
type history struct {
	samples []stats.Sample
	lost    int       // fully lost batches in a row
	since   time.Time // start of the first of them
}

// Add takes the result of a batch, and says whether it made another POP the nearest of its service.
func (p *Plane) Add(f Flow, s stats.Sample) (change stats.Change, changed bool) {
	if s.Measured() == 0 {
		return change, false // nothing was sent: that says nothing of the network
	}
	if p.flows == nil {
		p.flows = map[Flow]*history{}
	}
	h := p.flows[f]
	if h == nil {
		h = &history{}
		p.flows[f] = h
	}
	h.add(s)
	return p.contestOf(f).Add(f.POP, f.via(), s)
}

func (h *history) add(s stats.Sample) {
	if len(h.samples) >= keep {
		h.samples = slices.Delete(h.samples, 0, len(h.samples)-keep+1)
	}
	h.samples = append(h.samples, s)
	if !s.FullyLost() {
		h.lost = 0
		return
	}
	if h.lost == 0 {
		h.since = s.Started
	}
	h.lost++
}

// Retain forgets every flow that is no longer probed.
func (p *Plane) Retain(flows map[Flow]bool, now time.Time) {
	for f := range p.flows {
		if !flows[f] {
			delete(p.flows, f)
			p.contestOf(f).Forget(f.POP, f.via(), now)
		}
	}
}

// sorted gives the flows in an order that depends on nothing else: by POP, ICMP first, the system's own source first.
func (p *Plane) sorted() []Flow {
	flows := make([]Flow, 0, len(p.flows))
	for f := range p.flows {
		flows = append(flows, f)
	}
	slices.SortFunc(flows, compareFlows)
	return flows
}
