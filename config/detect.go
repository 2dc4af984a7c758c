package config

import (
	"fmt"
	"slices"
	"time"
)

var detectSchema = schema[Detect]{
	name:  "detect",
	title: "[detect]",
	rows: []key[Detect]{
		field("relationships", func(d *Detect) **Relationships { return &d.Relationships }, relationshipsFile, nil),
		field("siblings", func(d *Detect) *[][]uint32 { return &d.Siblings }, siblings, nil),
		field("route_servers", func(d *Detect) *[]uint32 { return &d.RouteServers }, asnSet, nil),
		field("tier1", func(d *Detect) *[]uint32 { return &d.Tier1 }, asnSet, nil),
		field("peerlock", func(d *Detect) *[]Peerlock { return &d.Peerlock }, peerlocks, nil),
		field("hold", func(d *Detect) *time.Duration { return &d.Hold }, span(0, day), 0),
		field("absence_hold", func(d *Detect) *time.Duration { return &d.AbsenceHold }, span(0, day), 30*time.Second),
		field("path_change_hold", func(d *Detect) *time.Duration { return &d.PathChangeHold }, span(0, day), 60*time.Second),
		field("path_settle", func(d *Detect) *time.Duration { return &d.PathSettle }, span(time.Minute, 365*day), day),
		field("leak_count", func(d *Detect) *int { return &d.LeakCount }, number(1, 10_000_000), 50),
	},
}

// siblings are groups of ASNs; no ASN is in two of them.
func siblings(l *loading, v value) ([][]uint32, bool) {
	groups, ok := listOf(asnSet)(l, v)
	if !ok {
		return nil, false
	}
	items, _ := v.items()
	group := make(map[uint32]int)
	for i, g := range groups {
		if len(g) < 2 {
			l.fail(items[i].pos(), "siblings has a group of %d; write two ASNs or more of one organisation, [64496, 64497]", len(g))
			ok = false
		}
		for _, asn := range g {
			if _, twice := group[asn]; twice {
				l.fail(items[i].pos(), "siblings has AS%d in two groups; make them one", asn)
				ok = false
			}
			group[asn] = i
		}
	}
	return groups, ok
}

var peerlockSchema = schema[Peerlock]{
	name:  "peerlock",
	title: "peerlock",
	rows: []key[Peerlock]{
		need("asn", func(p *Peerlock) *uint32 { return &p.ASN }, asn, "write the ASN to protect, { asn = 174, … }"),
		field("allowed_upstreams", func(p *Peerlock) *[]uint32 { return &p.AllowedUpstreams }, asnSet, nil),
	},
}

func peerlocks(l *loading, v value) ([]Peerlock, bool) {
	list, ok := listOf(peerlockSchema.inline)(l, v)
	items, _ := v.items()
	for i, lock := range list {
		again := func(other Peerlock) bool { return other.ASN == lock.ASN && lock.ASN != 0 } // 0: without one, or reported
		if ok && slices.ContainsFunc(list[:i], again) {
			l.fail(items[i].pos(), "peerlock protects AS%d twice; write one entry with all its allowed_upstreams", lock.ASN)
		}
	}
	return list, ok
}

var rpkiSchema = schema[RPKI]{
	name:  "rpki",
	title: "[rpki]",
	rows: []key[RPKI]{
		field("rtr", func(r *RPKI) *[]string { return &r.RTR }, setOf(cacheURL), nil),
		field("file", func(r *RPKI) *string { return &r.File }, rpkiFile, ""),
		field("slurm", func(r *RPKI) *string { return &r.SLURM }, slurmFile, ""),
		field("stale_after", func(r *RPKI) *time.Duration { return &r.StaleAfter }, span(time.Minute, 30*day), 2*time.Hour),
	},
}

// incidentTypes are the types of incidents.
var incidentTypes = []string{
	"origin_change", "subprefix", "covering_change", "new_more_specific", "forged_origin", "route_leak",
	"rpki_invalid", "roa_lost", "withdrawn", "visibility", "missing_upstream", "policy", "path_rule", "path_change",
	"flapping", "blackholed", "unlisted_prefix", "new_upstream", "new_downstream", "session_down", "prefix_limit",
	"table_drop", "feed_stale", "rpki_stale", "latency_shift", "loss", "pop_unreachable", "return_path", "pop_change",
	"uplink", "channel_failing",
}

// incidentType is one of them.
func incidentType(l *loading, v value) (string, bool) {
	s, ok := v.raw.(string)
	if ok && slices.Contains(incidentTypes, s) {
		return s, true
	}
	return wrong[string](l, v, typeHint(s))
}

func typeHint(s string) string {
	if near := nearest(s, incidentTypes); near != "" {
		return fmt.Sprintf("%q", near)
	}
	return `a type of incident, such as "origin_change"; reference.toml lists them`
}

// severities reads [severity]: a level for some types.
func (l *loading) severities() map[string]string {
	table, levels := l.tables.one["severity"], map[string]string{}
	for _, name := range table.keys() {
		v, _ := table.get(name)
		if !slices.Contains(incidentTypes, name) {
			l.fail(v.keyPos(), "[severity] has %q, which is no type of incident; write %s", clip(name), typeHint(name))
			continue
		}
		if level, ok := oneOf("info", "warning", "error", "critical", "off")(l, v); ok {
			levels[name] = level
		}
	}
	return levels
}
