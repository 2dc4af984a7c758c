package detect

import (
	"fmt"
	"strings"

	"peervane/bgp"
	"peervane/bgp/rpki"
)

// byASPA verifies the path against the providers that ASes attest (draft-ietf-sidrops-aspa-verification-28, by the role of the
// session; at collectors the lenient downstream procedure). A path that is invalid for another reason than its hops, such
// as an AS_SET, is no leak.
func byASPA(t *trail) *suspicion {
	if t.RPKI == nil || t.neighbour == bgp.Internal || !t.RPKI.HasASPAs() {
		return nil
	}
	verdict := t.RPKI.VerifyPath(t.path, rpki.Session{Relationship: t.neighbour}, t.own(t.Settings)...)
	if verdict.Fault != rpki.Unauthorized {
		return nil
	}
	var suspects []int
	for _, as := range verdict.Suspects {
		if i, found := t.find(as); found {
			suspects = append(suspects, i)
		}
	}
	if len(suspects) == 0 {
		return nil // it is behind a loop
	}
	return &suspicion{suspects: suspects, reason: denials(verdict.Denied), leakType: verdict.LeakType}
}

func denials(list []rpki.Denial) string {
	var words []string
	for _, d := range list {
		words = append(words, fmt.Sprintf("%s attests other providers than %s", asn(d.Customer), asn(d.Provider)))
	}
	return strings.Join(words, ", ")
}
