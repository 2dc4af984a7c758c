package draft

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"peervane/config"
)

// Change is one difference that a draft makes, or that it found. Its kind is one of the marks below.
type Change struct {
	Mark byte
	Text string
}

// The marks of changes, as they are printed.
const (
	New       = '+'
	Gone      = '-' // drafted before, and left out now
	Kept      = '=' // drafted before and not seen now, kept all the same
	Different = '~'
	Stranger  = '!' // what is registered by hand is seen otherwise; nothing is changed
)

func (c Change) String() string { return string(c.Mark) + " " + c.Text }

// Layers are what stands already: what people wrote, which a draft never changes, and what was drafted before.
type Layers struct {
	Manual *config.Config // nil = nothing
	Before *config.Config // nil = nothing
	Prune  bool           // leave out what was drafted before and is not seen now, which may be an outage
}

// Settle takes out of a draft what is registered by hand, puts in what was drafted before and is not seen now, and tells
// what is new, gone or different.
func (d *Draft) Settle(l Layers) []Change {
	if l.Manual == nil {
		l.Manual = &config.Config{}
	}
	if l.Before == nil {
		l.Before = &config.Config{}
	}
	changes := d.settleASNs(l)
	manual := registered(l.Manual)
	d.Prefixes = slices.DeleteFunc(d.Prefixes, func(e *Prefix) bool {
		drop, change := manual.covers(e)
		changes = append(changes, change...)
		return drop
	})
	before, seen := registered(l.Before), map[netip.Prefix]bool{}
	for _, e := range d.Prefixes {
		seen[e.Prefix] = true
		changes = append(changes, d.compare(e, before[e.Prefix])...)
	}
	for i := range l.Before.Prefixes {
		if reg := &l.Before.Prefixes[i]; !seen[reg.Prefix] {
			changes = append(changes, d.missing(reg, manual[reg.Prefix], l.Prune))
		}
	}
	slices.SortFunc(d.Prefixes, func(a, b *Prefix) int { return a.Prefix.Compare(b.Prefix) })
	return changes
}

// registry finds registrations by prefix.
type registry map[netip.Prefix]*config.Registration

func registered(cfg *config.Config) registry {
	r := make(registry, len(cfg.Prefixes))
	for i := range cfg.Prefixes {
		r[cfg.Prefixes[i].Prefix] = &cfg.Prefixes[i]
	}
	return r
}

// longest finds the registration that a prefix is judged under.
func (r registry) longest(p netip.Prefix) *config.Registration {
	for bits := p.Bits(); bits > 0 && len(r) > 0; bits-- {
		q, _ := p.Addr().Prefix(bits) // bits is a length that p's family has
		if reg := r[q]; reg != nil {
			return reg
		}
	}
	return nil
}

// covers says whether registrations by hand answer for a drafted prefix, and what they do not expect of it.
func (r registry) covers(e *Prefix) (bool, []Change) {
	reg := r.longest(e.Prefix)
	if reg == nil {
		return false, nil
	}
	if reg.Policy.Ignore || reg.Policy.AnyOrigin {
		return true, nil
	}
	strangers, _ := split(e.Origins, func(c Count) bool { return !slices.Contains(reg.Policy.Origins, c.ASN) })
	if len(strangers) == 0 {
		return e.Prefix.Bits() <= reg.MaxLength(), nil
	}
	inside := ""
	if reg.Prefix != e.Prefix {
		inside = fmt.Sprintf("inside %s, which ", reg.Prefix)
	}
	return true, []Change{{Stranger, fmt.Sprintf("%s %sis registered at %s for %s, is seen from %s",
		e.Prefix, inside, reg.Pos, asnList(reg.Policy.Origins), countList(strangers))}}
}

// compare tells how a drafted prefix differs from what was drafted before.
func (d *Draft) compare(e *Prefix, before *config.Registration) []Change {
	now := entry(e.Prefix, asnsOf(e.Origins), d.checkedUpstreams(e))
	if before == nil {
		return []Change{{New, now}}
	}
	if was := entry(e.Prefix, before.Policy.Origins, before.Policy.Upstreams); was != now {
		return []Change{{Different, was + " -> " + strings.TrimPrefix(now, e.Prefix.String()+": ")}}
	}
	return nil
}

// missing settles what was drafted before and is not now.
func (d *Draft) missing(reg, manual *config.Registration, prune bool) Change {
	text := entry(reg.Prefix, reg.Policy.Origins, reg.Policy.Upstreams)
	switch {
	case manual != nil:
		return Change{Gone, fmt.Sprintf("%s: registered at %s", text, manual.Pos)}
	case prune:
		return Change{Gone, text + ": not seen now"}
	}
	d.Prefixes = append(d.Prefixes, &Prefix{
		Prefix: reg.Prefix, Origins: uncounted(reg.Policy.Origins), Upstreams: uncounted(reg.Policy.Upstreams), Gone: true,
	})
	return Change{Kept, text + ": not seen now"}
}
