package detect

import (
	"slices"
	"time"
)

// Fill takes over what an earlier memory of the same registration knows, and this one, which began without it, does not. What
// was seen since then stands, but for the normal: this memory took the first that it saw for that, and as long as nothing can
// have held for path_settle since (young), the earlier one knows better. What is found anew whenever the state is judged is left
// to that.
func (m *Memory) Fill(older *Memory, now time.Time, young bool) {
	for i := range older.Traces {
		was := &older.Traces[i]
		if at, found := m.find(was.Vantage); found {
			m.Traces[at].fill(was, young)
		} else {
			m.Traces = slices.Insert(m.Traces, at, *was)
			if i := older.stray(was.Vantage); i >= 0 {
				m.learnStray(was.Vantage, older.Unrest.Strays[i].Path.Path)
			}
		}
	}
	for _, roa := range older.ROAs {
		if m.roa(roa.Origin) == nil {
			m.ROAs = append(m.ROAs, roa)
		}
	}
	if len(older.unrest().Flaps)+len(older.unrest().Shown) > 0 {
		m.disturb(func(u *Unrest) bool { u.fill(older.Unrest, now); return true })
	}
}

func (t *Trace) fill(was *Trace, young bool) {
	if t.Settled.Path == nil || young && was.Settled.Path != nil {
		t.Settled = was.Settled
		if t.Moved == nil {
			t.Moved = was.Moved
		}
	}
	// Who has held a legitimate route since compares with what covered it then.
	if t.Baseline == nil || young && !t.Seen && was.Baseline != nil {
		t.Baseline = was.Baseline
		if t.Carrier == nil {
			t.Carrier = was.Carrier
		}
	}
	if was.Seen && !t.Seen {
		t.Seen = true
		if !was.Lost.IsZero() {
			t.Lost = was.Lost
		}
	}
	if t.View == nil {
		t.View = was.View
	}
}

// fill adds what routes have flapped before, as it has decayed, and who showed required upstreams and was not seen since.
func (u *Unrest) fill(was *Unrest, now time.Time) {
	for i := range was.Flaps {
		old := &was.Flaps[i]
		if !now.Before(old.calm()) {
			continue
		}
		f := u.flap(old.Vantage, old.PathID, now)
		f.Penalty, f.At = min(f.penalty(now)+old.penalty(now), ceilingPenalty), now
		f.First, f.Over = sooner(f.First, old.First), sooner(f.Over, old.Over)
		if f.Penalty > suppressPenalty && f.Over.IsZero() {
			f.Over = now
		}
		f.Withdrawn += old.Withdrawn
		f.Changed += old.Changed
	}
	for _, shown := range was.Shown {
		if !slices.ContainsFunc(u.Shown, func(s Shown) bool { return s.Vantage == shown.Vantage }) {
			u.Shown = append(u.Shown, shown)
		}
	}
}
