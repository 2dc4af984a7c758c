package detect

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"peervane/bgp"
	"peervane/bgp/rpki"
)

// roaLost: a legitimate route was valid and no longer is, because VRPs went. It is judged in the exact scope, against the
// VRPs that made each legitimate origin valid when it was last seen so.
func roaLost(j *judgement) {
	if j.Memory == nil || j.Settings.RPKI == nil {
		return
	}
	var f *bgp.Finding
	for i := range j.Routes {
		h := &j.Routes[i]
		roa := j.Memory.roa(j.originOf(h))
		if roa == nil || roa.Lost.IsZero() || j.Verdict(h) != Legitimate || h.RPKI == "" || j.yields(h, "roa_lost") {
			continue
		}
		if f == nil {
			found := j.finding("roa_lost", warning)
			found.Since, found.Hold = roa.Lost, j.Settings.Hold
			found.Hints = []string{"went: VRP " + roa.VRP}
			f = &found
		}
		show(f, h, roa.Lost)
	}
	if f == nil {
		return
	}
	j.agree(f, anyVantage)
	f.Summary = fmt.Sprintf("%s lost its ROA: the route from %s was RPKI valid and is %s (%s)",
		f.Prefix, j.origins(f), cmp.Or(f.Routes[0].RPKI, "unknown"), example(f))
	j.found = append(j.found, *f)
}

// ROA is the VRP that made a legitimate origin of the registered prefix valid when it was last seen so.
type ROA struct {
	Origin uint32    `json:"origin"`
	VRP    string    `json:"vrp"`
	Lost   time.Time `json:"lost,omitzero"` // since when the route is not valid any more; zero while it is
}

// learnROAs remembers by which VRP each legitimate origin of the registered prefix was valid, and since when it no longer is.
func (s *State) learnROAs() (changed bool) {
	if s.Settings.RPKI == nil {
		return false
	}
	for i := range s.Routes {
		h := &s.Routes[i]
		if s.judgeOrigin(h) != Legitimate {
			continue
		}
		changed = s.Memory.learnROA(s, h, s.validate(h)) || changed
	}
	return changed
}

func (m *Memory) learnROA(s *State, h *Held, v rpki.OriginVerdict) (changed bool) {
	origin := s.originOf(h)
	roa := m.roa(origin)
	switch {
	case v.State == rpki.Valid:
		vrp := matching(v, h, origin)
		if roa == nil {
			m.ROAs = append(m.ROAs, ROA{Origin: origin})
			roa = &m.ROAs[len(m.ROAs)-1]
		}
		changed = roa.VRP != vrp || !roa.Lost.IsZero()
		*roa = ROA{Origin: origin, VRP: vrp}
	case roa != nil && roa.Lost.IsZero() && v.State != rpki.Unknown:
		roa.Lost, changed = s.Now, true
	}
	return changed
}

// matching is the VRP that makes a route valid.
func matching(v rpki.OriginVerdict, h *Held, origin uint32) string {
	for _, vrp := range v.Covering {
		if vrp.ASN == origin && int(vrp.MaxLength) >= h.Prefix.Bits() {
			return vrp.String()
		}
	}
	return ""
}

func (m *Memory) roa(origin uint32) *ROA {
	if m == nil {
		return nil
	}
	i := slices.IndexFunc(m.ROAs, func(r ROA) bool { return r.Origin == origin })
	if i < 0 {
		return nil
	}
	return &m.ROAs[i]
}
