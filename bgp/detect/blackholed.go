package detect

import (
	"fmt"

	"peervane/bgp"
)

// blackholed: the registered prefix, or a route inside it, which RFC 7999 section 3.3 wants to be a host route, asks every
// router that learns it to discard its traffic. Behind an internal peer it is our own doing.
func blackholed(s *State, h *Held) *offence {
	if !h.Attrs.HasCommunity(bgp.Blackhole) {
		return nil
	}
	o := &offence{culprit: s.culprit(h), sudden: true}
	if s.local(h) {
		o.severity = info
	}
	return o
}

func blackholedSummary(s *State, f *bgp.Finding) string {
	what := f.Offending.String()
	if !s.exact() {
		what += " inside " + f.Prefix.String()
	}
	return fmt.Sprintf("%s is black-holed by %s: %s with the BLACKHOLE community (%s)", what, s.origins(f), seenBy(f), example(f))
}
