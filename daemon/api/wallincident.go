package api

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"peervane/daemon/notice"
)

// ordered puts first what a person must look at first: what is told and nobody works at, the gravest of it; of the same, the latest.
func ordered(open []Incident) []Incident {
	open = slices.Clone(open)
	slices.SortStableFunc(open, func(a, b Incident) int {
		return cmp.Or(cmp.Compare(handled(&a), handled(&b)), cmp.Compare(b.Severity, a.Severity))
	})
	return open
}

// handled is how little an incident asks of a person.
func handled(i *Incident) int {
	switch {
	case i.HeldBack != "":
		return 2
	case i.Acknowledged != nil:
		return 1
	}
	return 0
}

// wallIncident is one that holds.
type wallIncident struct {
	ID, Severity, Type, Summary string
	Since, For                  string
	Costs                       []string   // the UPDATE that it came with, and what it costs
	Facts                       []string   // what a person asks first
	Lines                       []wallLine // what it rests on
	Held, Acknowledged          bool
}

func showIncident(i *Incident, channels []Channel, now notice.Time) wallIncident {
	n := &i.Notice
	w := wallIncident{
		ID: n.Incident, Severity: n.Severity.String(), Type: n.Type, Summary: brief(n.Summary),
		Since: moment(n.StartedAt), For: span(n.StartedAt, now), Held: i.HeldBack != "", Acknowledged: i.Acknowledged != nil,
	}
	w.Facts = facts(i, channels)
	for _, l := range evidence(n) {
		if l.Name == "cause" || l.Name == "latency" || l.Name == "packets" {
			w.Costs = append(w.Costs, l.Name+": "+l.Text)
		} else {
			w.Lines = append(w.Lines, l)
		}
	}
	return w
}

func facts(i *Incident, channels []Channel) (facts []string) {
	n := &i.Notice
	fact := func(is bool, text string) {
		if is {
			facts = append(facts, text)
		}
	}
	fact(n.CulpritASN != 0, "culprit "+asn(n.CulpritASN))
	fact(n.Vantages.Total > 0, fmt.Sprintf("seen at %d of %d vantages", n.Vantages.Bad, n.Vantages.Total))
	fact(n.Connection != "", "connection "+n.Connection)
	fact(n.Reason != "", "last told because of "+n.Reason)
	fact(i.HeldBack != "", "held back by "+i.HeldBack)
	if a := i.Acknowledged; a != nil {
		fact(true, brief(strings.TrimSuffix("acknowledged by "+a.By+": "+a.Comment, ": ")))
	}
	fact(i.Flapping, "flapping")
	told, not := takenBy(i.Told, channels)
	fact(len(told) > 0, "told to "+some(told))
	fact(len(not) > 0, "not taken yet by "+some(not))
	fact(len(i.Told) == 0 && i.HeldBack == "", "told to the log alone")
	return facts
}

// takenBy says which channels have what is meant for them, as far as is known: one that fails, or that something waits for, may not.
func takenBy(meant []string, channels []Channel) (told, not []string) {
	for _, name := range meant {
		at := slices.IndexFunc(channels, func(c Channel) bool { return c.Name == name })
		if at >= 0 && (channels[at].State != "ok" || channels[at].Waiting > 0 || channels[at].DeadLetters > 0) {
			not = append(not, name)
		} else {
			told = append(told, name)
		}
	}
	return told, not
}

const mostRoutes = 5 // of what is wrong, and of what stood before

// evidence is what an incident rests on.
func evidence(n *notice.Notice) (lines []wallLine) {
	e := &n.Evidence
	line := func(name, text string) {
		if text != "" {
			lines = append(lines, wallLine{Name: name, Text: brief(text)})
		}
	}
	routes := func(name string, routes []notice.Route) {
		for _, r := range routes[:min(len(routes), mostRoutes)] {
			line(name, routeText(&r))
		}
		if more := len(routes) - mostRoutes; more > 0 {
			line(name, fmt.Sprintf("and %d more", more))
		}
	}
	routes("route", e.Routes)
	routes("before", e.Previous)
	line("expected", expectedText(&e.Expected))
	line("methods", strings.Join(e.Methods, ", "))
	if e.LeakType != 0 {
		line("leak", fmt.Sprintf("of type %d (RFC 7908)", e.LeakType))
	}
	line("also", strings.Join(e.Also, ", "))
	if g := e.Group; g != nil {
		line("group", fmt.Sprintf("%d of %d hold now, such as %s", g.Open, g.Total, strings.Join(g.Examples, ", ")))
	}
	line("packets", planes[e.DataPlane])
	line("moved", planes[e.Verdict])
	for _, text := range e.Lines() {
		name, rest, _ := strings.Cut(text, " ")
		line(strings.TrimSuffix(name, ":"), rest)
	}
	line("ask", "peervane incidents show "+n.Incident)
	return lines
}

// planes says in words what became of packets, and which planes moved.
var planes = map[string]string{
	"black_hole": "those drawn to the hijacker are lost", "detour": "those drawn to the hijacker arrive by a detour", "unaffected_here": "those from here go where they should",
	"both": "the route and the latency", "route_only": "the route, not the latency", "latency_only": "the latency, not the route",
}

func routeText(r *notice.Route) string {
	text := fmt.Sprintf("%s at %s: %s", r.Prefix, r.Vantage, cmp.Or(r.ASPath, "(empty path)"))
	if r.RPKI != "" {
		text += ", RPKI " + r.RPKI
	}
	if !r.Since.IsZero() {
		text += ", since " + moment(r.Since)
	}
	return text
}

func expectedText(e *notice.Expected) string {
	var parts []string
	part := func(is bool, format string, args ...any) {
		if is {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	part(len(e.Origins) > 0, "origins %s", asns(e.Origins))
	part(len(e.CoveringOrigins) > 0, "covering origins %s", asns(e.CoveringOrigins))
	part(len(e.Upstreams) > 0, "upstreams %s", asns(e.Upstreams))
	part(len(e.Communities) > 0, "communities %s", some(e.Communities))
	part(e.MaxLength > 0, "at most /%d", e.MaxLength)
	part(e.Sessions > 0, "%d primary sessions", e.Sessions)
	part(len(e.Silent) > 0, "silent: %s", some(e.Silent))
	part(e.Path != "", "path %s", e.Path)
	return strings.Join(parts, "; ")
}

func asns(list []uint32) string {
	names := make([]string, len(list))
	for i, n := range list {
		names[i] = asn(n)
	}
	return some(names)
}
