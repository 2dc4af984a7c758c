package detect

import (
	"peervane/bgp"
)

// subprefix: a more-specific of the registered prefix has an origin that is not legitimate. One that was originated
// behind an internal peer is our own business.
func subprefix(s *State, h *Held) *offence {
	if s.exact() || s.Verdict(h) != Wrong || s.local(h) {
		return nil
	}
	return &offence{culprit: s.culprit(h, s.Reg.Policy.Origins)}
}

func subprefixSummary(s *State, f *bgp.Finding) string {
	return text(f.Offending) + " inside " + text(f.Prefix) + " announced by " + asn(f.Culprit) + ": " + seenBy(f) + " (" + example(f) + ")"
}
