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
// hijack that is what helps, so while one stands, and for an hour, it is told for information only.
func newMoreSpecific(s *State, h *Held) *offence {
	if s.exact() || s.Prefix.Bits() <= s.maxLength() || s.Verdict(h) != Legitimate || s.local(h) {
		return nil
	}
	o := &offence{culprit: s.culprit(h), leakType: internalLeak}
	if hijacked, ok := s.countered(); ok {
		o.severity, o.leakType = info, 0
		o.hints = []string{fmt.Sprintf("a counter-announcement: %s was hijacked", hijacked)}
	}
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
	Prefix netip.Prefix `json:"prefix"`
	Ended  time.Time    `json:"ended,omitzero"` // zero: it stands
}

// pruneEvery is how often hijacks that ended long ago are dropped.
const pruneEvery = time.Minute

// Hijacked keeps whether an incident about a wrong origin stands on a prefix. What changed concerns every scope inside
// that prefix.
func (m *Memory) Hijacked(p netip.Prefix, stands bool, now time.Time) (changed bool) {
	if now.Sub(m.pruned) >= pruneEvery { // not at every judgement: in a storm there are many
		m.pruned = now
		m.Hijacks = slices.DeleteFunc(m.Hijacks, func(h Hijack) bool {
			return !h.Ended.IsZero() && !now.Before(h.Ended.Add(counterTime))
		})
	}
	i, known := slices.BinarySearchFunc(m.Hijacks, p, func(h Hijack, p netip.Prefix) int { return h.Prefix.Compare(p) })
	switch {
	case !known && stands:
		m.Hijacks = slices.Insert(m.Hijacks, i, Hijack{Prefix: p})
	case known && stands && !m.Hijacks[i].Ended.IsZero():
		m.Hijacks[i].Ended = time.Time{}
	case known && !stands && m.Hijacks[i].Ended.IsZero():
		m.Hijacks[i].Ended = now
	default:
		return false
	}
	return true
}

// countered finds a hijack that covers the scope's prefix, and stands or has ended only lately.
func (s *State) countered() (p netip.Prefix, ok bool) {
	var until time.Time
	for _, h := range s.Hijacks {
		if h.Prefix.Bits() > s.Prefix.Bits() || !h.Prefix.Contains(s.Prefix.Addr()) {
			continue
		}
		end := h.Ended.Add(counterTime)
		switch {
		case h.Ended.IsZero():
			return h.Prefix, true
		case s.Now.Before(end) && end.After(until):
			p, ok, until = h.Prefix, true, end
		}
	}
	s.again(until)
	return p, ok
}
