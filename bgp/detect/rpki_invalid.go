package detect

import (
	"cmp"
	"fmt"
	"strings"

	"peervane/bgp"
	"peervane/bgp/rpki"
)

// rpkiInvalid: a VRP covers the route and none matches it (RFC 6811 section 2).
func rpkiInvalid(s *State, h *Held) *offence {
	v := s.validate(h)
	if v.State != rpki.Invalid {
		return nil
	}
	return &offence{culprit: s.culprit(h, nil), hints: []string{describeInvalid(s, h, v)}}
}

// validate is the route origin validation of a route; Unknown while no VRPs are held.
func (s *State) validate(h *Held) rpki.OriginVerdict {
	if s.Settings.RPKI == nil {
		return rpki.OriginVerdict{}
	}
	return s.Settings.RPKI.VerifyOrigin(h.Prefix, s.originOf(h))
}

// originOf is the origin as origin validation sees it; 0 where nothing can match.
func (s *State) originOf(h *Held) uint32 {
	return rpki.Origin(h.Attrs.Path, cmp.Or(h.Vantage.LocalASN, s.Settings.OurASN))
}

// rpkiText is a verdict as evidence shows it; empty when nothing is known.
func rpkiText(v rpki.OriginVerdict) string {
	switch v.State {
	case rpki.Valid:
		return "valid"
	case rpki.Invalid:
		return "invalid"
	case rpki.NotFound:
		return "not-found"
	}
	return ""
}

// manyVRPs is how many VRPs the evidence of a route names.
const manyVRPs = 4

// describeInvalid names the reason and the VRPs.
func describeInvalid(s *State, h *Held, v rpki.OriginVerdict) string {
	var vrps []string
	for _, vrp := range v.Covering[:min(len(v.Covering), manyVRPs)] {
		vrps = append(vrps, vrp.String())
	}
	more := ""
	if n := len(v.Covering) - manyVRPs; n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return fmt.Sprintf("RPKI invalid (%s): %s from %s, covered by VRP %s%s",
		v.Fault, h.Prefix, hopText(s.Origin(h.Vantage, h.Attrs.Path)), strings.Join(vrps, ", "), more)
}

func rpkiInvalidSummary(s *State, f *bgp.Finding) string {
	return fmt.Sprintf("%s from %s is RPKI invalid: %s (%s)", f.Offending, s.origins(f), seenBy(f), example(f))
}
