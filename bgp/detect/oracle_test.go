package detect_test

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"peervane/bgp"
	"peervane/bgp/detect"
)

// kind is what the oracle knows of a path: nothing is computed from its text.
type kind struct {
	legitimate, wrong bool
	trans             bool   // AS_TRANS hides an AS
	covers            bool   // a legitimate origin of covering routes
	culprit           uint32 // of a wrong origin
	blamed            uint32 // of anything else
	next              uint32 // the AS next to the origin
	length            int
	bare              string // without its repeats
	private           bool
	sieved            bool   // the path rule of the test fires on it
	hole              bool   // with the BLACKHOLE community
	beyond            uint32 // the AS that gave it beyond the neighbours of its origin; 0: nobody did
	allowed           bool   // by the VRP of the test
}

var kinds = map[string]kind{
	"64500 64496":         {allowed: true, legitimate: true, covers: true, blamed: 64496, next: 64500, length: 2, bare: "64500 64496"},
	"64500 64501 64496":   {allowed: true, beyond: 64501, legitimate: true, covers: true, blamed: 64496, next: 64501, length: 3, bare: "64500 64501 64496", sieved: true},
	"64500 64496 64496":   {allowed: true, legitimate: true, covers: true, blamed: 64496, next: 64500, length: 3, bare: "64500 64496"},
	"64500 65010 64496":   {allowed: true, beyond: 65010, legitimate: true, covers: true, blamed: 64496, next: 65010, length: 3, bare: "64500 65010 64496", private: true},
	"64500 64499":         {wrong: true, covers: true, culprit: 64499, blamed: 64499, length: 2, bare: "64500 64499"},
	"64500 65550":         {wrong: true, culprit: 65550, blamed: 65550, length: 2, bare: "64500 65550"},
	"64500 64502 65050":   {beyond: 64502, wrong: true, culprit: 64502, blamed: 64502, length: 3, bare: "64500 64502 65050", private: true},
	"64500 {64496,65551}": {wrong: true, culprit: 65551, blamed: 64496, length: 2, bare: "64500 {64496,65551}"},
	"64500 23456":         {trans: true, blamed: 64500, length: 2, bare: "64500 23456"},
}

// kindOf gives the kind of a route: its path, and "!" where it carries BLACKHOLE.
func kindOf(route string) kind {
	path, hole := strings.CutSuffix(route, "!")
	k := kinds[path]
	k.hole = hole
	return k
}

// textOf is how the oracle writes a route.
func textOf(r bgp.Seen) string {
	if r.Attrs.HasCommunity(bgp.Blackhole) {
		return r.Attrs.Path.String() + "!"
	}
	return r.Attrs.Path.String()
}

// moment is all that was there at one step.
type moment struct {
	at    time.Time
	sites []view
}

type view struct {
	name            string
	inSync, loading bool
	backup          bool
	since           time.Time         // in sync since
	settling        time.Time         // since when the best path of the registered prefix is held
	stands          map[string]string // prefix -> best path
	all             map[string][]string
	routeSince      map[string]time.Time // prefix + path -> since
}

// oracle judges by walking through the whole history every time.
type oracle struct {
	lab     *lab
	moments []moment
}

func (o *oracle) note() {
	m := moment{at: o.lab.now}
	for _, s := range o.lab.sites {
		v := view{
			name: s.Name, inSync: s.InSync || len(s.routes[registered]) > 0, loading: s.Loading, backup: s.Name == "e3", since: s.Since,
			stands: map[string]string{}, all: map[string][]string{}, routeSince: map[string]time.Time{},
		}
		for p, paths := range s.routes {
			var best bgp.Seen
			for _, r := range paths {
				text := textOf(r)
				v.all[p.String()] = append(v.all[p.String()], text)
				v.routeSince[p.String()+text] = earliest(v.routeSince[p.String()+text], r.Since)
				if best.Attrs == nil || cmp.Or(cmp.Compare(kindOf(text).length, kindOf(best.Attrs.Path.String()).length), cmp.Compare(r.PathID, best.PathID)) < 0 {
					best = r
				}
			}
			if best.Attrs != nil {
				v.stands[p.String()] = textOf(best)
				if p == registered {
					v.settling = best.Since
				}
			}
		}
		m.sites = append(m.sites, v)
	}
	o.moments = append(o.moments, m)
}

