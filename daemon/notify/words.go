package notify

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"peervane/daemon/notice"
)

// What the kinds that people read have in common: the same words in the same order, whatever the format.

// headline is "FIRING critical: subprefix 203.0.113.128/25".
func headline(n *notice.Notice) string {
	return fmt.Sprintf("%s %s: %s", strings.ToUpper(string(n.Status)), n.Severity, subject(n))
}

// subject is what does not change from the firing of an incident to its end: the type, and what it is about.
func subject(n *notice.Notice) string {
	about := cmp.Or(offendingText(n), prefixText(n), n.Peer, n.POP, asn(n.CulpritASN))
	if n.Evidence.Group != nil {
		about = strings.TrimSpace(asn(n.CulpritASN) + " (many)")
	}
	return strings.TrimSpace(n.Type + " " + about)
}

// fact is one thing that is known of an incident.
type fact struct{ Name, Value string }

// facts are those that are known, the most urgent first.
func facts(n *notice.Notice) []fact {
	e := &n.Evidence
	offending := offendingText(n)
	if offending == prefixText(n) {
		offending = ""
	}
	all := []fact{
		{"Prefix", prefixText(n)},
		{"Offending prefix", offending},
		{"Among them", groupText(e.Group)},
		{"Culprit", asn(n.CulpritASN)},
		{"Expected origins", asns(e.Expected.Origins)},
		{"Latency", latencyText(e.Latency)},
		{"Connection", n.Connection},
		{"Peer", n.Peer},
		{"POP", n.POP},
		{"Seen at", vantagesText(n.Vantages)},
		{"Methods", strings.Join(e.Methods, ", ")},
		{"Also", strings.Join(e.Also, ", ")},
		{"Reason", n.Reason},
		{"Began", timeText(n.StartedAt)},
		{"Ended", timeText(n.ResolvedAt)},
		{"Labels", labelsText(n.Labels)},
		{"Host", n.Source},
		{"Incident", n.Incident},
	}
	for i := range all {
		all[i].Value = clip(all[i].Value, shownWords)
	}
	return slices.DeleteFunc(all, func(f fact) bool { return f.Value == "" })
}

// groupText is "203.0.113.0/24, 198.51.100.0/24 and 35 more, 30 of 37 now".
func groupText(g *notice.Group) string {
	if g == nil {
		return ""
	}
	text := strings.Join(g.Examples, ", ")
	if more := g.Total - len(g.Examples); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	if 0 < g.Open && g.Open < g.Total {
		text += fmt.Sprintf("; %d of %d now", g.Open, g.Total)
	}
	return text
}

func prefixText(n *notice.Notice) string    { return prefixOrNone(n.Prefix) }
func offendingText(n *notice.Notice) string { return prefixOrNone(n.Offending) }

func prefixOrNone(p netip.Prefix) string {
	if !p.IsValid() {
		return ""
	}
	return p.String()
}

func asn(n uint32) string {
	if n == 0 {
		return ""
	}
	return "AS" + strconv.FormatUint(uint64(n), 10)
}

func asns(list []uint32) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = asn(n)
	}
	return strings.Join(words, ", ")
}

func vantagesText(v notice.Vantages) string {
	if v.Total == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d vantages", v.Bad, v.Total)
}

func timeText(t notice.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

func labelsText(labels map[string]string) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		words = append(words, name+"="+labels[name])
	}
	return strings.Join(words, ", ")
}

// latencyText is "12.1 ms before, 50.3 ms after (+38.2 ms) to par1".
func latencyText(l *notice.Latency) string {
	if l == nil {
		return ""
	}
	var words []string
	if l.BeforeMS != nil {
		words = append(words, figureText(*l.BeforeMS)+" ms before")
	}
	if l.AfterMS != nil {
		words = append(words, figureText(*l.AfterMS)+" ms after")
	}
	text := strings.Join(words, ", ")
	if l.ShiftMS != nil {
		text += fmt.Sprintf(" (%+.1f ms)", *l.ShiftMS)
	}
	if l.Loss != nil && *l.Loss > 0 {
		text += fmt.Sprintf(", %.0f %% lost", 100**l.Loss)
	}
	if text == "" {
		return ""
	}
	return text + " to " + l.POP
}

func figureText(ms float64) string { return strconv.FormatFloat(ms, 'f', 1, 64) }

const (
	shownRoutes = 10
	shownPath   = 300 // characters of a path; real ones are far shorter, forged ones need not be
	shownWords  = 2000
)

// routeLines has a line for each of the first routes: "edge1-v4  203.0.113.0/24  64500 64496".
func routeLines(routes []notice.Route) []string {
	var lines []string
	for i, r := range routes {
		if i == shownRoutes {
			return append(lines, fmt.Sprintf("and %d more", len(routes)-i))
		}
		line := fmt.Sprintf("%s  %s  %s", r.Vantage, r.Prefix, clip(cmp.Or(r.ASPath, "(empty path)"), shownPath))
		if r.RPKI != "" {
			line += "  RPKI " + r.RPKI
		}
		lines = append(lines, line)
	}
	return lines
}

// clip cuts a text to so many characters.
func clip(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return string([]rune(text)[:limit-1]) + "…"
}
