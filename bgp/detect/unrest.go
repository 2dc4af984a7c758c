package detect

import (
	"slices"
	"time"

	"peervane/bgp"
)

// Unrest is what few registrations have to remember at a time, apart, so that a million quiet ones stay small.
type Unrest struct {
	Hijacks *Hijacks  `json:"hijacks,omitempty"`
	Flaps   []Flap    `json:"flaps,omitempty"` // by vantage and path
	Shown   []Shown   `json:"shown,omitempty"` // by vantage, where upstreams are required
	Strays  []Stray   `json:"strays,omitempty"`
	Missing []Missing `json:"missing,omitempty"`
	Unseen  time.Time `json:"unseen,omitzero"` // too few collectors' peers hold the prefix
}

// unrest is for reading; of no memory it is none.
func (m *Memory) unrest() Unrest {
	if m == nil || m.Unrest == nil {
		return Unrest{}
	}
	return *m.Unrest
}

// disturb lets f change the unrest, which is dropped when nothing is left of it.
func (m *Memory) disturb(f func(*Unrest) (changed bool)) (changed bool) {
	if m.Unrest == nil {
		m.Unrest = &Unrest{}
	}
	changed = f(m.Unrest)
	if u := m.Unrest; u.Hijacks.len()+len(u.Flaps)+len(u.Shown)+len(u.Strays)+len(u.Missing) == 0 && u.Unseen.IsZero() {
		m.Unrest = nil
	}
	return changed
}

// forget drops what is remembered of a vantage.
func (u *Unrest) forget(vantage string) (changed bool) {
	if u == nil {
		return false
	}
	n := len(u.Flaps) + len(u.Shown) + len(u.Strays)
	u.Flaps = slices.DeleteFunc(u.Flaps, func(f Flap) bool { return f.Vantage == vantage })
	u.Shown = slices.DeleteFunc(u.Shown, func(s Shown) bool { return s.Vantage == vantage })
	u.Strays = slices.DeleteFunc(u.Strays, func(s Stray) bool { return s.Vantage == vantage })
	return len(u.Flaps)+len(u.Shown)+len(u.Strays) < n
}

// held is a route as a trace keeps it: there may be millions of them.
type held struct {
	attrs  *bgp.Attrs
	since  int64 // Unix nanoseconds
	pathID uint32
}

func (h held) seen(s *State, v *bgp.Vantage) bgp.Seen {
	return bgp.Seen{Vantage: v, Prefix: s.Prefix, PathID: h.pathID, Attrs: h.attrs, Since: time.Unix(0, h.since).UTC()}
}
