package join

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"peervane/bgp"
	"peervane/probe/stats"
)

// Bounds of what is remembered of the paths that were in use.
const (
	trailsKept    = 16 // of a flow; the one that was used last longest ago goes first
	trailMedians  = 30 // of a trail: five minutes at the default interval
	trailBatches  = 6  // fewer prove nothing
	transitsKnown = time.Millisecond / 10
)

// trail is what was measured of a flow while one AS path was in use.
type trail struct {
	transits []uint32
	medians  []time.Duration // the latest, in a ring
	batches  int             // in all
	last     time.Time
}

// inUse is the AS path to an address.
type inUse struct {
	path     string
	vantage  *bgp.Vantage // that shows it
	transits []uint32
	since    time.Time // only what was sent after that was sent that way
}

// InUse takes in by which route an address is reached from now on; one without attributes is none. What is measured counts for
// the ASes on its path.
func (p *Plane) InUse(addr netip.Addr, route bgp.Seen, now time.Time) {
	if p.ways == nil {
		p.ways = map[netip.Addr]inUse{}
	}
	if route.Attrs == nil {
		delete(p.ways, addr)
		return
	}
	p.ways[addr] = inUse{route.Attrs.Path.String(), route.Vantage, transitsOf(route.Attrs.Path), now}
}

// transitsOf are the ASes between us and the origin, nearest first.
func transitsOf(path *bgp.Path) (out []uint32) {
	hops := path.Clean()
	for _, h := range hops[:max(0, len(hops)-1)] {
		if h.Set == nil && !slices.Contains(out, h.ASN) {
			out = append(out, h.ASN)
		}
	}
	return out
}

// remember counts a batch for the path in use.
func (h *history) remember(s stats.Sample, way inUse) {
	median, ok := s.Median()
	if !ok || way.path == "" || !s.Started.After(way.since) {
		return
	}
	t := h.trails[way.path]
	if t == nil {
		if h.trails == nil {
			h.trails = map[string]*trail{}
		}
		h.dropTrails()
		t = &trail{transits: way.transits}
		h.trails[way.path] = t
	}
	if len(t.medians) < trailMedians {
		t.medians = append(t.medians, median)
	} else {
		t.medians[t.batches%trailMedians] = median
	}
	t.batches++
	t.last = s.Ended
}

// dropTrails makes room for one more.
func (h *history) dropTrails() {
	for len(h.trails) >= trailsKept {
		oldest := slices.MinFunc(slices.Collect(maps.Keys(h.trails)), func(a, b string) int {
			return cmp.Or(h.trails[a].last.Compare(h.trails[b].last), strings.Compare(a, b))
		})
		delete(h.trails, oldest)
	}
}

// Transit is what an AS on the way has meant for the latency: the round-trip times to the same POPs over paths with it, less
// those over paths without it.
type Transit struct {
	ASN           uint32
	Cost          time.Duration // on average over the POPs
	POPs          []string      // that were reached in both ways
	With, Without int           // batches
}

// Transits tells of every AS that was on the way to some POP at times only, the dearest first.
func (p *Plane) Transits() []Transit {
	by := map[uint32]*Transit{}
	seen := map[string]bool{}
	for _, f := range p.sorted() {
		h := p.flows[f]
		if seen[f.POP] || len(h.trails) < 2 {
			continue // the first flow of a POP that tells something is the one that counts
		}
		for _, asn := range h.transits() {
			with, n := h.level(func(t *trail) bool { return slices.Contains(t.transits, asn) })
			without, m := h.level(func(t *trail) bool { return !slices.Contains(t.transits, asn) })
			if n < trailBatches || m < trailBatches {
				continue
			}
			seen[f.POP] = true
			t := by[asn]
			if t == nil {
				t = &Transit{ASN: asn}
				by[asn] = t
			}
			t.Cost += with - without
			t.POPs = append(t.POPs, f.POP)
			t.With, t.Without = t.With+n, t.Without+m
		}
	}
	out := make([]Transit, 0, len(by))
	for _, t := range by {
		t.Cost /= time.Duration(len(t.POPs))
		out = append(out, *t)
	}
	slices.SortFunc(out, func(a, b Transit) int { return cmp.Or(cmp.Compare(b.Cost, a.Cost), cmp.Compare(a.ASN, b.ASN)) })
	return out
}

// transits lists the ASes on any of the trails.
func (h *history) transits() (out []uint32) {
	for _, t := range h.trails {
		out = append(out, t.transits...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// level is the latency of some trails, each weighed by how long it was in use, and how many batches that is.
func (h *history) level(of func(*trail) bool) (level time.Duration, batches int) {
	var sum float64
	for _, path := range slices.Sorted(maps.Keys(h.trails)) {
		if t := h.trails[path]; of(t) {
			sum += float64(stats.Median(slices.Clone(t.medians))) * float64(t.batches)
			batches += t.batches
		}
	}
	if batches == 0 {
		return 0, 0
	}
	return time.Duration(sum / float64(batches)), batches
}

// transitHints tell what the ASes that are new on the way have meant before.
func (p *Plane) transitHints(m Move) (hints []string) {
	if m.New.Attrs == nil || m.Old.Attrs == nil {
		return nil
	}
	old := transitsOf(m.Old.Attrs.Path)
	for _, t := range p.Transits() {
		if slices.Contains(transitsOf(m.New.Attrs.Path), t.ASN) && !slices.Contains(old, t.ASN) && t.Cost.Abs() >= transitsKnown {
			hints = append(hints, fmt.Sprintf("AS%d on the way has meant %+.1f ms so far, to %s", t.ASN, milliseconds(t.Cost), strings.Join(t.POPs, ", ")))
		}
	}
	return hints
}
