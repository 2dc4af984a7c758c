package daemon

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"peervane/bgp"
	"peervane/bgp/detect"
	"peervane/daemon/incident"
	"peervane/daemon/notice"
)

// event is a fact for the events log.
type event struct {
	at       time.Time
	typ      string
	severity notice.Severity
	prefix   netip.Prefix
	peer     string
	pop      string
	detail   string
}

func (e *engine) record(ev event) { e.out.events = append(e.out.events, ev) }

// eventKind is how an event about a prefix is called, and how grave it is, at a primary session and at a backup one.
type eventKind struct {
	primary, backup   string
	severity, lighter notice.Severity
}

var (
	announced    = eventKind{"prefix_announced", "backup_announced", notice.Info, notice.Info}
	withdrawn    = eventKind{"prefix_withdrawn", "backup_withdrawn", notice.Warning, notice.Warning}
	pathChanged  = eventKind{"active_path", "backup_path", notice.Info, notice.Info}
	originWrong  = eventKind{"origin_change", "backup_origin_change", notice.Critical, notice.Error}
	coverWrong   = eventKind{"covering_origin_change", "covering_origin_change", notice.Error, notice.Error}
	leaked       = eventKind{"leak", "backup_leak", notice.Critical, notice.Error}
	fromIncident = map[string]eventKind{
		notice.OriginChange: originWrong, notice.CoveringChange: coverWrong, notice.RouteLeak: leaked,
	}
)

func (e *engine) recordAt(v *vantage, reg *registration, k eventKind, at time.Time, detail string) {
	ev := event{at: at, typ: k.primary, severity: k.severity, prefix: reg.Prefix, peer: v.Name, detail: detail}
	if reg.Backup(v.Vantage) {
		ev.typ, ev.severity = k.backup, k.lighter
	}
	e.record(ev)
}

// recordChange records what a change of a registered prefix did to the best path of a session that it is used at. Of
// collectors' peers only the first that holds it counts, and the last.
func (e *engine) recordChange(v *vantage, c bgp.Change, old held) {
	reg := e.regs.exact(c.Prefix)
	if reg == nil || reg.Policy.Ignore || e.settings.Replay || !reg.Uses(v.Vantage) && !e.alone(v, c.Prefix) {
		return
	}
	paths := e.table.get(c.Prefix).of(v)
	now := bestPath(paths)
	if c.Cause == bgp.Initial && e.knew(v, reg, now) {
		return
	}
	before := bestPath(replaced(paths, c.PathID, old))
	detail := pathText(now)
	if c.Coalesced() {
		detail += fmt.Sprintf(" (coalesced: announced %d times, withdrawn %d times since %s)", c.Announced, c.Withdrawn, c.First.UTC().Format(time.RFC3339))
	}
	switch {
	case now == nil && (before != nil || c.Coalesced()):
		e.recordAt(v, reg, withdrawn, c.At, strings.TrimSpace(detail))
	case now == nil:
	case before == nil || c.Coalesced() && c.Withdrawn > 0:
		e.recordAt(v, reg, announced, c.At, detail)
	case !reg.Uses(v.Vantage):
	case before.String() != now.String() || c.PathChanges > 1:
		e.recordAt(v, reg, pathChanged, c.At, pathText(before)+" -> "+detail)
	}
}

// knew says whether a session held a prefix when it was last in sight, also before a restart. Then its first table is no
// news, and only what differs at its end is: until then it may hold better paths than it has shown.
func (e *engine) knew(v *vantage, reg *registration, now *bgp.Path) bool {
	path, held := reg.memory.Last(v.Name)
	if !held || !v.Own() {
		delete(v.strayed, reg.Prefix)
		return false
	}
	if path == nil || now != nil && now.String() == path.String() {
		delete(v.strayed, reg.Prefix)
		return true
	}
	if v.strayed == nil {
		v.strayed = map[netip.Prefix]*bgp.Path{}
	}
	v.strayed[reg.Prefix] = path
	return true
}

