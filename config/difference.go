package config

import (
	"net/netip"
	"reflect"
)

// Difference is in what the registered prefixes of two loads differ.
type Difference struct {
	Added    []*Registration // of the new load
	Changed  []Pair
	Removed  []*Registration                 // of the old one
	Policies map[*PrefixPolicy]*PrefixPolicy // old ones that a new one says the same as
}

// Pair is a registration in both loads.
type Pair struct{ Old, New *Registration }

// Compare finds out what became of a million registrations when a few of them changed: lists that are in the same order
// cost one walk through both. Where a registration is written does not count.
func Compare(old, new *Config) Difference {
	c := comparison{sites: changedSites(old.Connections, new.Connections), policies: map[[2]*PrefixPolicy]bool{}}
	c.Policies = map[*PrefixPolicy]*PrefixPolicy{}
	c.align(old.Prefixes, new.Prefixes)
	c.match()
	return c.Difference
}

type comparison struct {
	Difference
	sites    map[string]bool           // connections that changed, or are in one load only
	policies map[[2]*PrefixPolicy]bool // whether they say the same; a million registrations share few
	last     [2]*PrefixPolicy          // two that do

	gone, come []*Registration // that found no partner yet
}

// reach is how far align looks for the next registration that stands in both lists.
const reach = 64

// align pairs what stands in the same order in both lists.
func (c *comparison) align(old, new []Registration) {
	for len(old) > 0 && len(new) > 0 {
		if old[0].Prefix == new[0].Prefix {
			c.pair(&old[0], &new[0])
			old, new = old[1:], new[1:]
			continue
		}
		less, more := resume(old, new)
		c.part(old[:less], new[:more])
		old, new = old[less:], new[more:]
	}
	c.part(old, new)
}

// resume says how many registrations of each list come before the next one that stands in both; one of each where that
// is too far away.
func resume(old, new []Registration) (less, more int) {
	for n := 1; n < reach; n++ {
		if n < len(new) && new[n].Prefix == old[0].Prefix {
			return 0, n
		}
		if n < len(old) && old[n].Prefix == new[0].Prefix {
			return n, 0
		}
	}
	return 1, 1
}

// part takes registrations that have no partner in their place.
func (c *comparison) part(old, new []Registration) {
	for i := range old {
		c.gone = append(c.gone, &old[i])
	}
	for i := range new {
		c.come = append(c.come, &new[i])
	}
}

// match pairs what has moved to another place.
func (c *comparison) match() {
	if len(c.gone) == 0 || len(c.come) == 0 {
		c.Removed, c.Added = c.gone, c.come
		return
	}
	by := make(map[netip.Prefix]*Registration, len(c.gone))
	for _, r := range c.gone {
		by[r.Prefix] = r
	}
	for _, r := range c.come {
		if old := by[r.Prefix]; old != nil {
			c.pair(old, r)
			delete(by, r.Prefix)
		} else {
			c.Added = append(c.Added, r)
		}
	}
	for _, r := range c.gone {
		if by[r.Prefix] != nil {
			c.Removed = append(c.Removed, r)
		}
	}
}

func (c *comparison) pair(old, new *Registration) {
	if old.Connection != new.Connection || len(c.sites) > 0 && c.sites[new.Connection] || !c.same(old.Policy, new.Policy) {
		c.Changed = append(c.Changed, Pair{old, new})
	}
}

// same says whether two policies say the same.
func (c *comparison) same(old, new *PrefixPolicy) bool {
	key := [2]*PrefixPolicy{old, new}
	if key == c.last {
		return true
	}
	same, known := c.policies[key]
	if !known {
		same = reflect.DeepEqual(old, new)
		c.policies[key] = same
	}
	if same {
		c.last, c.Policies[old] = key, new
	}
	return same
}

func changedSites(old, new []Connection) map[string]bool {
	changed, were := map[string]bool{}, make(map[string]*Connection, len(old))
	for i := range old {
		were[old[i].Name] = &old[i]
	}
	for i := range new {
		was := were[new[i].Name]
		if was == nil || !reflect.DeepEqual(was, &new[i]) {
			changed[new[i].Name] = true
		}
		delete(were, new[i].Name)
	}
	for name := range were {
		changed[name] = true
	}
	return changed
}
