package detect_test

import (
	"slices"
	"time"

	"peervane/bgp/detect"
)

// charge is one thing that a route does wrong.
type charge struct {
	name, severity string
	culprit        uint32
}

// charges lists what a route of a prefix does wrong, the gravest first.
func (o *oracle) charges(prefix, route string) (all []charge) {
	if route == "" {
		return nil
	}
	p, k := o.lab.reg.Policy, kindOf(route)
	watched := len(o.lab.settings.ASNs) > 0 && k.legitimate
	legitimate := k.legitimate && p.Expect != detect.Absent
	bring := func(holds bool, name, severity string, culprit uint32) {
		if holds && !o.lab.settings.Off[name] {
			all = append(all, charge{name, severity, culprit})
		}
	}
	if prefix != exact && prefix != half {
		bring(watched, "unlisted_prefix", "warning", 64496)
		bring(watched && k.next != 64500, "new_upstream", "warning", k.next)
		return all
	}
	wrong := k.wrong || p.Expect == detect.Absent
	culprit := k.blamed
	if k.wrong {
		culprit = k.culprit
	}
	bring(wrong && prefix == half, "subprefix", "critical", culprit)
	bring(wrong && prefix == exact, "origin_change", "critical", culprit)
	bring(p.NoExport && k.beyond != 0, "route_leak", "critical", k.beyond)
	bring(legitimate && len(p.Upstreams) > 0 && !slices.Contains(p.Upstreams, k.next), "forged_origin", "error", k.next)
	bring(o.lab.settings.RPKI != nil && (prefix == half || !k.allowed), "rpki_invalid", "error", k.blamed)
	bring(k.hole, "blackholed", "warning", k.blamed)
	bring(legitimate && prefix == half, "new_more_specific", "warning", k.blamed)
	bring(watched && k.next != 64500, "new_upstream", "warning", k.next)
	bring(len(p.Paths) > 0 && k.sieved, "path_rule", "warning", k.blamed)
	tooLong := p.MaxPathLength > 0 && k.length > p.MaxPathLength
	bring(!wrong && (tooLong || k.private && !p.AllowPrivateASN), "policy", "warning", k.blamed)
	return all
}

// stands says whether an incident stands on a route at moment i: it offends, and enough sites agree.
func (o *oracle) stands(i int, prefix, route string) bool {
	c := o.charges(prefix, route)
	if len(c) == 0 {
		return false
	}
	agree := 0
	for _, v := range o.moments[i].sites {
		if slices.ContainsFunc(v.all[prefix], func(other string) bool {
			same := o.charges(prefix, other)
			return len(same) > 0 && same[0].name == c[0].name && same[0].culprit == c[0].culprit
		}) {
			agree++
		}
	}
	return agree >= o.lab.reg.Policy.MinVantages
}

// wrong says whether it is one that the route is not legitimate.
func (o *oracle) wrong(prefix, route string) bool {
	c := o.charges(prefix, route)
	return len(c) > 0 && slices.Contains([]string{"subprefix", "origin_change", "route_leak", "forged_origin"}, c[0].name)
}

// routes judges each route of a prefix. yields says, by site, what else its best route hides.
func (o *oracle) routes(prefix string, yields map[string][]string) (out []string) {
	type group struct {
		bad, also []string
		since     time.Time
	}
	groups := map[charge]*group{}
	for _, v := range o.moments[len(o.moments)-1].sites {
		for _, route := range v.all[prefix] {
			c := o.charges(prefix, route)
			if len(c) == 0 {
				continue
			}
			g := groups[c[0]]
			if g == nil {
				g = &group{}
				groups[c[0]] = g
			}
			g.bad = append(g.bad, v.name)
			g.since = earliest(g.since, v.routeSince[prefix+route])
			for _, other := range c[1:] {
				g.also = append(g.also, other.name)
			}
			if route == v.stands[prefix] {
				g.also = append(g.also, yields[v.name]...)
			}
		}
	}
	for c, g := range groups {
		if c.name == "blackholed" || c.name == "policy" {
			g.since = time.Time{} // the path may be older
		}
		if c.name == "new_more_specific" && o.hijackedLately() {
			c.severity = "info"
		}
		slices.Sort(g.bad)
		slices.Sort(g.also)
		out = append(out, o.line(c.name, c.severity, prefix, c.culprit, slices.Compact(g.bad), g.since, slices.Compact(g.also)))
	}
	return out
}

// hijackedLately walks back through the last hour.
func (o *oracle) hijackedLately() bool {
	for i := len(o.moments) - 1; i >= 0; i-- {
		if i+1 < len(o.moments) && o.lab.now.Sub(o.moments[i+1].at) >= time.Hour {
			return false
		}
		if o.hijacked(i, exact) || o.hijacked(i, half) {
			return true
		}
	}
	return false
}

// hijacked says whether enough sites show a wrong origin of one culprit at moment i.
func (o *oracle) hijacked(i int, prefix string) bool {
	by := map[charge]map[string]bool{}
	for _, v := range o.moments[i].sites {
		for _, route := range v.all[prefix] {
			c := o.charges(prefix, route)
			if len(c) == 0 || c[0].name != "subprefix" && c[0].name != "origin_change" {
				continue
			}
			if by[c[0]] == nil {
				by[c[0]] = map[string]bool{}
			}
			by[c[0]][v.name] = true
		}
	}
	for _, sites := range by {
		if len(sites) >= o.lab.reg.Policy.MinVantages {
			return true
		}
	}
	return false
}
