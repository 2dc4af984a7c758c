package daemon

import (
	"net/netip"
	"slices"

	"peervane/bgp"
	"peervane/bgp/rib"
)

// watchedSet is what the sessions must tell the engine of: routes inside or covering registered prefixes and POP addresses,
// and those through watched ASNs.
func (e *engine) watchedSet() *rib.Watched {
	var asns []uint32
	for _, w := range e.cfg.ASNs {
		asns = append(asns, w.ASN)
	}
	e.watching = e.regs.watched.With(e.pops.watched(), asns)
	return e.watching
}

// watches says whether a change is still of interest: what was on its way while its prefix was unregistered is not.
func (e *engine) watches(c bgp.Change) bool {
	return e.watching == nil || c.Attrs == nil || e.watching.Match(c.Prefix) || e.watching.MatchPath(c.Attrs.Path)
}

// forgetUnwatched drops what a new configuration no longer watches: nobody will tell when it goes.
func (e *engine) forgetUnwatched(before *rib.Watched) {
	w := e.watchedSet()
	delta := w.Since(before)
	if before != nil && delta.Less == [bgp.NumFamilies]bool{} {
		return
	}
	var empty []netip.Prefix
	for p, entry := range e.table.around(delta.Lost()) {
		if w.Match(p) {
			continue
		}
		entry.held = slices.DeleteFunc(entry.held, func(h held) bool { return h.attrs == nil || !w.MatchPath(h.attrs.Path) })
		if len(entry.held) == 0 {
			empty = append(empty, p)
		}
	}
	for _, p := range empty {
		e.table.byPrefix.Delete(p)
	}
}
