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
	prefixes := e.pops.watched()
	for p := range e.regs.trie.All() {
		prefixes = append(prefixes, p)
	}
	var asns []uint32
	for _, w := range e.cfg.ASNs {
		asns = append(asns, w.ASN)
	}
	e.watching = rib.NewWatched(prefixes, asns)
	return e.watching
}

// watches says whether a change is still of interest: what was on its way while its prefix was unregistered is not.
func (e *engine) watches(c bgp.Change) bool {
	return e.watching == nil || c.Attrs == nil || e.watching.Match(c.Prefix) || e.watching.MatchPath(c.Attrs.Path)
}

// forgetUnwatched drops what a new configuration no longer watches: nobody will tell when it goes.
func (e *engine) forgetUnwatched() {
	w := e.watchedSet()
	var empty []netip.Prefix
	for p, entry := range e.table.byPrefix.All() {
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