func earliest(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

const exact, half = "203.0.113.0/24", "203.0.113.128/25"

var parent = netip.MustParsePrefix("203.0.112.0/23")

// absences are the types to which min_vantages does not apply.
var absences = map[string]bool{"withdrawn": true, "missing_upstream": true}

func (o *oracle) line(name, severity, prefix string, culprit uint32, bad []string, since time.Time, also []string) string {
	slices.Sort(bad)
	unlisted := prefix != exact && prefix != half && name != "covering_change"
	quiet := !absences[name] && !unlisted && len(bad) < o.lab.reg.Policy.MinVantages
	return fmt.Sprintf("%s %s %s AS%d %v since %s quiet %v also %v", name, severity, prefix, culprit, bad, since.Format(time.RFC3339), quiet, also)
}

// presence of the prefix at a site, at moment i: +1 held, -1 missing, 0 unknown.
func (o *oracle) presence(i, site int) int {
	v := o.moments[i].sites[site]
	path := v.stands[exact]
	switch {
	case kindOf(path).legitimate:
		return 1
	case path != "" && !kindOf(path).wrong, !v.inSync:
		return 0
	}
	return -1
}

// count gives how many sites of a role hold and lack the prefix at moment i.
func (o *oracle) count(i int, backup bool) (held, missing []int) {
	for s, v := range o.moments[i].sites {
		if v.backup != backup {
			continue
		}
		switch o.presence(i, s) {
		case 1:
			held = append(held, s)
		case -1:
			missing = append(missing, s)
		}
	}
	return held, missing
}

// began is when a condition that holds now began to hold without a break.
func (o *oracle) began(holds func(i int) bool) (since time.Time, now bool) {
	for i := len(o.moments) - 1; i >= 0 && holds(i); i-- {
		since, now = o.moments[i].at, true
	}
	return since, now
}

// withdrawn also says at which sites an offending route explains it.
func (o *oracle) withdrawn() (line string, explained []string) {
	if o.lab.reg.Policy.Expect != detect.Announced {
		return "", nil
	}
	last := len(o.moments) - 1
	sites := o.moments[last].sites
	replaced := func(i int, missing []int) bool {
		return !slices.ContainsFunc(missing, func(s int) bool {
			route := o.moments[i].sites[s].stands[exact]
			return !o.wrong(exact, route) || !o.stands(i, exact, route)
		})
	}
	condition := func(backup bool, need int) func(int) bool {
		return func(i int) bool {
			held, missing := o.count(i, backup)
			return len(missing) > 0 && len(held) < need && !replaced(i, missing)
		}
	}
	var bad []string
	var since time.Time
	severity := "warning"
	for _, backup := range []bool{false, true} {
		need := o.lab.reg.Connection.MinPrimary
		if backup {
			need = 1
		}
		from, holds := o.began(condition(backup, need))
		_, missing := o.count(last, backup)
		if held, _ := o.count(last, backup); len(missing) > 0 && len(held) < need && replaced(last, missing) {
			for _, s := range missing {
				explained = append(explained, sites[s].name)
			}
		}
		if !holds {
			continue
		}
		for _, s := range missing {
			bad = append(bad, sites[s].name)
		}
		since = earliest(since, from)
		if none, all := o.began(condition(backup, 1)); !backup && all && (!none.After(since) || !o.lab.now.Before(none.Add(30*time.Second))) {
			severity = "critical"
		}
	}
	if bad == nil {
		return "", explained
	}
	// A graver variant is as old as the incident, or has held for absence_hold: since may only be known at the end.
	if none, all := o.began(condition(false, 1)); severity == "critical" && (!all || none.After(since) && o.lab.now.Before(none.Add(30*time.Second))) {
		severity = "warning"
	}
	return o.line("withdrawn", severity, exact, 0, bad, since, nil), explained
}

// settledPath walks the life of a site's path: what is settled, and where it moved to since when.
func (o *oracle) settledPath(site int) (settled, moved string, since time.Time) {
	for _, m := range o.moments {
		v := m.sites[site]
		path := v.stands[exact]
		switch {
		case v.loading || path == "" && !v.inSync:
		case path == "" || o.wrong(exact, path):
			moved = ""
		case settled == "":
			if kindOf(path).legitimate && (!v.settling.After(v.since) || m.at.Sub(v.settling) >= time.Minute) {
				settled = path
			}
		case same(path, settled):
			moved = ""
			if !kindOf(path).trans {
				settled = path
			}
		default:
			if moved == "" || !same(moved, path) {
				since = m.at
			}
			if moved == "" || !same(moved, path) || !kindOf(path).trans {
				moved = path
			}
			if m.at.Sub(since) >= 24*time.Hour {
				settled, moved = moved, ""
			}
		}
	}
	return settled, moved, since
}

// paths gives path_change, and the sites where an offending route hides one.
func (o *oracle) paths() (line string, hidden []string) {
	now := len(o.moments) - 1
	last := o.moments[now]
	var bad []string
	var since time.Time
	inUse := false
	for s, v := range last.sites {
		path := v.stands[exact]
		if v.backup || path == "" {
			continue
		}
		inUse = true
		settled, moved, from := o.settledPath(s)
		if v.loading || settled == "" || same(path, settled) {
			continue
		}
		if o.stands(now, exact, path) {
			hidden = append(hidden, v.name)
		} else if moved != "" {
			bad = append(bad, v.name)
			since = earliest(since, from)
		}
	}
	if !inUse {
		return o.failOver(last)
	}
	if bad == nil {
		return "", hidden
	}
	return o.line("path_change", "info", exact, 0, bad, since, nil), hidden
}

func same(a, b string) bool {
	ka, kb := kindOf(a), kindOf(b)
	hops := func(k kind) int { return len(strings.Fields(k.bare)) }
	return ka.bare == kb.bare || (ka.trans || kb.trans) && hops(ka) == hops(kb) && !strings.Contains(a+b, "{")
}

func (o *oracle) failOver(last moment) (line string, hidden []string) {
	var since time.Time
	var normal []string
	left := false
	for s, v := range last.sites {
		settled, _, _ := o.settledPath(s)
		if v.backup || settled == "" {
			continue
		}
		normal = append(normal, settled)
		if lost, gone := o.lost(s); gone {
			left = true
			if lost.After(since) {
				since = lost
			}
		}
	}
	v := last.sites[2]
	path := v.stands[exact]
	if !left || path == "" || v.loading || slices.ContainsFunc(normal, func(n string) bool { return same(n, path) }) {
		return "", nil
	}
	if o.stands(len(o.moments)-1, exact, path) {
		return "", []string{v.name}
	}
	if o.lab.now.Sub(since) >= 24*time.Hour {
		return "", nil
	}
	return o.line("path_change", "info", exact, 0, []string{v.name}, since, nil), nil
}

// lost is when a site was last known to stop holding a legitimate route, and whether it held none when it was last in sight.
func (o *oracle) lost(site int) (t time.Time, gone bool) {
	held := true
	for i, m := range o.moments {
		switch v := m.sites[site]; {
		case kindOf(v.stands[exact]).legitimate:
			held = true
		case v.inSync && held:
			held, t = false, o.moments[i].at
		}
	}
	return t, !held
}

func (o *oracle) judge() []string {
	withdrawn, explained := o.withdrawn()
	moved, hidden := o.paths()
	yields := map[string][]string{} // by site: what its best route hides
	for _, name := range hidden {
		yields[name] = append(yields[name], "path_change")
	}
	for _, name := range explained {
		yields[name] = append(yields[name], "withdrawn")
	}
	out := append(o.routes(exact, yields), o.routes(half, nil)...)
	out = append(append(out, o.routes("203.0.112.0/23", nil)...), o.routes("203.0.112.0/22", nil)...)
	out = append(out, o.covering()...)
	out = append(out, o.missingUpstream()...)
	out = append(out, o.flapping()...)
	for _, line := range []string{withdrawn, moved} {
		if line != "" {
			out = append(out, line)
		}
	}
	slices.Sort(out)
	return out
}
