package config

import (
	"net/netip"
	"slices"
)

// disputes has the [[prefix]] table that counts for each prefix.
type disputes map[netip.Prefix]Registration

// settle says whether another table gives other origins for the same prefix. Then
// the first counts, and its policy keeps what the others say: which of them is right
// cannot be told from here, and the rest of the configuration works on. That a
// prefix stands twice with the same origins is a slip, reported with all others.
func (d disputes) settle(l *loading, r *Registration) bool {
	first, twice := d[r.Prefix]
	if !twice {
		d[r.Prefix] = *r
		return false
	}
	if len(first.Policy.Origins) == 0 || len(r.Policy.Origins) == 0 || slices.Equal(first.Policy.Origins, r.Policy.Origins) {
		return false
	}
	l.warn(r.Pos, "%s is registered with other origins at %s, and that one counts; keep one, with the origins of both if both are right", r.Prefix, first.Pos)
	all := append(first.Policy.disputed, r.Policy.Origins...)
	slices.Sort(all)
	first.Policy.disputed = slices.Compact(all)
	return true
}

// Disputed are the origins that other tables give for the same prefix, ascending.
func (p *PrefixPolicy) Disputed() []uint32 { return p.disputed }
