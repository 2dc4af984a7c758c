package detect

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"peervane/bgp"
)

// internalLeak is the type of RFC 7908 section 3.6: internal more-specifics that escaped.
const internalLeak = 6

// newMoreSpecific: a more-specific of the registered prefix, longer than max_length, from a legitimate origin. Against a
// hijack that is what helps, so while one stands, and for an hour, it is told for information only; but not where it comes
// through the hijacker: he may have put the legitimate origin behind his own AS.
func newMoreSpecific(s *State, h *Held) *offence {
	if s.exact() || s.Prefix.Bits() <= s.maxLength() || s.Verdict(h) != Legitimate || s.local(h) {
		return nil
	}
	o := &offence{culprit: s.culprit(h), leakType: internalLeak}
	hijack := s.countered()
	if hijack.Culprits == nil {
		return o
	}
	hops := s.hops(h.Vantage, h.Attrs.Path)
	if i := slices.IndexFunc(hijack.Culprits, func(asn uint32) bool { return contains(hops, asn) }); i >= 0 {
		o.hints = []string{fmt.Sprintf("no counter-announcement: it comes through AS%d, which hijacked %s", hijack.Culprits[i], hijack.Prefix)}
		return o
	}
	o.severity, o.leakType = info, 0
	o.hints = []string{fmt.Sprintf("a counter-announcement: %s was hijacked", hijack.Prefix)}
	return o
}

func newMoreSpecificSummary(s *State, f *bgp.Finding) string {
	return fmt.Sprintf("%s inside %s is new, longer than the registered /%d, from the legitimate %s: %s (%s)",
		f.Offending, f.Prefix, s.maxLength(), s.origins(f), seenBy(f), example(f))
}

// counterTime is how long after a hijack a more-specific of the legitimate origin still counts as its answer.
const counterTime = time.Hour

// Hijack is an incident about a wrong origin, of the registered prefix or of one inside it.
type Hijack struct {
	Prefix   netip.Prefix `json:"prefix"`
	Culprits []uint32     `json:"culprits"`
	Ended    time.Time    `json:"ended,omitzero"` // zero: it stands
}

// Hijacks lists the hijacks inside the registration.
func (m *Memory) Hijacks() []Hijack { return m.unrest().Hijacks }

// Hijacked keeps whether incidents about a wrong origin stand on a prefix, and whose; without culprits none does. What changed
// concerns every scope inside that prefix.
func (m *Memory) Hijacked(p netip.Prefix, culprits []uint32, now time.Time) (changed bool) {
	if len(culprits) == 0 && len(m.Hijacks()) == 0 {
		return false
	}
	return m.disturb(func(u *Unrest) bool {
		u.Hijacks = slices.DeleteFunc(u.Hijacks, func(h Hijack) bool {
			return !h.Ended.IsZero() && !now.Before(h.Ended.Add(counterTime))
		})
		return u.hijacked(p, culprits, now)
	})
}

func (u *Unrest) hijacked(p netip.Prefix, culprits []uint32, now time.Time) (changed bool) {
	i, known := slices.BinarySearchFunc(u.Hijacks, p, func(h Hijack, p netip.Prefix) int { return h.Prefix.Compare(p) })
	if !known {
		if len(culprits) == 0 {
			return false
		}
		u.Hijacks = slices.Insert(u.Hijacks, i, Hijack{Prefix: p})
	}
	h := &u.Hijacks[i]
	ended, blamed := h.Ended, len(h.Culprits)
	for _, asn := range culprits {
		if !slices.Contains(h.Culprits, asn) {
			h.Culprits = append(slices.Clip(h.Culprits), asn)
		}
	}
	switch {
	case len(culprits) > 0:
		h.Ended = time.Time{}
	case h.Ended.IsZero():
		h.Ended = now
	}
	return !known || !ended.Equal(h.Ended) || blamed < len(h.Culprits)
}

// countered puts together the hijacks that cover the scope's prefix, and stand or have ended only lately.
func (s *State) countered() (all Hijack) {
	for _, h := range s.Hijacks {
		end := h.Ended.Add(counterTime)
		lately := h.Ended.IsZero() || s.Now.Before(end)
		if !lately || h.Prefix.Bits() > s.Prefix.Bits() || !h.Prefix.Contains(s.Prefix.Addr()) {
			continue
		}
		all.Prefix, all.Culprits = h.Prefix, append(all.Culprits, h.Culprits...)
		if !h.Ended.IsZero() {
			s.again(end)
		}
	}
	return all
}
