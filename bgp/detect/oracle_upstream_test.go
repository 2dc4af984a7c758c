package detect_test

import "peervane/bgp/detect"

// missingUpstream walks through what every site showed of AS64501 when it was last in sight.
func (o *oracle) missingUpstream() []string {
	p := o.lab.reg.Policy
	if len(p.Required) == 0 || p.Expect == detect.Absent {
		return nil
	}
	shown := make([]bool, len(o.moments[0].sites))
	missing := make([]bool, len(o.moments))
	for i, m := range o.moments {
		held, late := false, false
		for s, v := range m.sites {
			shows := false
			for _, route := range v.all[exact] {
				shows = shows || kindOf(route).legitimate && kindOf(route).next == 64501
			}
			if shows || v.inSync && !v.loading {
				shown[s] = shows
			}
			held = held || kindOf(v.stands[exact]).legitimate
			late = late || v.loading
		}
		missing[i] = held && !late
		for _, s := range shown {
			missing[i] = missing[i] && !s
		}
	}
	since, now := o.began(func(i int) bool { return missing[i] })
	if !now {
		return nil
	}
	var bad []string
	for _, v := range o.moments[len(o.moments)-1].sites {
		for _, route := range v.all[exact] {
			if kindOf(route).legitimate {
				bad = append(bad, v.name)
				break
			}
		}
	}
	return []string{o.line("missing_upstream", "warning", exact, 64501, bad, since, nil)}
}
