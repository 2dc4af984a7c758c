package detect

import "peervane/bgp/rpki"

// Verdicts keeps what the leak methods said of paths, so that each path is judged once, and not once for every prefix. The
// zero value is ready, nil keeps nothing. One goroutine uses it.
type Verdicts struct {
	settings *Settings
	rpki     *rpki.Set
	leaks    map[verdictKey]*leak
	coverage coverage
}

// verdictKey is a route as a key: paths are the same that read the same.
type verdictKey struct {
	route
	text string
}

const (
	maxVerdicts    = 1 << 16
	maxVerdictText = 1 << 10 // of a path; longer ones are rare, and judged each time
)

// leak gives the verdict on a route. Other settings, and so other relationships or RPKI data, make all verdicts void.
func (v *Verdicts) leak(s *Settings, r route) *leak {
	text := r.path.String()
	if v == nil || len(text) > maxVerdictText {
		return s.trail(r).leak()
	}
	if v.settings != s {
		v.coverage = coverage{}
	}
	if v.settings != s || v.rpki != s.RPKI || len(v.leaks) == maxVerdicts {
		v.settings, v.rpki, v.leaks = s, s.RPKI, map[verdictKey]*leak{}
	}
	key := verdictKey{r, text}
	key.path = nil
	found, known := v.leaks[key]
	if !known {
		t := s.trail(r)
		found = t.leak()
		v.leaks[key] = found
		v.coverage.note(t)
	}
	return found
}
