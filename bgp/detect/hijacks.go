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
}

// Hijacks are those inside one registration that stand or have ended only lately. There may be a hundred thousand: nothing goes
// through all of them but MarshalJSON, which lists them by prefix. nil holds none.
type Hijacks struct {
	by    map[netip.Prefix]*Hijack
	ended []ending // in order
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
			u.Hijacks = &Hijacks{by: map[netip.Prefix]*Hijack{}}
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
	if h == nil {
		return 0
	}
	return len(h.by)
}

// Knows says whether one on a prefix stands, or has ended only lately.
func (h *Hijacks) Knows(p netip.Prefix) bool { return h.len() > 0 && h.by[p] != nil }

// forget drops those that ended long ago.
func (h *Hijacks) forget(now time.Time) {
	for len(h.ended) > 0 && !now.Before(h.ended[0].at.Add(counterTime)) {
		first := h.ended[0]
		if have := h.by[first.prefix]; have != nil && have.Ended.Equal(first.at) {
			delete(h.by, first.prefix)
		}
		h.ended = h.ended[1:]
	}
}

func (h *Hijacks) note(p netip.Prefix, culprits []uint32, now time.Time) (changed bool) {
	have := h.by[p]
	if have == nil {
		if len(culprits) > 0 {
			h.by[p] = &Hijack{Prefix: p, Culprits: slices.Clone(culprits)}
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
	if h.len() == 0 {
		return false
	}
	have := h.by[p]
	return have != nil && have.Ended.IsZero() && slices.Contains(have.Culprits, culprit)
}

// over lists those that cover a prefix, and stand or have ended only lately, the shortest first.
func (h *Hijacks) over(p netip.Prefix, now time.Time) (out []*Hijack) {
	if h.len() == 0 {
		return nil
	}
	for bits := range p.Bits() + 1 {
		have := h.by[netip.PrefixFrom(p.Addr(), bits).Masked()]
		if have != nil && (have.Ended.IsZero() || now.Before(have.Ended.Add(counterTime))) {
			out = append(out, have)
		}
	}
	return out
}

// MarshalJSON lists them by prefix.
func (h *Hijacks) MarshalJSON() ([]byte, error) {
	list := slices.Collect(maps.Values(h.by))
	slices.SortFunc(list, func(a, b *Hijack) int { return a.Prefix.Compare(b.Prefix) })
	return json.Marshal(list)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (h *Hijacks) UnmarshalJSON(b []byte) error {
	var list []*Hijack
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	*h = Hijacks{by: make(map[netip.Prefix]*Hijack, len(list))}
	for _, one := range list {
		if one == nil || !one.Prefix.IsValid() {
			continue
		}
		h.by[one.Prefix] = one
		if !one.Ended.IsZero() {
			h.ended = append(h.ended, ending{one.Prefix, one.Ended})
		}
	}
	slices.SortFunc(h.ended, func(a, b ending) int { return a.at.Compare(b.at) })
	return nil
}
