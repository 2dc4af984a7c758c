package detect

import (
	"fmt"
	"regexp"

	"peervane/bgp"
)

// PathRule is one rule on the AS path. Patterns see the path as received; a nil one is not given.
type PathRule struct {
	Match       *regexp.Regexp
	NotMatch    *regexp.Regexp
	Require     *regexp.Regexp
	MinLength   int // prepends counted; 0 = open
	MaxLength   int // likewise
	Description string
	Text        string // the rule as it was written
}

// fires says whether the rule has something to say of a path: it is one that the rule looks for, or lacks what the rule
// requires. A rule that only requires looks for none.
func (r *PathRule) fires(p *bgp.Path) bool {
	text, length := p.String(), p.Len()
	looks := r.Match != nil || r.NotMatch != nil || r.MinLength > 0 || r.MaxLength > 0
	found := looks &&
		(r.Match == nil || r.Match.MatchString(text)) &&
		(r.NotMatch == nil || !r.NotMatch.MatchString(text)) &&
		length >= r.MinLength && (r.MaxLength == 0 || length <= r.MaxLength)
	return found || r.Require != nil && !r.Require.MatchString(text)
}

// name is how a rule is told of.
func (r *PathRule) name() string {
	if r.Description == "" {
		return r.Text
	}
	return r.Description
}

// rules lists the rules of the registration that fire on a path.
func (s *State) rules(p *bgp.Path) (names []string) {
	for i := range s.Reg.Policy.Paths {
		if r := &s.Reg.Policy.Paths[i]; r.fires(p) {
			names = append(names, r.name())
		}
	}
	return names
}

// pathRule: a rule of the registration fires on the AS path.
func pathRule(s *State, h *Held) *offence {
	rules := s.rules(h.Attrs.Path)
	if len(rules) == 0 {
		return nil
	}
	return &offence{culprit: s.culprit(h), hints: rules}
}

func pathRuleSummary(s *State, f *bgp.Finding) string {
	var rules []string
	for _, r := range f.Routes {
		rules = union(rules, s.rules(r.Attrs.Path))
	}
	return fmt.Sprintf("the AS path of %s breaks a rule (%s): %s (%s)", f.Offending, names(rules), seenBy(f), example(f))
}
