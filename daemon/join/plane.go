package join

import (
	"cmp"
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
	// Settle is how long a shift must hold to be the new normal; 0: a day. It counts for flows that are new.
	Settle time.Duration

	flows   map[Flow]*history
	order   []Flow            // all of them as sorted gives them; nil: not known
	ofPOP   map[string][]Flow // likewise, by POP
	cut     int               // flows that lost their last batch whole
	turn    int               // which reports are made anew next, where there are many
	nearest map[contest]*stats.Nearest
	moved   map[netip.Addr]moves
	ways    map[netip.Addr]inUse

	remembered map[Flow]map[string]*trail // of an earlier run, until the flow is probed
	reigns     map[contest]*reign
}

// history is the latest batches of a flow, oldest first.
type history struct {
	batches series
	lost    int       // fully lost batches in a row
	since   time.Time // start of the first of them
	back    time.Time // start of the batch that ended the last outage
	loss    stats.Loss
	shift   *stats.Shift
	suspect suspicion
	shown   shown // the shift that holds; the zero value is none
	trails  map[string]*trail

	report *Report // as it was made last
}

// Add takes the result of a batch, and says whether it made another POP the nearest of its service.
func (p *Plane) Add(f Flow, s stats.Sample) (change Change, changed bool) {
	if s.Measured() == 0 {
		return change, false // nothing was sent: that says nothing of the network
	}
	if p.flows == nil {
		p.flows = map[Flow]*history{}
	}
	h := p.flows[f]
	if h == nil {
		h = &history{shift: stats.NewShift(cmp.Or(p.Settle, 24*time.Hour)), trails: p.remembered[f]}
		delete(p.remembered, f)
		p.flows[f] = h
		p.insert(f)
	}
	p.cut -= h.cut()
	h.add(s)
	p.cut += h.cut()
	h.follow(s, p.moved[f.Addr].latest())
	p.show(f, h)
	h.remember(s, p.ways[f.Addr])
	c, changed := p.contestOf(f).Add(f.POP, f.via(), s)
	if changed {
		p.reign(f.contest(), c, s.Ended)
	}
	return Change{f.contest().String(), c}, changed
}

// cut is 1 if the last batch was lost whole.
func (h *history) cut() int { return min(h.lost, 1) }

func (h *history) add(s stats.Sample) {
	h.batches.add(s)
	h.loss.Add(s)
	if !s.FullyLost() || s.Recovered > 0 { // a reply that came after its batch was closed proves the way, too
		if h.lost >= lostBatches {
			h.loss, h.back = stats.Loss{}, s.Started // that was an outage
		}
		h.lost = 0
		return
	}
	if h.lost == 0 {
		h.since = s.Started
	}
	h.lost++
}

// Retain forgets every flow that is no longer probed, and gives what that did to the nearest POPs.
func (p *Plane) Retain(flows map[Flow]bool, now time.Time) (changes []Change) {
	addrs := map[netip.Addr]bool{}
	for f := range flows {
		addrs[f.Addr] = true
	}
	for _, f := range p.sorted() {
		if flows[f] {
			continue
		}
		p.cut -= p.flows[f].cut()
		delete(p.flows, f)
		p.order = nil
		if c, changed := p.contestOf(f).Forget(f.POP, f.via(), now); changed {
			p.reign(f.contest(), c, now)
			changes = append(changes, Change{f.contest().String(), c})
		}
	}
	for addr := range p.moved {
		if !addrs[addr] {
			delete(p.moved, addr)
		}
	}
	for addr := range p.ways {
		if !addrs[addr] {
			delete(p.ways, addr)
		}
	}
	return changes
}

// sorted gives the flows in an order that depends on nothing else: by POP, ICMP first, the system's own source first. The caller
// must not change it.
func (p *Plane) sorted() []Flow {
	if p.order != nil {
		return p.order
	}
	p.order = make([]Flow, 0, len(p.flows))
	for f := range p.flows {
		p.order = append(p.order, f)
	}
	slices.SortFunc(p.order, compareFlows)
	p.ofPOP = map[string][]Flow{}
	for _, f := range p.order {
		p.ofPOP[f.POP] = append(p.ofPOP[f.POP], f)
	}
	return p.order
}

// insert puts a new flow into the order, so that thousands that come one by one are not sorted anew each time.
func (p *Plane) insert(f Flow) {
	if p.order == nil {
		return
	}
	into := func(flows []Flow) []Flow {
		at, _ := slices.BinarySearchFunc(flows, f, compareFlows)
		return slices.Insert(flows, at, f)
	}
	p.order, p.ofPOP[f.POP] = into(p.order), into(p.ofPOP[f.POP])
}

// of gives the flows of a POP in that order.
func (p *Plane) of(pop string) []Flow {
	p.sorted()
	return p.ofPOP[pop]
}
