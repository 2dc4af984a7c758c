package daemon

import (
	"cmp"
	"iter"
	"net/netip"
	"slices"
	"time"

	"github.com/gaissmai/bart"

	"peervane/bgp"
)

// table holds what every vantage shows of the watched prefixes. The zero value is empty.
type table struct {
	byPrefix bart.Table[*entry]
}

// entry is what the vantages show of one prefix, ordered by vantage and path id.
type entry struct {
	held []held
	anew *change // what it is to be judged by otherwise than before, or was and waits for its hold; nil = nothing
}

// change is one of the RPKI data or of the configuration. All that it touches shares it.
type change struct {
	at time.Time // of the first judgement by what changed; zero: there was none yet
}

// changed is when what the entry is judged by changed; zero: it did not since it was judged last.
func (e *entry) changed(now time.Time) time.Time {
	if e == nil || e.anew == nil {
		return time.Time{}
	}
	if e.anew.at.IsZero() {
		e.anew.at = now
	}
	return e.anew.at
}

// held is one path of one vantage. Without attributes it is a memory that the path was withdrawn since the vantage came
// up: absence that was seen is not ignorance.
type held struct {
	vantage *vantage
	pathID  uint32
	attrs   *bgp.Attrs
	since   time.Time // since when this AS path is held, or gone
}

func (h held) compare(v *vantage, pathID uint32) int {
	return cmp.Or(cmp.Compare(h.vantage.index, v.index), cmp.Compare(h.pathID, pathID))
}

// get gives what is known of a prefix, nil when that is nothing.
func (t *table) get(p netip.Prefix) *entry {
	e, _ := t.byPrefix.Get(p)
	return e
}

// apply takes a change in, and says what was held before.
func (t *table) apply(v *vantage, c bgp.Change) (old held) {
	e := t.get(c.Prefix)
	if e == nil {
		e = &entry{}
		t.byPrefix.Insert(c.Prefix, e)
	}
	i, found := slices.BinarySearchFunc(e.held, v, func(h held, v *vantage) int { return h.compare(v, c.PathID) })
	if !found {
		e.held = slices.Insert(e.held, i, held{vantage: v, pathID: c.PathID, since: c.At})
		v.showed[bgp.FamilyOf(c.Prefix)] = true
	}
	h := &e.held[i]
	old = *h
	if !found || !sameTail(h.attrs, c.Attrs) {
		h.since = c.At
	}
	h.attrs = c.Attrs
	return old
}

// sameTail says whether a route goes on as it was: the same AS path, or gone as before.
func sameTail(a, b *bgp.Attrs) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Path == b.Path || a.Path.String() == b.Path.String()
}

// forget drops all that a vantage showed of a family, and calls touched for each prefix that it held or remembered.
func (t *table) forget(v *vantage, f bgp.Family, touched func(netip.Prefix)) {
	if !v.showed[f] {
		return // of a million prefixes to go through it has shown none
	}
	v.showed[f] = false
	seq := t.byPrefix.AllSorted4()
	if f == bgp.IPv6 {
		seq = t.byPrefix.AllSorted6()
	}
	var lost []netip.Prefix
	for p, e := range seq {
		if n := len(e.of(v)); n > 0 {
			from, _ := slices.BinarySearchFunc(e.held, v, func(h held, v *vantage) int { return h.compare(v, 0) })
			e.held = slices.Delete(e.held, from, from+n)
			lost = append(lost, p)
		}
	}
	for _, p := range lost {
		touched(p)
	}
}

// around yields what is inside or covers some prefixes, perhaps twice; all where they are not known.
func (t *table) around(prefixes []netip.Prefix, known bool) iter.Seq2[netip.Prefix, *entry] {
	if !known {
		return t.byPrefix.All()
	}
	return func(yield func(netip.Prefix, *entry) bool) {
		for _, p := range prefixes {
			for q, entry := range t.byPrefix.Subnets(p) {
				if !yield(q, entry) {
					return
				}
			}
			for q, entry := range t.byPrefix.Supernets(p) {
				if !yield(q, entry) {
					return
				}
			}
		}
	}
}

// prune drops an entry that holds no route. Memories of withdrawals go with it, so it must only be called where
// nobody needs them.
func (t *table) prune(p netip.Prefix) {
	e := t.get(p)
	if e != nil && !e.announced() {
		t.byPrefix.Delete(p)
	}
}

// announced says whether any vantage holds a route.
func (e *entry) announced() bool {
	return slices.ContainsFunc(e.held, func(h held) bool { return h.attrs != nil })
}

// of gives the paths of one vantage, memories of withdrawals included.
func (e *entry) of(v *vantage) []held {
	if e == nil {
		return nil
	}
	from, _ := slices.BinarySearchFunc(e.held, v, func(h held, v *vantage) int { return h.compare(v, 0) })
	to := from
	for to < len(e.held) && e.held[to].vantage == v {
		to++
	}
	return e.held[from:to]
}

// holds says whether a vantage holds a route, and knows whether one was seen at all since it came up.
func (e *entry) holds(v *vantage) (route, seen bool) {
	for _, h := range e.of(v) {
		seen = true
		route = route || h.attrs != nil
	}
	return route, seen
}

// walk goes through an entry vantage by vantage, in the order of their indexes.
type walk struct{ rest []held }

func (e *entry) walk() walk {
	if e == nil {
		return walk{}
	}
	return walk{e.held}
}

// of gives the paths of a vantage as entry.of does. Each vantage that is asked for must come after the one before.
func (w *walk) of(v *vantage) []held {
	for len(w.rest) > 0 && w.rest[0].vantage.index < v.index {
		w.rest = w.rest[1:]
	}
	n := 0
	for n < len(w.rest) && w.rest[n].vantage == v {
		n++
	}
	paths := w.rest[:n]
	w.rest = w.rest[n:]
	return paths
}
