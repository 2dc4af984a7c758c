package daemon

import (
	"fmt"
	"regexp"
	"strings"

	"peervane/bgp"
	"peervane/bgp/detect"
	"peervane/config"
)

// policies compiles what is legitimate for prefixes. Registrations that share a policy go on sharing it, and a pattern is
// compiled once, however many policies have it.
type policies struct {
	byKey    map[policyKey]*detect.Policy
	patterns map[string]*regexp.Regexp
}

// policyKey tells compiled policies apart: longer is the longest legitimate more-specific, 0 for the prefix's own length.
type policyKey struct {
	policy *config.PrefixPolicy
	longer int
}

func newPolicies() *policies {
	return &policies{map[policyKey]*detect.Policy{}, map[string]*regexp.Regexp{}}
}

// carry gives the policies of another load: those that say the same stay the same.
func (ps *policies) carry(same map[*config.PrefixPolicy]*config.PrefixPolicy) *policies {
	next := newPolicies()
	for key, p := range ps.byKey {
		if now := same[key.policy]; now != nil {
			next.byKey[policyKey{now, key.longer}] = p
		}
	}
	return next
}

// of gives the policy of a registration.
func (ps *policies) of(reg *config.Registration) *detect.Policy {
	key := policyKey{policy: reg.Policy}
	if n := reg.MaxLength(); n > reg.Prefix.Bits() {
		key.longer = n
	}
	p := ps.byKey[key]
	if p == nil {
		p = ps.compile(reg.Policy, key.longer)
		ps.byKey[key] = p
	}
	return p
}

func (ps *policies) compile(c *config.PrefixPolicy, maxLength int) *detect.Policy {
	p := &detect.Policy{
		Origins:         c.Origins,
		Disputed:        c.Disputed(),
		AnyOrigin:       c.AnyOrigin,
		Expect:          c.Expect,
		Upstreams:       c.Upstreams,
		Required:        c.RequiredUpstreams,
		CoveringOrigins: c.CoveringOrigins,
		MaxLength:       maxLength,
		MinVantages:     c.MinVantages,
		Ignore:          c.Ignore,
		Labels:          c.Labels,
		MaxPathLength:   c.MaxPathLength,
		AllowPrivateASN: c.AllowPrivateASN,
		AllowPrepending: c.AllowPrepending,
		NoExport:        c.NoExport,
	}
	for _, want := range c.RequiredCommunities {
		if n := want.Parts; want.Large {
			p.RequiredLargeCommunities = append(p.RequiredLargeCommunities, bgp.LargeCommunity{Global: n[0], Local1: n[1], Local2: n[2]})
		} else {
			p.RequiredCommunities = append(p.RequiredCommunities, bgp.Community(n[0]<<16|n[1]))
		}
	}
	for _, r := range c.Paths {
		p.Paths = append(p.Paths, detect.PathRule{
			Match: ps.pattern(r.Match), NotMatch: ps.pattern(r.NotMatch), Require: ps.pattern(r.Require),
			MinLength: r.MinLength, MaxLength: r.MaxLength, Description: r.Description, Text: ruleText(r),
		})
	}
	return p
}

// pattern compiles a pattern that was checked; an empty one is none.
func (ps *policies) pattern(text string) *regexp.Regexp {
	if text == "" {
		return nil
	}
	re, ok := ps.patterns[text]
	if !ok {
		re, _ = config.CompilePathPattern(text)
		ps.patterns[text] = re
	}
	return re
}

// ruleText is a rule as the configuration has it.
func ruleText(r config.PathRule) string {
	var parts []string
	for _, p := range [...]struct{ key, value string }{{"match", r.Match}, {"not_match", r.NotMatch}, {"require", r.Require}} {
		if p.value != "" {
			parts = append(parts, fmt.Sprintf("%s = %q", p.key, p.value))
		}
	}
	for _, n := range [...]struct {
		key   string
		value int
	}{{"min_length", r.MinLength}, {"max_length", r.MaxLength}} {
		if n.value > 0 {
			parts = append(parts, fmt.Sprintf("%s = %d", n.key, n.value))
		}
	}
	return strings.Join(parts, ", ")
}
