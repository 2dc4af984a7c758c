package incident

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"time"

	"peervane/daemon/notice"
)

// Changed gives each incident that changed since the last call, also those that resolved, sorted by id. Written in one
// transaction with the notices, they let a restart go on where this book stood. The numbers of a group may come a little later.
func (b *Book) Changed() []Record {
	out := snapshot(b.dirty)
	for _, r := range b.dirty {
		b.swollen.forget(r.ID())
	}
	clear(b.dirty)
	return out
}

// Records gives every open incident, sorted by id, elders among them.
func (b *Book) Records() []Record {
	if len(b.elders) == 0 {
		return snapshot(b.byID)
	}
	all := maps.Clone(b.byID)
	for _, elders := range b.elders {
		for _, rec := range elders {
			all[rec.ID()] = rec
		}
	}
	return snapshot(all)
}

// Loud gives every open incident that no group tells of, groups among them, in no order. Whoever gets them changes nothing.
func (b *Book) Loud() []*Record {
	for _, g := range b.groupOf {
		g.render()
		g.rec.Notice.Summary = g.rec.sentence(time.Time{}) // they are open
	}
	return slices.Collect(maps.Values(b.loud))
}

// All yields every open incident but those that stand for a group, in no order. Whoever gets them changes nothing.
func (b *Book) All() iter.Seq[*Record] {
	return func(yield func(*Record) bool) {
		for _, r := range b.byID {
			if !r.grouped() && !yield(r) {
				return
			}
		}
	}
}

// Record gives an open incident with its life; nil when there is none with that id. Whoever gets it changes nothing.
func (b *Book) Record(id string) *Record { return b.byID[id] }

func snapshot(records map[string]*Record) []Record {
	out := make([]Record, 0, len(records))
	for _, id := range slices.Sorted(maps.Keys(records)) {
		r := *records[id]
		r.Bad, r.seat = slices.Clone(r.Bad), seat{}
		out = append(out, r)
	}
	return out
}

// Count gives how many incidents of a type and severity are open.
func (b *Book) Count() map[Count]int {
	counts := map[Count]int{}
	for _, r := range b.loud {
		g := b.groupOf[r.ID()]
		if g == nil {
			counts[Count{r.Notice.Type, r.Notice.Severity}]++
			continue
		}
		for severity, n := range g.grave {
			if n > 0 {
				counts[Count{r.Notice.Type, notice.Severity(severity)}] += n
			}
		}
	}
	return counts
}

// Count is what incidents are counted by.
type Count struct {
	Type     string
	Severity notice.Severity
}

// Restore takes in what an earlier book knew: the open incidents, of those that ended lately how they flapped, and the
// silences. What showed an incident is out of sight until it is in sync again: the incident stays, and nothing is told of
// that. What is owed is told with the first Tick.
func (b *Book) Restore(records []Record, silences []Silence) {
	b.silences = silences
	b.restoreAll(records)
	b.seatAll()
}

// restoreAll makes known what was kept. Of several open incidents of one condition the latest goes on.
func (b *Book) restoreAll(records []Record) {
	sorted := slices.SortedFunc(slices.Values(records), func(x, y Record) int {
		return cmp.Or(y.Notice.StartedAt.Compare(x.Notice.StartedAt.Time), cmp.Compare(y.ID(), x.ID()))
	})
	for _, r := range sorted {
		switch {
		case r.Open:
			b.restore(&r)
		case r.Group == "" && r.Flaps.At.After(b.flaps[r.Notice.Fingerprint].At):
			b.flaps[r.Notice.Fingerprint] = r.Flaps
		}
	}
}

// seatAll gives each member its place in its group.
func (b *Book) seatAll() {
	owed := map[*group]Owed{}
	for _, g := range b.groupOf {
		owed[g] = g.rec.Owed
	}
	for _, rec := range b.byID {
		b.seatAgain(rec)
	}
	for g := range owed {
		g.rec.Owed = owed[g] // nobody is concerned who was not before
		g.hear()
		g.nameAgain()
		g.gather()
	}
}

// Counted says that a condition is in the total of a group: a member that ended in an earlier run had it.
func (b *Book) Counted(id, fingerprint string) {
	if g := b.groupOf[id]; g != nil {
		g.counts(fingerprint)
	}
}

func (b *Book) restore(r *Record) {
	if b.told(r) {
		key := r.Notice.Fingerprint
		b.elders[key] = append(b.elders[key], r)
		return
	}
	r.Bad = slices.Clone(r.Bad)
	for i := range r.Bad {
		r.Bad[i].Unseen = true
	}
	if !r.Told.At.IsZero() && r.Told.Severity == notice.Off { // written by a version that did not keep it
		r.Told.Severity, r.Told.Peak, r.Told.Culprit = r.Notice.Severity, r.Notice.Severity, r.Notice.CulpritASN
	}
	b.enter(r)
	b.raise(r)
	b.page(r.Scope).done(r.Notice.Fingerprint) // it fires already
	if r.grouped() {
		b.seatGroup(groupKey{r.Notice.Type, r.Notice.CulpritASN}, r)
	}
	b.alarms.set(r.ID(), time.Time{}.Add(1)) // at once
}

// seatAgain gives a member its place in its group, or in the one that has taken its place. One whose group is lost is told
// singly.
func (b *Book) seatAgain(rec *Record) {
	if rec.Group == "" {
		return
	}
	g := b.groupOf[rec.Group]
	if g == nil {
		if g = b.groups[groupKey{rec.Notice.Type, rec.Notice.CulpritASN}]; g == nil {
			rec.Group = ""
			b.raise(rec)
			return
		}
		rec.Group = g.rec.ID()
		in := *g.rec.Notice.Evidence.Group // notices share it
		in.Total++
		g.rec.Notice.Evidence.Group = &in
		b.dirty[rec.ID()], b.dirty[rec.Group] = rec, g.rec
	}
	delete(b.loud, rec.ID())
	b.alarms.drop(rec.ID())
	b.hold(rec)
	g.count(rec)
	g.seat(rec)
	g.waiting = append(g.waiting, rec)
}
