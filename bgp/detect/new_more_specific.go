package detect

import (
	"fmt"
	"slices"

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

// countered puts together the hijacks that cover the scope's prefix, and stand or have ended only lately.
func (s *State) countered() (all Hijack) {
	for _, h := range s.Hijacks.over(s.Prefix, s.Now) {
		all.Prefix, all.Culprits = h.Prefix, append(all.Culprits, h.Culprits...)
		if !h.Ended.IsZero() {
			s.again(h.Ended.Add(counterTime))
		}
	}
	return all
}
