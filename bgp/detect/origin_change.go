package detect

import (
	"fmt"

	"peervane/bgp"
)

// originChange: the registered prefix has a route whose origin is not legitimate.
func originChange(s *State, h *Held) *offence {
	if !s.exact() || s.Verdict(h) != Wrong {
		return nil
	}
	o := &offence{culprit: s.culprit(h, s.Reg.Policy.Origins)}
	if s.transits(o.culprit) {
		o.leakType = reOrigination
	}
	return o
}

func originChangeSummary(s *State, f *bgp.Finding) string {
	if s.Reg.Policy.Expect == Absent {
		return fmt.Sprintf("%s announced by %s, which should not be: %s (%s)", f.Offending, asn(f.Culprit), seenBy(f), example(f))
	}
	return text(f.Offending) + " hijacked by " + asn(f.Culprit) + ": " + share(f) + " " + verb(len(f.Bad), "sees", "see") +
		" origin " + s.origins(f) + " instead of " + asns(s.Reg.Policy.Origins) + " (" + example(f) + ")"
}
