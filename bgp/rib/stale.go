package rib

import "peervane/bgp"

// MarkStale marks every route of a family.
func (t *Table) MarkStale(f bgp.Family) {
	if f == bgp.IPv4 {
		markStale(&t.v4)
	} else {
		markStale(&t.v6)
		markStale(&t.long)
	}
	t.stale[f] = t.routes[f]
}

func markStale[K comparable](s *slots[K]) {
	for i := range s.all {
		s.at(i).meta |= staleBit
	}
}

// Sweep drops the stale routes of a family and tells each, which may be nil.
func (t *Table) Sweep(f bgp.Family, tell func(Route)) {
	if t.stale[f] == 0 {
		return
	}
	t.remove(f, func(r Route) bool { return r.Stale }, tell)
}

// Clear drops all routes of a family and gives their memory back.
func (t *Table) Clear(f bgp.Family) {
	if f == bgp.IPv4 {
		clearSlots(t, &t.v4)
	} else {
		clearSlots(t, &t.v6)
		clearSlots(t, &t.long)
	}
	t.routes[f], t.stale[f] = 0, 0
	clear(t.lengths[f][:])
}

func clearSlots[K comparable](t *Table, s *slots[K]) {
	for i := range s.all {
		t.in.Release(s.at(i).attrs)
	}
	s.clear()
}

// Remove drops the routes of a family for which gone says so.
func (t *Table) Remove(f bgp.Family, gone func(Route) bool) { t.remove(f, gone, nil) }

func (t *Table) remove(f bgp.Family, gone func(Route) bool, tell func(Route)) {
	if f == bgp.IPv4 {
		removeSlots(t, &t.v4, f, gone, tell)
		return
	}
	removeSlots(t, &t.v6, f, gone, tell)
	removeSlots(t, &t.long, f, gone, tell)
}

func removeSlots[K comparable](t *Table, s *slots[K], f bgp.Family, gone func(Route) bool, tell func(Route)) {
	for i := range s.all {
		r := route(t, s, i)
		if !gone(r) {
			continue
		}
		drop(t, s, f, i)
		if tell != nil {
			tell(r)
		}
		t.in.Release(r.ID)
	}
	s.shrink()
}
