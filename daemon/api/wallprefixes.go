package api

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// prefixStates counts what is registered by state and connection, and keeps some of what is not verified.
type prefixStates struct {
	all          int
	counts       map[string]int
	byConnection map[string]map[string]int
	unwell       []Prefix
}

// stateOrder is from the gravest on.
var stateOrder = []string{"failed", "invalid", "warning", "pending", "verified"}

var stateGrades = map[string]grade{"failed": wrong, "invalid": wrong, "warning": unsure, "pending": unsure, "verified": well}

func graver(a, b string) int {
	return cmp.Compare(slices.Index(stateOrder, a), slices.Index(stateOrder, b))
}

func (s *prefixStates) add(prefixes []Prefix) {
	if s.counts == nil {
		s.counts, s.byConnection = map[string]int{}, map[string]map[string]int{}
	}
	for i := range prefixes {
		p := &prefixes[i]
		counts := s.byConnection[p.Connection]
		if counts == nil {
			counts = map[string]int{}
			s.byConnection[p.Connection] = counts
		}
		counts[p.State]++
		s.counts[p.State]++
		s.all++
		if p.State != "verified" {
			s.unwell = append(s.unwell, *p)
		}
	}
	if len(s.unwell) > 2*mostUnwell {
		s.gravest()
	}
}

// gravest keeps as many as are shown.
func (s *prefixStates) gravest() {
	slices.SortStableFunc(s.unwell, func(a, b Prefix) int { return graver(a.State, b.State) })
	most := min(len(s.unwell), mostUnwell)
	clear(s.unwell[most:])
	s.unwell = s.unwell[:most]
}

// wallPrefixes is what is registered.
type wallPrefixes struct {
	Registered      int
	At, Missing     string // when it was counted, and why not since
	Connections     []wallConnection
	MoreConnections int
	Unwell          []wallPrefix
	More            int
}

type wallConnection struct {
	Name   string
	Counts []wallLine // of each state that occurs, the gravest first
}

type wallPrefix struct {
	Prefix, Connection, State, Reasons string
	Grade                              grade
}

func showPrefixes(registered int, known *kept[prefixStates]) wallPrefixes {
	s := &known.answer
	w := wallPrefixes{Registered: registered, At: moment(known.at), Missing: known.missing()}
	for name, counts := range s.byConnection {
		w.Connections = append(w.Connections, wallConnection{cmp.Or(name, "(no connection)"), stateCounts(counts)})
	}
	slices.SortFunc(w.Connections, func(a, b wallConnection) int {
		return cmp.Or(worseFirst(a.Counts[0].Grade, b.Counts[0].Grade), cmp.Compare(a.Name, b.Name))
	})
	if n := len(w.Connections); n > mostGroups {
		w.Connections, w.MoreConnections = w.Connections[:mostGroups], n-mostGroups
	}
	for i := range s.unwell {
		p := &s.unwell[i]
		w.Unwell = append(w.Unwell, wallPrefix{p.Prefix.String(), p.Connection, p.State, brief(strings.Join(p.Reasons, "; ")), stateGrades[p.State]})
	}
	w.More = s.all - s.counts["verified"] - len(w.Unwell)
	return w
}

func stateCounts(counts map[string]int) (lines []wallLine) {
	for _, state := range stateOrder {
		if n := counts[state]; n > 0 {
			lines = append(lines, wallLine{Text: fmt.Sprintf("%d %s", n, state), Grade: stateGrades[state]})
		}
	}
	return lines
}