// recordStrayed records what the first table of a family has shown otherwise than it was before.
func (e *engine) recordStrayed(v *vantage, f bgp.Family, at time.Time) {
	for _, p := range slices.SortedFunc(maps.Keys(v.strayed), netip.Prefix.Compare) {
		reg := e.regs.exact(p)
		if bgp.FamilyOf(p) != f || reg == nil {
			continue
		}
		before, now := v.strayed[p], bestPath(e.table.get(p).of(v))
		delete(v.strayed, p)
		switch {
		case now == nil:
			e.recordAt(v, reg, withdrawn, at, "")
		case now.String() != before.String():
			e.recordAt(v, reg, pathChanged, at, pathText(before)+" -> "+pathText(now))
		}
	}
}

// recordMissing records which sessions have come back without a prefix that they held, of those that were found without it just now.
func (e *engine) recordMissing(reg *registration, gone []string, now time.Time) {
	entry := e.table.get(reg.Prefix)
	for _, name := range gone {
		v := e.vantages.named(name)
		if v == nil || !v.Own() || !reg.Uses(v.Vantage) || e.settings.Replay {
			continue
		}
		if _, seen := entry.holds(v); !seen { // else its withdrawal was recorded as it came
			e.recordAt(v, reg, withdrawn, now, "not announced again when the session came back")
		}
	}
}

// recordIncident records that an incident was told for the first time, be it to the log alone, or that it ended.
func (e *engine) recordIncident(n *notice.Notice) {
	if e.settings.Replay || n.Status == notice.Updated || n.Status == notice.Firing && n.Known {
		return
	}
	ev := event{
		at: n.UpdatedAt.Time, typ: "incident_firing", severity: n.Severity, prefix: n.Prefix, peer: n.Peer, pop: n.POP,
		detail: fmt.Sprintf("%s %s: %s", n.Type, n.Incident, n.Summary),
	}
	if n.Status == notice.Resolved {
		ev.typ, ev.severity = "incident_resolved", notice.Info
	}
	e.record(ev)
}

// alone says whether no other peer of a collector holds a prefix.
func (e *engine) alone(v *vantage, p netip.Prefix) bool {
	return !v.Own() && !slices.ContainsFunc(e.table.get(p).held, func(h held) bool {
		return h.vantage != v && h.vantage.Collector == v.Collector && h.attrs != nil
	})
}

// replaced gives the paths of a vantage as they were before one of them changed.
func replaced(paths []held, pathID uint32, old held) []held {
	before := slices.Clone(paths)
	for i := range before {
		if before[i].pathID == pathID {
			before[i].attrs = old.attrs
		}
	}
	return before
}

// bestPath is the AS path of the best of some paths; nil when there is none.
func bestPath(paths []held) *bgp.Path {
	routes := appendHeld(nil, 0, netip.Prefix{}, paths, false)
	if len(routes) == 0 {
		return nil
	}
	detect.Sort(routes)
	return routes[0].Attrs.Path
}

func pathText(p *bgp.Path) string {
	switch {
	case p == nil:
		return ""
	case p.String() == "":
		return "empty path"
	}
	return p.String()
}

// recordWitnesses records who shows an incident that did not show it before: sessions that the prefix is used at, and, where
// only collectors' peers do, the first of them.
func (e *engine) recordWitnesses(reg *registration, scope incident.Scope, before []incident.Sighting, now time.Time) {
	foreign := map[string]bool{} // by type: somebody else has shown it
	for _, s := range before {
		foreign[s.Type] = true
	}
	for _, s := range e.book.Sightings(scope) {
		k, known := fromIncident[s.Type]
		v := e.vantages.named(s.Vantage)
		if !known || v == nil || slices.ContainsFunc(before, func(b incident.Sighting) bool {
			return b.Type == s.Type && b.Culprit == s.Culprit && b.Vantage == s.Vantage
		}) {
			continue
		}
		if reg.Uses(v.Vantage) || !foreign[s.Type] {
			e.recordAt(v, reg, k, now, s.Summary)
		}
		foreign[s.Type] = true
	}
}
