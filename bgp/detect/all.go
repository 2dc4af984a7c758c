package detect

import (
	"cmp"
	"slices"
	"time"

	"peervane/bgp"
)

// The severities, as findings carry them.
const (
	info     = "info"
	warning  = "warning"
	failure  = "error"
	critical = "critical"
)

// detector judges each route of a state, or the state as a whole: either route and summary are set, or state is.
type detector struct {
	name     string
	severity string
	anywhere bool // it judges routes outside every registered prefix, too
	wrong    bool // what it claims is no legitimate route: no new normal, nothing good, and what lacks at its vantage is explained
	route    func(*State, *Held) *offence
	summary  func(*State, *bgp.Finding) string
	expected func(*State, *bgp.Expected) // where more is expected than an origin
	state    func(*judgement)
}

// all lists every detector. For one offending route the first that speaks wins, and the others go into its `also`.
var all = []detector{
	{name: "subprefix", severity: critical, wrong: true, route: subprefix, summary: subprefixSummary},
	{name: "origin_change", severity: critical, wrong: true, route: originChange, summary: originChangeSummary},
	{name: "route_leak", severity: critical, wrong: true, route: routeLeak, summary: routeLeakSummary},
	{name: "forged_origin", severity: failure, wrong: true, route: forgedOrigin, summary: forgedOriginSummary, expected: expectUpstreams},
	{name: "rpki_invalid", severity: failure, route: rpkiInvalid, summary: rpkiInvalidSummary},
	{name: "blackholed", severity: warning, route: blackholed, summary: blackholedSummary},
	{name: "new_more_specific", severity: warning, route: newMoreSpecific, summary: newMoreSpecificSummary},
	{name: "unlisted_prefix", severity: warning, anywhere: true, route: unlistedPrefix, summary: unlistedPrefixSummary},
	{name: "new_upstream", severity: warning, anywhere: true, route: newUpstream, summary: newUpstreamSummary},
	{name: "new_downstream", severity: warning, anywhere: true, route: newDownstream, summary: newDownstreamSummary},
	{name: "path_rule", severity: warning, route: pathRule, summary: pathRuleSummary},
	{name: "policy", severity: warning, route: policy, summary: policySummary, expected: expectCommunities},
	{name: "covering_change", severity: failure, state: coveringChange},
	{name: "withdrawn", severity: critical, state: withdrawn},
	{name: "visibility", severity: failure, state: visibility},
	{name: "missing_upstream", severity: warning, state: missingUpstream},
	{name: "roa_lost", severity: warning, state: roaLost},
	{name: "flapping", severity: warning, state: flapping},
	{name: "path_change", severity: info, state: pathChange},
}

// offence is what a route detector says of one route.
type offence struct {
	culprit  uint32
	severity string // where it is not the detector's
	sudden   bool   // it rests on more than the path, so it may be younger: it began when it was found
	methods  []string
	leakType int // RFC 7908
	hints    []string
}

// All gives every condition that holds, in the order of the table, then by offending prefix and culprit. Recheck is when
// time alone may change the answer; zero = never. The findings may lie in Found.
func All(s *State) (findings []bgp.Finding, recheck time.Time) {
	if s.Reg.Policy.Ignore {
		return nil, time.Time{}
	}
	s.prepare()
	j := judgement{State: s, found: s.Found[:0]}
	for i := range all {
		if d := &all[i]; d.state != nil && !s.Settings.Off[d.name] {
			d.state(&j)
		}
	}
	j.offences()
	j.settling()
	slices.SortStableFunc(j.found, func(a, b bgp.Finding) int {
		return cmp.Or(
			cmp.Compare(rank(a.Type), rank(b.Type)),
			a.Offending.Compare(b.Offending),
			cmp.Compare(a.Culprit, b.Culprit),
		)
	})
	return j.found, s.recheck
}

// rank is a type's place in the table.
func rank(name string) int {
	return slices.IndexFunc(all, func(d detector) bool { return d.name == name })
}
