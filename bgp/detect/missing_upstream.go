package detect

import (
	"fmt"
	"slices"
	"time"

	"peervane/bgp"
)

// Missing is a required upstream that is seen at no vantage.
type Missing struct {
	ASN   uint32    `json:"asn"`
	Since time.Time `json:"since"`
}

// learnUpstreams keeps which required upstreams each vantage showed last, and since when each is missing. A vantage that is
// out of sight goes on for what it showed: not seeing is not absence.
func (m *Memory) learnUpstreams(s *State) (changed bool) {
	required := s.Reg.Policy.Required
	if len(required) == 0 && m.Missing == nil {
		return false
	}
	changed = s.learnShown(required)
	before := m.Missing
	m.Missing = nil
	for _, asn := range required {
		if !s.missing(asn) {
			continue
		}
		since := s.Now
		if i := slices.IndexFunc(before, func(x Missing) bool { return x.ASN == asn }); i >= 0 {
			since = before[i].Since
		}
		m.Missing = append(m.Missing, Missing{asn, since})
	}
	return changed || !slices.Equal(before, m.Missing)
}

// learnShown keeps what each vantage shows that is in sight. What is not in its first table yet may still come.
func (s *State) learnShown(required []uint32) (changed bool) {
	shown := make([][]uint32, len(s.Vantages))
	for i := range s.Routes {
		h := &s.Routes[i]
		for _, asn := range required {
			if s.shows(h, asn) && !slices.Contains(shown[h.V], asn) {
				shown[h.V] = append(shown[h.V], asn)
			}
		}
	}
	for i, t := range s.traces {
		if t == nil || s.Vantages[i].Loading && len(shown[i]) == 0 || s.best[i] == nil && !s.Vantages[i].InSync {
			continue
		}
		changed = changed || !slices.Equal(t.Upstreams, shown[i])
		t.Upstreams = shown[i]
	}
	return changed
}

// shows says whether a route shows an AS next to its legitimate origin. Next to a neighbour who is the origin himself,
// that is us.
func (s *State) shows(h *Held, asn uint32) bool {
	if s.judgeOrigin(h) != Legitimate {
		return false
	}
	next, ok := s.upstream(h)
	if !ok {
		return h.Vantage.Own() && s.ours(h.Vantage, asn)
	}
	return s.mayBe(next, []uint32{asn})
}

// missing says whether an upstream is seen nowhere, while the prefix is seen somewhere, and no vantage has still to tell.
func (s *State) missing(asn uint32) bool {
	held := false
	for i, v := range s.Vantages {
		t := s.traces[i]
		if v.Loading || t != nil && slices.Contains(t.Upstreams, asn) {
			return false
		}
		held = held || s.best[i] != nil && s.judgeOrigin(s.best[i]) == Legitimate
	}
	return held
}

// missingUpstream: a required upstream is next to the origin at no vantage. Where nobody holds the prefix, that it is
// withdrawn says it all.
func missingUpstream(j *judgement) (out []bgp.Finding) {
	if !j.exact() || j.Memory == nil || j.Reg.Policy.Expect == Absent {
		return nil
	}
	for _, m := range j.Memory.Missing {
		f := j.finding("missing_upstream", warning)
		f.Culprit, f.Hold = m.ASN, j.Settings.AbsenceHold
		f.Expected.Upstreams = j.Reg.Policy.Required
		for i := range j.Routes {
			if h := &j.Routes[i]; j.judgeOrigin(h) == Legitimate {
				show(&f, h, m.Since)
			}
		}
		f.Total = len(f.Bad)
		f.Summary = fmt.Sprintf("%s is not seen behind its required upstream %s: %s elsewhere (%s)",
			f.Prefix, asn(m.ASN), seenBy(&f), example(&f))
		out = append(out, f)
	}
	return out
}
