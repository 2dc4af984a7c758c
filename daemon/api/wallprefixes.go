package api

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// prefixStates counts what is registered by connection and state, and keeps some of what is not verified.
type prefixStates struct {
	byConnection map[string]map[string]int
	unwell       []Prefix
	all          int
	pending      int
}

// Prefix states, from the gravest.
var stateOrder = []string{"failed", "invalid", "warning", "pending", "verified"}

var stateGrades = map[string]grade{"failed": wrong, "invalid": wrong, "warning": unsure, "pending": unsure, "verified": well}

func (s *prefixStates) add(prefixes []Prefix) {
	if s.byConnection == nil {
		s.byConnection = map[string]map[string]int{}
	}
	for i := range prefixes {
		p := &prefixes[i]
		if s.byConnection[p.Connection] == nil {
			s.byConnection[p.Connection] = map[string]int{}
		}
		s.byConnection[p.Connection][p.State]++
		s.all++
		if p.State == "pending" {
			s.pending++
		}
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
	slices.SortStableFunc(s.unwell, func(a, b Prefix) int {
		return cmp.Compare(slices.Index(stateOrder, a.State), slices.Index(stateOrder, b.State))
	})
	clear(s.unwell[min(len(s.unwell), mostUnwell):])
	s.unwell = s.unwell[:min(len(s.unwell), mostUnwell)]
}

// wallPrefixes is what is registered.
type wallPrefixes struct {
	Registered  int
	Error       string // why the rest is not known
	Connections []wallConnection
	Unwell      []wallPrefix
	More        int
}

type wallConnection struct {
	Name   string
	Counts []wallLine // of each state that occurs
}

type wallPrefix struct {
	Prefix, Connection, State, Reasons string
	Grade                              grade
}

func (s *prefixStates) show(registered int, err error) wallPrefixes {
	w := wallPrefixes{Registered: registered}
	if err != nil {
		w.Error = err.Error()
		return w
	}
	names := make([]string, 0, len(s.byConnection))
	unwell := s.all
	for name, counts := range s.byConnection {
		names = append(names, name)
		unwell -= counts["verified"]
	}
	slices.Sort(names)
	for _, name := range names[:min(len(names), mostPeers)] {
		c := wallConnection{Name: cmp.Or(name, "(no connection)")}
		for _, state := range stateOrder {
			if n := s.byConnection[name][state]; n > 0 {
				c.Counts = append(c.Counts, wallLine{Text: fmt.Sprintf("%d %s", n, state), Grade: stateGrades[state]})
			}
		}
		w.Connections = append(w.Connections, c)
	}
	for i := range s.unwell {
		p := &s.unwell[i]
		w.Unwell = append(w.Unwell, wallPrefix{p.Prefix.String(), p.Connection, p.State, strings.Join(p.Reasons, "; "), stateGrades[p.State]})
	}
	w.More = unwell - len(w.Unwell)
	return w
}
