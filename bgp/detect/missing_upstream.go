package detect

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Missing is a required upstream that is seen at no vantage.
type Missing struct {
	ASN   uint32    `json:"asn"`
	Since time.Time `json:"since"`
}

// Shown is which required upstreams a vantage showed when it was last in sight.
type Shown struct {
	Vantage string   `json:"vantage"`
	ASNs    []uint32 `json:"asns"`
}

// learnUpstreams keeps which required upstreams each vantage showed last, and since when each is missing. A vantage that is
// out of sight goes on for what it showed: not seeing is not absence.
func (m *Memory) learnUpstreams(s *State) (changed bool) {
	required, before := s.Reg.Policy.Required, m.unrest()
	if len(required) == 0 && len(before.Missing)+len(before.Shown) == 0 {
		return false
	}
	return m.disturb(func(u *Unrest) bool {
		u.Shown = s.learnShown(before.Shown)
		u.Missing = nil
		for _, asn := range required {
			if !s.missing(asn, u.Shown) {
				continue
			}
			since := s.Now
			if i := slices.IndexFunc(before.Missing, func(x Missing) bool { return x.ASN == asn }); i >= 0 {
				since = before.Missing[i].Since
			}
			u.Missing = append(u.Missing, Missing{asn, since})
		}
		same := slices.EqualFunc(before.Shown, u.Shown, func(a, b Shown) bool {
			return a.Vantage == b.Vantage && slices.Equal(a.ASNs, b.ASNs)
		})
		return !same || !slices.Equal(before.Missing, u.Missing)
	})
}

// learnShown gives what each vantage shows that is in sight, and what the others showed. What is not in its first table yet
// may still come.
func (s *State) learnShown(before []Shown) (after []Shown) {
	shown := map[string][]uint32{}
	for _, b := range before {
		shown[b.Vantage] = b.ASNs
	}
	now := s.shownNow()
	for i := range s.Vantages {
		v := &s.Vantages[i]
		if len(now[i]) > 0 || !v.Loading && (s.best[i] != nil || v.InSync) {
			shown[v.Name] = now[i]
		}
	}
	for _, name := range slices.Sorted(maps.Keys(shown)) {
		if len(shown[name]) > 0 {
			after = append(after, Shown{name, shown[name]})
		}
	}
	return after
}

// shownNow lists the required upstreams that each vantage shows now.
func (s *State) shownNow() [][]uint32 {
	shown := make([][]uint32, len(s.Vantages))
	for i := range s.Routes {
		h := &s.Routes[i]
		for _, asn := range s.Reg.Policy.Required {
			if s.shows(h, asn) && !slices.Contains(shown[h.V], asn) {
				shown[h.V] = append(shown[h.V], asn)
			}
		}
	}
	for _, asns := range shown {
		slices.Sort(asns)
	}
	return shown
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
func (s *State) missing(asn uint32, shown []Shown) bool {
	if slices.ContainsFunc(shown, func(x Shown) bool { return slices.Contains(x.ASNs, asn) }) {
		return false
	}
	held := false
	for i, v := range s.Vantages {
		if v.Loading {
			return false
		}
		held = held || s.best[i] != nil && s.judgeOrigin(s.best[i]) == Legitimate
	}
	return held
}

// missingUpstream: a required upstream is next to the origin at no vantage. Where nobody holds the prefix, that it is
// withdrawn says it all.
func missingUpstream(j *judgement) {
	if !j.exact() || j.Memory == nil || j.Reg.Policy.Expect == Absent {
		return
	}
	for _, m := range j.Memory.unrest().Missing {
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
		j.found = append(j.found, f)
	}
}
