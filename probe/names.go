package probe

import (
	"net/netip"
	"slices"
	"time"
)

// name is a host name and what is known of it.
type name struct {
	host  string
	addrs []netip.Addr
	due   time.Time // for its next look-up
}

// names is the host names of the sites, by name.
type names map[string]*name

// keep forgets the names that no site has any more, and adds those that are
// new, due at once.
func (n names) keep(sites []Site) {
	wanted := make(map[string]bool)
	for _, s := range sites {
		if s.Host != "" {
			wanted[s.Host] = true
		}
	}
	for host := range n {
		if !wanted[host] {
			delete(n, host)
		}
	}
	for host := range wanted {
		if n[host] == nil {
			n[host] = &name{host: host}
		}
	}
}

// due lists the names whose time has come.
func (n names) due(now time.Time) []*name {
	var due []*name
	for _, name := range n {
		if !name.due.After(now) {
			due = append(due, name)
		}
	}
	return due
}

// earliest is when the next name is due; the zero time when there are none.
func (n names) earliest() time.Time {
	var earliest time.Time
	for _, name := range n {
		if earliest.IsZero() || name.due.Before(earliest) {
			earliest = name.due
		}
	}
	return earliest
}

// expand lists the targets of all sites, each once.
func (n names) expand(sites []Site, way Way) []Target {
	targets := []Target{}
	seen := make(map[Target]bool)
	for _, s := range sites {
		addrs := []netip.Addr{s.Addr.Unmap()}
		if s.Host != "" {
			addrs = n[s.Host].addrs
		}
		for _, addr := range addrs {
			targets = append(targets, s.targets(addr, way)...)
		}
	}
	return slices.DeleteFunc(targets, func(t Target) bool {
		twice := seen[t]
		seen[t] = true
		return twice
	})
}
