package daemon

import "peervane/bgp/rib"

// watchedSet is what the sessions must tell the engine of: routes inside or covering registered prefixes and POP addresses.
func (e *engine) watchedSet() *rib.Watched {
	prefixes := e.pops.watched()
	for p := range e.regs.trie.All() {
		prefixes = append(prefixes, p)
	}
	return rib.NewWatched(prefixes, nil)
}
