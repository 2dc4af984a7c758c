package join

import (
	"maps"
	"slices"
	"strings"
	"time"

	"peervane/probe/stats"
)

// Trails is what is remembered of a flow by the paths that were in use, for a restart to go on with.
type Trails struct {
	Flow  Flow        `json:"flow"`
	Paths []TrailPath `json:"paths"`
}

// TrailPath is one of them.
type TrailPath struct {
	Path     string        `json:"path"`
	Transits []uint32      `json:"transits"`
	Median   time.Duration `json:"median"` // ns
	Batches  int           `json:"batches"`
	Last     time.Time     `json:"last"`
}

// Key names the flow.
func (t *Trails) Key() string {
	f := t.Flow
	return strings.Join([]string{f.POP, f.Addr.String(), f.Method, f.Source.String()}, "|")
}

// TrailsSince gives what has changed since then, of the flows that tell something: those that had more than one path.
func (p *Plane) TrailsSince(at time.Time) (out []Trails) {
	for _, f := range p.sorted() {
		trails := p.flows[f].trails
		changed := func(path string) bool { return trails[path].last.After(at) }
		if len(trails) < 2 || !slices.ContainsFunc(slices.Collect(maps.Keys(trails)), changed) {
			continue
		}
		t := Trails{Flow: f}
		for _, path := range slices.Sorted(maps.Keys(trails)) {
			x := trails[path]
			t.Paths = append(t.Paths, TrailPath{path, x.transits, stats.Median(slices.Clone(x.medians)), x.batches, x.last})
		}
		out = append(out, t)
	}
	return out
}

// Remember takes in what an earlier run kept, for when the flow is probed.
func (p *Plane) Remember(t Trails) {
	if p.remembered == nil {
		p.remembered = map[Flow]map[string]*trail{}
	}
	trails := map[string]*trail{}
	for _, x := range t.Paths[:min(len(t.Paths), trailsKept)] {
		if x.Batches > 0 {
			trails[x.Path] = &trail{x.Transits, []time.Duration{x.Median}, x.Batches, x.Last}
		}
	}
	p.remembered[t.Flow] = trails
}
