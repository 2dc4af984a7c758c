package api

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"peervane/daemon/notice"
)

// wall is what the page says, from top to bottom. All of it is text: the template only lays it out.
type wall struct {
	Source, Version string
	At              string // when it was true
	Verdict         verdict
	Incidents       []wallIncident
	MoreIncidents   int
	Peers           []wallPeer
	MorePeers       int
	Ways            []wallWay
	MoreWays        int
	Prefixes        wallPrefixes
	Ended           []wallEnded
	EndedError      string
	Health          []wallLine
}

// grade is how something is, and the class by which it is coloured. Severities are grades, too.
type grade string

const (
	well    grade = "ok"
	unsure  grade = "warning"
	wrong   grade = "error"
	blinded grade = "blind"
)

// wallLine is a name and what is to be said of it.
type wallLine struct {
	Name, Text string
	Grade      grade
}

// How much of each is shown: a wall has an end, and the commands list all.
const (
	mostIncidents = 50
	mostPeers     = 100
	mostWays      = 200
	mostUnwell    = 50 // prefixes
	mostEnded     = 10
	endedWithin   = 24 * time.Hour
)

// wallMore is what the snapshot does not hold.
type wallMore struct {
	prefixes    prefixStates
	prefixesErr error
	ended       []Incident
	endedErr    error
	charts      []Latency
}

func newWall(s *Snapshot, more wallMore, now notice.Time) *wall {
	w := &wall{
		Source: s.Status.Source, Version: s.Status.Version, At: moment(s.Status.At),
		Verdict: judgeWall(s, more.prefixes, now), Prefixes: more.prefixes.show(s.Status.Prefixes, more.prefixesErr), Health: health(&s.Status, now),
	}
	open := slices.Clone(s.Incidents)
	slices.SortStableFunc(open, func(a, b Incident) int {
		return cmp.Or(compareBool(a.HeldBack != "", b.HeldBack != ""), cmp.Compare(b.Severity, a.Severity))
	})
	for i := range open[:min(len(open), mostIncidents)] {
		w.Incidents = append(w.Incidents, showIncident(&open[i], now))
	}
	w.MoreIncidents = len(open) - len(w.Incidents)
	w.Peers, w.MorePeers = showPeers(s.Peers, now)
	w.Ways, w.MoreWays = showWays(s.POPs, more.charts)
	w.Ended = showEnded(more.ended, now)
	if more.endedErr != nil {
		w.EndedError = "not known: " + more.endedErr.Error()
	}
	return w
}

// compareBool puts false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// wallIncident is one that holds.
type wallIncident struct {
	ID, Severity, Type, Summary string
	Since, For                  string
	Facts                       []string // what a person asks first
	Lines                       []wallLine
	Held                        bool
}

func showIncident(i *Incident, now notice.Time) wallIncident {
	n := &i.Notice
	w := wallIncident{
		ID: n.Incident, Severity: n.Severity.String(), Type: n.Type, Summary: n.Summary,
		Since: moment(n.StartedAt), For: span(n.StartedAt, now), Held: i.HeldBack != "",
	}
	fact := func(text string, is bool) {
		if is {
			w.Facts = append(w.Facts, text)
		}
	}
	fact(fmt.Sprintf("culprit AS%d", n.CulpritASN), n.CulpritASN != 0)
	fact(fmt.Sprintf("seen at %d of %d vantages", n.Vantages.Bad, n.Vantages.Total), n.Vantages.Total > 0)
	fact("connection "+n.Connection, n.Connection != "")
	fact("held back by "+i.HeldBack, i.HeldBack != "")
	if a := i.Acknowledged; a != nil {
		fact(strings.TrimSuffix("acknowledged by "+a.By+": "+a.Comment, ": "), true)
	}
	fact("flapping", i.Flapping)
	fact("told to "+strings.Join(i.Told, ", "), len(i.Told) > 0)
	fact("told to no channel", len(i.Told) == 0 && i.HeldBack == "")
	w.Lines = evidence(n)
	return w
}

// evidence is what an incident rests on.
func evidence(n *notice.Notice) (lines []wallLine) {
	route := func(name string, r notice.Route) {
		lines = append(lines, wallLine{Name: name, Text: fmt.Sprintf("%s at %s: %s", r.Prefix, r.Vantage, cmp.Or(r.ASPath, "(empty path)"))})
	}
	const few = 20
	for _, r := range n.Evidence.Routes[:min(len(n.Evidence.Routes), few)] {
		route("route", r)
	}
	for _, r := range n.Evidence.Previous[:min(len(n.Evidence.Previous), few)] {
		route("before", r)
	}
	if m := n.Evidence.Methods; len(m) > 0 {
		lines = append(lines, wallLine{Name: "methods", Text: strings.Join(m, ", ")})
	}
	if also := n.Evidence.Also; len(also) > 0 {
		lines = append(lines, wallLine{Name: "also", Text: strings.Join(also, ", ")})
	}
	if g := n.Evidence.Group; g != nil {
		lines = append(lines, wallLine{Name: "group", Text: fmt.Sprintf("%d of %d hold now, such as %s", g.Open, g.Total, strings.Join(g.Examples, ", "))})
	}
	for _, text := range n.Evidence.Lines() {
		name, rest, _ := strings.Cut(text, " ")
		lines = append(lines, wallLine{Name: strings.TrimSuffix(name, ":"), Text: rest})
	}
	return append(lines, wallLine{Name: "ask", Text: "peervane incidents show " + n.Incident})
}

// wallEnded is one that is over.
type wallEnded struct{ At, Lasted, Type, Severity, Summary string }

func showEnded(ended []Incident, now notice.Time) (out []wallEnded) {
	for i := range ended {
		n := &ended[i].Notice
		if len(out) == mostEnded || now.Sub(n.ResolvedAt.Time) > endedWithin {
			break // the latest come first
		}
		out = append(out, wallEnded{moment(n.ResolvedAt), span(n.StartedAt, n.ResolvedAt), n.Type, n.Severity.String(), n.Summary})
	}
	return out
}

// moment is a time as the log and the commands tell it: UTC, to the second.
func moment(t notice.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

// span tells how long something lasted, in two units at most: 45s, 2m5s, 3h12m, 9d4h.
func span(from, to notice.Time) string {
	if from.IsZero() {
		return ""
	}
	d := max(to.Sub(from.Time), 0).Truncate(time.Second)
	hours := int(d.Hours())
	switch {
	case d < time.Hour:
		return d.String()
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%dm", hours, int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%dh", hours/24, hours%24)
}
