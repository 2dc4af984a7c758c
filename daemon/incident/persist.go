package incident

import (
	"cmp"
	"maps"
	"slices"
)

// Changed gives each incident that changed since the last call, also those that resolved, sorted by id. Written in one
// transaction with the notices, they let a restart go on where this book stood.
func (b *Book) Changed() []Record {
	out := snapshot(b.dirty)
	clear(b.dirty)
	return out
}

// Records gives every open incident, sorted by id.
func (b *Book) Records() []Record { return snapshot(b.byID) }

func snapshot(records map[string]*Record) []Record {
	out := make([]Record, 0, len(records))
	for _, id := range slices.Sorted(maps.Keys(records)) {
		r := *records[id]
		r.Bad = slices.Clone(r.Bad)
		out = append(out, r)
	}
	return out
}

// Restore takes in what an earlier book knew; resolved incidents are passed over. What showed an incident is out of sight
// until it is in sync again: the incident stays, and nothing is told of that.
func (b *Book) Restore(records []Record) {
	for _, r := range slices.SortedFunc(slices.Values(records), func(x, y Record) int { return cmp.Compare(x.ID(), y.ID()) }) {
		if !r.Open {
			continue
		}
		r.Bad = slices.Clone(r.Bad)
		for i := range r.Bad {
			r.Bad[i].Unseen = true
		}
		p := b.page(r.Scope)
		p.open[r.Notice.Fingerprint], b.byID[r.ID()] = &r, &r
	}
}
