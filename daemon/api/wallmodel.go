package api

import (
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"peervane/daemon/notice"
)

// wall is what the page says, from top to bottom. All of it is text: the template only lays it out.
type wall struct {
	Edition, Source, Version string
	At                       string // when it was true
	Verdict                  verdict
	Incidents                []wallIncident // in full
	Further                  []wallIncident // in a line each
	MoreIncidents            int
	Peers                    []wallPeer
	MorePeers                int
	Ways                     []wallWay
	MoreWays                 int
	ChartsMissing            string
	Prefixes                 wallPrefixes
	Ended                    []wallEnded
	EndedMissing             string
	Health                   []wallLine
}

// grade is how something is, and the class by which it is coloured. Severities are grades, too.
type grade string

const (
	well    grade = "ok"
	unsure  grade = "warning"
	wrong   grade = "error"
	blinded grade = "blind"
)

// gradeOrder is from the worst on.
var gradeOrder = []grade{blinded, "critical", wrong, unsure, "info", well}

func worseFirst(a, b grade) int { return slices.Index(gradeOrder, a) - slices.Index(gradeOrder, b) }

// wallLine is a name and what is to be said of it.
type wallLine struct {
	Name, Text string
	Grade      grade
}

// How much of each is shown: a wall has an end, and the commands list all.
const (
	mostInFull    = 8 // incidents
	mostIncidents = 50
	mostPeers     = 100
	mostWays      = 200
	mostUnwell    = 50 // prefixes
	mostGroups    = 100
	mostEnded     = 10
	endedWithin   = 24 * time.Hour
	mostText      = 400 // characters: a path may have thousands of ASNs
)

func newWall(s *Snapshot, a *wallAsked, clock time.Time) *wall {
	now := notice.At(clock)
	open := ordered(s.Incidents)
	w := &wall{
		Edition: wallEdition, Source: s.Status.Source, Version: s.Status.Version, At: moment(s.Status.At),
		Verdict: judgeWall(s, open, a, clock), Prefixes: showPrefixes(s.Status.Prefixes, &a.prefixes), Health: health(s, now),
		ChartsMissing: a.charts.missing(), EndedMissing: a.ended.missing(),
	}
	for i := range open[:min(len(open), mostIncidents)] {
		if shown := showIncident(&open[i], s.Status.Channels, now); i < mostInFull {
			w.Incidents = append(w.Incidents, shown)
		} else {
			w.Further = append(w.Further, shown)
		}
	}
	w.MoreIncidents = max(0, len(open)-mostIncidents)
	w.Peers, w.MorePeers = showPeers(s.Peers, now)
	w.Ways, w.MoreWays = showWays(s, a.charts.answer, now)
	w.Ended = showEnded(a.ended.answer, now)
	return w
}

// wallEnded is one that is over.
type wallEnded struct{ At, Lasted, Type, Severity, Culprit, Summary, ID string }

func showEnded(ended []Incident, now notice.Time) (out []wallEnded) {
	for i := range ended {
		n := &ended[i].Notice
		if now.Sub(n.ResolvedAt.Time) > endedWithin {
			break // the latest come first
		}
		out = append(out, wallEnded{
			moment(n.ResolvedAt), span(n.StartedAt, n.ResolvedAt), n.Type, n.Severity.String(), asn(n.CulpritASN), brief(n.Summary), n.Incident,
		})
	}
	return out
}

func asn(n uint32) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("AS%d", n)
}

// brief cuts what is too long to be read, from its middle: the head of a path and its origin both matter.
func brief(text string) string {
	if utf8.RuneCountInString(text) <= mostText {
		return text
	}
	runes := []rune(text)
	const half = mostText / 2
	return string(runes[:half]) + " […] " + string(runes[len(runes)-half:])
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
	return lasting(to.Sub(from.Time))
}

func lasting(d time.Duration) string {
	d = max(d, 0).Truncate(time.Second)
	hours := int(d.Hours())
	switch {
	case d < time.Hour:
		return d.String()
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%dm", hours, int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%dh", hours/24, hours%24)
}
