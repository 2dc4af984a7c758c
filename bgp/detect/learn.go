package detect

import (
	"time"

	"peervane/bgp"
)

// Learn evolves the memory of the exact scope to the present state, and says whether anything changed that must outlive a
// restart. It comes before All.
func (s *State) Learn() (changed bool) {
	if s.Memory == nil || !s.exact() || s.Reg.Policy.Ignore {
		return false
	}
	s.traces = s.Memory.begin(s.Vantages)
	s.prepare()
	best, covering := s.best, firsts(len(s.Vantages), s.Covering)
	for i := range s.Vantages {
		v, t := &s.Vantages[i], s.traces[i]
		if t == nil || best[i] == nil && !v.InSync {
			continue
		}
		if _, held := s.Memory.Last(v.Name); held && best[i] == nil {
			s.gone = append(s.gone, v.Name)
		}
		changed = t.learnPresence(s, i, best[i]) || changed
		changed = t.learnPath(s, v, best[i]) || changed
		changed = t.learnCover(s, v, best[i], covering[i]) || changed
	}
	changed = s.learnStrays() || changed
	changed = s.Memory.learnUpstreams(s) || changed
	changed = s.Memory.learnFlaps(s.Now) || changed
	changed = s.learnViews() || changed
	changed = s.learnROAs() || changed
	return s.Memory.learnLack(s) || changed
}

// learnPresence keeps whether and until when a legitimate route was held.
func (t *Trace) learnPresence(s *State, i int, best *Held) (changed bool) {
	switch {
	case best != nil && s.judgeOrigin(best) == Legitimate:
		changed = !t.Seen || !t.Lost.IsZero()
		t.Seen, t.Lost = true, time.Time{}
		t.last = held{best.Attrs, best.Since.UnixNano(), best.PathID}
	case s.Vantages[i].InSync && t.Lost.IsZero():
		t.Lost, changed = s.Now, true
	}
	return changed
}

// settling asks for a judgement when what differs from the normal becomes the new one.
func (j *judgement) settling() {
	if j.Memory == nil {
		return
	}
	for i := range j.Vantages {
		t := j.traces[i]
		if t == nil {
			continue
		}
		if best := j.best[i]; best != nil && t.Settled.Path == nil {
			j.again(j.trusted(&j.Vantages[i], best))
		}
		if t.Moved != nil {
			j.again(t.Moved.Since.Add(j.Settings.PathSettle))
		}
		if t.Carrier != nil {
			j.again(t.Carrier.Since.Add(j.Settings.PathSettle))
		}
	}
}

// Settled lists the types whose condition became the new normal in this judgement.
func (s *State) Settled() []string { return s.settled }

func (s *State) settle(name string) { s.settled = union(s.settled, []string{name}) }

// Good says whether some vantage in sync shows the registered prefix as it should be: in the exact scope with a legitimate
// best path, in that of a more-specific without an offending route.
func (s *State) Good() bool {
	s.prepare()
	for i, v := range s.Vantages {
		if !v.InSync && !v.Watching || s.wrong(s.best[i]) {
			continue
		}
		if !s.exact() || s.best[i] != nil && s.judgeOrigin(s.best[i]) == Legitimate {
			return true
		}
	}
	return false
}

// Gone lists the vantages that held the prefix when they were last in sight, by a legitimate route or a wrong one, and were found in
// sync without it by Learn.
func (s *State) Gone() []string { return s.gone }

// last is the legitimate route that a vantage held last; after a restart only its settled path is known.
func (s *State) last(i int) []bgp.Seen {
	t, v := s.traces[i], s.Vantages[i].Vantage
	switch {
	case t == nil:
		return nil
	case t.last.attrs != nil:
		return []bgp.Seen{t.last.seen(s, v)}
	case t.Settled.Path != nil:
		return []bgp.Seen{{Vantage: v, Prefix: s.Prefix, Attrs: &bgp.Attrs{Path: t.Settled.Path}}}
	}
	return nil
}
