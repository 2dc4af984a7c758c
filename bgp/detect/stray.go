package detect

import (
	"slices"

	"peervane/bgp"
)

// Stray is the best path of a vantage of which its trace does not tell: of a wrong route, or of one that is not trusted yet. It is
// for those who compare what a vantage shows with what it showed when it was last in sight.
type Stray struct {
	Vantage string `json:"vantage"`
	Path    Path   `json:"path"`
}

// Last says whether a route of the prefix was held at a vantage when that was last in sight, and by which path; nil where that is
// not known.
func (m *Memory) Last(vantage string) (path *bgp.Path, held bool) {
	if i := m.stray(vantage); i >= 0 {
		return m.Unrest.Strays[i].Path.Path, true
	}
	if i, found := m.find(vantage); found {
		return m.Traces[i].tells()
	}
	return nil, false
}

// stray is where the one of a vantage stands; -1: there is none.
func (m *Memory) stray(vantage string) int {
	return slices.IndexFunc(m.unrest().Strays, func(s Stray) bool { return s.Vantage == vantage })
}

// tells is the best path as far as a trace tells of it, of a legitimate route.
func (t *Trace) tells() (path *bgp.Path, held bool) {
	switch {
	case !t.Seen || !t.Lost.IsZero():
		return nil, false
	case t.Moved != nil:
		return t.Moved.Path.Path, true
	}
	return t.Settled.Path, true
}

// learnStrays keeps the best paths that the traces do not tell of, of our own sessions. A first table that is not whole yet may
// still show a better one.
func (s *State) learnStrays() (changed bool) {
	for i := range s.Vantages {
		v, t := &s.Vantages[i], s.traces[i]
		if t == nil || !v.Own() || v.Loading || s.best[i] == nil && !v.InSync {
			continue
		}
		var stray *bgp.Path
		if best := s.best[i]; best != nil {
			if told, held := t.tells(); !held || told == nil || told != best.Attrs.Path && told.String() != best.Attrs.Path.String() {
				stray = best.Attrs.Path
			}
		}
		changed = s.Memory.learnStray(v.Name, stray) || changed
	}
	return changed
}

// learnStray keeps one; nil: there is none.
func (m *Memory) learnStray(vantage string, path *bgp.Path) (changed bool) {
	i := m.stray(vantage)
	if path == nil && i < 0 || path != nil && i >= 0 && m.Unrest.Strays[i].Path.String() == path.String() {
		return false
	}
	return m.disturb(func(u *Unrest) bool {
		switch {
		case path == nil:
			u.Strays = slices.Delete(u.Strays, i, i+1)
		case i < 0:
			u.Strays = append(u.Strays, Stray{vantage, Path{path}})
		default:
			u.Strays[i].Path = Path{path}
		}
		return true
	})
}
