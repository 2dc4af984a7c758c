package detect

import (
	"fmt"
	"slices"
	"time"
)

const (
	viewersLeast = 10        // collectors' peer ASNs, fewer say nothing about the internet
	viewTime     = time.Hour // a prefix that is held so long is held for good
)

// View is that a collector's peer holds the registered prefix, or held it for good and lost it.
type View struct {
	Since  time.Time `json:"since"`            // the route has been held since
	Steady bool      `json:"steady,omitempty"` // it was held for good when it was lost
	Gone   time.Time `json:"gone,omitzero"`    // none has been held since; zero while one is
}

func (v *View) steady(now time.Time) bool { return v.Steady || !now.Before(v.Since.Add(viewTime)) }

// views says whether a collector's peer holds the prefix. Where an offending route stands in its place, that is told already.
func (s *State) views(i int) presence {
	if s.Vantages[i].Own() || s.told(s.best[i]) {
		return unknown
	}
	return s.presence(i, s.best[i])
}

// learnView keeps whether and since when a collector's peer holds the prefix. One that has been without it for path_settle
// is none that could lose it any more.
func (t *Trace) learnView(s *State, p presence) (changed bool) {
	v := t.View
	switch {
	case p == present && v == nil:
		t.View = &View{Since: s.Now}
	case p == present && !v.Gone.IsZero():
		v.Since, v.Gone = s.Now, time.Time{}
	case p != absent || v == nil:
		return false
	case !v.steady(s.Now):
		t.View = nil
	case v.Gone.IsZero():
		v.Steady, v.Gone = true, s.Now
	case !s.Now.Before(v.Gone.Add(s.Settings.PathSettle)):
		t.View = nil
		s.settle("visibility")
	default:
		return false
	}
	return true
}

// learnViews keeps who holds the prefix for good, and since when too few do.
func (s *State) learnViews() (changed bool) {
	for i, t := range s.traces {
		if t != nil {
			changed = t.learnView(s, s.views(i)) || changed
		}
	}
	_, unseen := s.visible()
	if unseen != s.Memory.unrest().Unseen.IsZero() {
		return changed
	}
	return s.Memory.disturb(func(u *Unrest) bool {
		u.Unseen = time.Time{}
		if unseen {
			u.Unseen = s.Now
		}
		return true
	})
}

// audience is what the collectors' peers say that held the prefix for good, by ASN.
type audience struct {
	asns, held int
	bad, good  []int // vantages
}

// visible counts them, and says whether too few still hold the prefix.
func (s *State) visible() (a audience, unseen bool) {
	if s.Reg.Policy.Expect != Announced || !s.anyGone() {
		return a, false
	}
	holds := map[uint32]bool{}
	for i, t := range s.traces {
		if t == nil || t.View == nil || !t.View.steady(s.Now) {
			continue
		}
		switch as := s.Vantages[i].ASN; s.views(i) {
		case present:
			a.good, holds[as] = append(a.good, i), true
		case absent:
			a.bad = append(a.bad, i)
			if _, listed := holds[as]; !listed {
				holds[as] = false
			}
		}
	}
	for _, yes := range holds {
		a.asns++
		if yes {
			a.held++
		}
	}
	return a, a.asns >= viewersLeast && 2*a.held < a.asns
}

// Unseeable says that those in sight are too few to tell how visible the prefix is, and mostly without it.
func (s *State) Unseeable() bool {
	s.prepare()
	a, _ := s.visible()
	return a.asns < viewersLeast && 2*a.held < a.asns
}

// anyGone says whether anybody lost the prefix who held it for good.
func (s *State) anyGone() bool {
	return slices.ContainsFunc(s.traces, func(t *Trace) bool { return t != nil && t.View != nil && !t.View.Gone.IsZero() })
}

// visibility: of the collectors' peers that held the prefix for good, under half still do.
func visibility(j *judgement) {
	if !j.exact() || j.Memory == nil {
		return
	}
	a, unseen := j.visible()
	j.awaitViews()
	if !unseen {
		return
	}
	f := j.finding("visibility", failure)
	f.Hold, f.Since, f.Total = j.Settings.AbsenceHold, j.Memory.unrest().Unseen, len(a.good)+len(a.bad)
	for _, i := range a.bad {
		f.Bad = union(f.Bad, []string{j.Vantages[i].Name})
		f.Previous = append(f.Previous, j.last(i)...)
	}
	f.Expected.Silent = f.Bad
	f.Summary = fmt.Sprintf("%s is seen by few: %d of %d networks at collectors that held it still do (gone at %s)",
		f.Prefix, a.held, a.asns, names(f.Bad))
	j.found = append(j.found, f)
}

// awaitViews asks for a judgement when time alone makes a view one for good, or ends it. Where nobody lost the prefix, more
// that hold it change nothing.
func (j *judgement) awaitViews() {
	if !j.anyGone() {
		return
	}
	for _, t := range j.traces {
		switch {
		case t == nil || t.View == nil:
		case t.View.Gone.IsZero():
			j.again(t.View.Since.Add(viewTime))
		default:
			j.again(t.View.Gone.Add(j.Settings.PathSettle))
		}
	}
}
