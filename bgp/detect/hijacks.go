package detect

import (
	"encoding/json"
	"maps"
	"net/netip"
	"slices"
	"time"
)

// counterTime is how long after a hijack a more-specific of the legitimate origin still counts as its answer.
const counterTime = time.Hour

// Hijack is an incident about a wrong origin, of the registered prefix or of one inside it.
type Hijack struct {
	Prefix   netip.Prefix `json:"prefix"`
	Culprits []uint32     `json:"culprits"`
	Ended    time.Time    `json:"ended,omitzero"` // zero: it stands

	first [1]uint32 // room of Culprits, while there is one
}

// Hijacks are those inside one registration that stand or have ended only lately. There may be a hundred thousand: nothing goes
// through all of them but MarshalJSON, which lists them by prefix. And there may be one in each of a hundred thousand registrations:
// the first takes little room. nil holds none.
type Hijacks struct {
	first *Hijack                  // while there are no others
	by    map[netip.Prefix]*Hijack // all, once there were several
	ended []ending                 // in order
}

// ending is that a hijack ended, if it still has.
type ending struct {
	prefix netip.Prefix
	at     time.Time
}

// Hijacks are those inside the registration.
func (m *Memory) Hijacks() *Hijacks { return m.unrest().Hijacks }

// Hijacked keeps whether incidents about a wrong origin stand on a prefix, and whose; without culprits none does. What changed
// concerns every scope inside that prefix.
func (m *Memory) Hijacked(p netip.Prefix, culprits []uint32, now time.Time) (changed bool) {
	if len(culprits) == 0 && m.Hijacks().len() == 0 {
		return false
	}
	return m.disturb(func(u *Unrest) bool {
		if u.Hijacks == nil {
			u.Hijacks = &Hijacks{}
		}
		u.Hijacks.forget(now)
		changed := u.Hijacks.note(p, culprits, now)
		if u.Hijacks.len() == 0 {
			u.Hijacks = nil
		}
		return changed
	})
}

// WithoutHijacks is the memory but for its hijacks: who keeps the incidents about them has them twice else.
func (m *Memory) WithoutHijacks() Memory {
	out := *m
	if m.Hijacks().len() > 0 {
		calm := *m.Unrest
		calm.Hijacks = nil
		out.Unrest = &calm
	}
	return out
}

func (h *Hijacks) len() int {
	switch {
	case h == nil:
		return 0
	case h.first != nil:
		return 1
	}
	return len(h.by)
}

// Knows says whether one on a prefix stands, or has ended only lately.
func (h *Hijacks) Knows(p netip.Prefix) bool { return h.get(p) != nil }

// get gives the one on a prefix; nil where there is none.
func (h *Hijacks) get(p netip.Prefix) *Hijack {
	switch {
	case h == nil:
		return nil
	case h.first == nil:
		return h.by[p]
	case h.first.Prefix == p:
		return h.first
	}
	return nil
}

// put keeps the first on a prefix.
func (h *Hijacks) put(one *Hijack) {
	switch {
	case h.len() == 0:
		h.first = one
	case h.first != nil:
		h.by = map[netip.Prefix]*Hijack{h.first.Prefix: h.first, one.Prefix: one}
		h.first = nil
	default:
		h.by[one.Prefix] = one
	}
}

// drop forgets the one on a prefix.
func (h *Hijacks) drop(p netip.Prefix) {
	if h.first != nil && h.first.Prefix == p {
		h.first = nil
	}
	delete(h.by, p)
}

// all lists them by prefix.
func (h *Hijacks) all() []*Hijack {
	if h.first != nil {
		return []*Hijack{h.first}
	}
	list := slices.Collect(maps.Values(h.by))
	slices.SortFunc(list, func(a, b *Hijack) int { return a.Prefix.Compare(b.Prefix) })
	return list
}

// forget drops those that ended long ago.
func (h *Hijacks) forget(now time.Time) {
	for len(h.ended) > 0 && !now.Before(h.ended[0].at.Add(counterTime)) {
		first := h.ended[0]
		if have := h.get(first.prefix); have != nil && have.Ended.Equal(first.at) {
			h.drop(first.prefix)
		}
		h.ended = h.ended[1:]
	}
}

func (h *Hijacks) note(p netip.Prefix, culprits []uint32, now time.Time) (changed bool) {
	have := h.get(p)
	if have == nil {
		if len(culprits) > 0 {
			one := &Hijack{Prefix: p}
			one.Culprits = append(one.first[:0], culprits...)
			h.put(one)
		}
		return len(culprits) > 0
	}
	ended, blamed := have.Ended, len(have.Culprits)
	for _, asn := range culprits {
		if !slices.Contains(have.Culprits, asn) {
			have.Culprits = append(slices.Clip(have.Culprits), asn)
		}
	}
	switch {
	case len(culprits) > 0:
		have.Ended = time.Time{}
	case have.Ended.IsZero():
		have.Ended = now
		h.ended = append(h.ended, ending{p, now})
	}
	return !ended.Equal(have.Ended) || blamed < len(have.Culprits)
}

// stands says whether an incident with that culprit stands on a prefix.
func (h *Hijacks) stands(p netip.Prefix, culprit uint32) bool {
	have := h.get(p)
	return have != nil && have.Ended.IsZero() && slices.Contains(have.Culprits, culprit)
}

// over lists those that cover a prefix, and stand or have ended only lately, the shortest first.
func (h *Hijacks) over(p netip.Prefix, now time.Time) (out []*Hijack) {
	if h.len() == 0 {
		return nil
	}
	for bits := range p.Bits() + 1 {
		have := h.get(netip.PrefixFrom(p.Addr(), bits).Masked())
		if have != nil && (have.Ended.IsZero() || now.Before(have.Ended.Add(counterTime))) {
			out = append(out, have)
		}
	}
	return out
}

// MarshalJSON lists them by prefix.
func (h *Hijacks) MarshalJSON() ([]byte, error) {
	return json.Marshal(h.all())
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (h *Hijacks) UnmarshalJSON(b []byte) error {
	var list []*Hijack
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	*h = Hijacks{}
	for _, one := range list {
		if one == nil || !one.Prefix.IsValid() {
			continue
		}
		h.drop(one.Prefix)
		h.put(one)
		if !one.Ended.IsZero() {
			h.ended = append(h.ended, ending{one.Prefix, one.Ended})
		}
	}
	slices.SortFunc(h.ended, func(a, b ending) int { return a.at.Compare(b.at) })
	return nil
}
