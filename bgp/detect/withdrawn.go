package detect

import (
	"fmt"
	"strconv"
	"time"

	"peervane/bgp"
)

// tally counts who holds the registered prefix from a legitimate origin, among those of one role of which it is known.
type tally struct {
	held   []int // indexes into State.Vantages
	absent []int
}

func (t tally) judged() int { return len(t.held) + len(t.absent) }

func (t tally) none() bool { return len(t.absent) > 0 && len(t.held) == 0 }

func (t tally) fewer(need int) bool { return len(t.absent) > 0 && len(t.held) < need }

func (s *State) tallies() (primaries, backups tally) {
	primaries.held = make([]int, 0, len(s.Vantages))
	for i := range s.Vantages {
		t := &primaries
		switch s.role(s.Vantages[i].Vantage) {
		case bystander:
			continue
		case backup:
			t = &backups
		}
		switch s.presence(i, s.best[i]) {
		case present:
			t.held = append(t.held, i)
		case absent:
			t.absent = append(t.absent, i)
		}
	}
	return primaries, backups
}

// learnLack keeps since when each way of being withdrawn holds. Where each of the vantages that lack the prefix holds an
// offending route in its place, that route's incident tells it.
func (m *Memory) learnLack(s *State) (changed bool) {
	l := m.lacks()
	primaries, backups := s.tallies()
	missed := s.Reg.Policy.Expect == Announced && !s.replaced(primaries.absent)
	unsecured := s.Reg.Policy.Expect == Announced && !s.replaced(backups.absent)
	for _, c := range []struct {
		since *time.Time
		holds bool
	}{
		{&l.None, missed && primaries.none()},
		{&l.Few, missed && primaries.fewer(s.minPrimary())},
		{&l.Backup, unsecured && backups.none()},
	} {
		if c.holds && c.since.IsZero() {
			*c.since, changed = s.Now, true
		} else if !c.holds && !c.since.IsZero() {
			*c.since, changed = time.Time{}, true
		}
	}
	if !changed {
		return false
	}
	m.Lack = nil // of a million registrations few lack anything
	if l != (Lack{}) {
		lasting := l
		m.Lack = &lasting
	}
	return true
}

// replaced says whether each of the vantages holds an offending route where the legitimate one is missing, of which an
// incident tells.
func (s *State) replaced(absent []int) bool {
	for _, i := range absent {
		if !s.told(s.best[i]) {
			return false
		}
	}
	return true
}

// withdrawn: too few sessions hold the registered prefix from a legitimate origin.
func withdrawn(j *judgement) {
	if !j.exact() || j.Memory == nil || j.Reg.Policy.Expect != Announced {
		return
	}
	primaries, backups := j.tallies()
	none := primaries.none()
	few := primaries.fewer(j.minPrimary()) && !j.stands(primaries.absent)
	spare := backups.none() && !j.stands(backups.absent)
	if !few && !spare {
		return
	}
	f := j.finding("withdrawn", warning)
	f.Hold = j.Settings.AbsenceHold
	f.Expected.Sessions = j.minPrimary()
	if few {
		f.Since = j.Memory.lacks().Few
		j.missing(&f, primaries)
	}
	if spare {
		f.Since = sooner(f.Since, j.Memory.lacks().Backup)
		j.missing(&f, backups)
	}
	switch {
	case !few:
		f.Summary = backupSummary(j, backups)
	case none && j.heldSince(j.Memory.lacks().None, f.Since):
		f.Severity, f.Summary = critical, noneSummary(j, primaries)+downText(j)
	default:
		f.Summary = fewSummary(j, primaries) + downText(j)
	}
	j.found = append(j.found, f)
}

// heldSince says whether a graver variant that began at t has held for absence_hold, which it must unless it was there
// from the beginning: path hunting at the last session is not an outage.
func (j *judgement) heldSince(t, began time.Time) bool {
	due := t.Add(j.Settings.AbsenceHold)
	if !t.After(began) || !j.Now.Before(due) {
		return true
	}
	j.again(due)
	return false
}

// stands says whether offending routes have replaced all that is missing, and notes with them that it is.
func (j *judgement) stands(absent []int) bool {
	if !j.replaced(absent) {
		return false
	}
	for _, i := range absent {
		j.yields(j.best[i], "withdrawn")
	}
	return true
}

// missing adds the vantages that lack the prefix, with the routes that they held last.
func (j *judgement) missing(f *bgp.Finding, t tally) {
	f.Total += t.judged()
	for _, i := range t.absent {
		v := j.Vantages[i].Vantage
		f.Bad = union(f.Bad, []string{v.Name})
		f.Previous = append(f.Previous, j.last(i)...)
	}
	f.Expected.Silent = f.Bad
}

func (j *judgement) nameAll(vantages []int) string {
	var list []string
	for _, i := range vantages {
		list = union(list, []string{j.Vantages[i].Name})
	}
	return names(list)
}

func noneSummary(j *judgement, t tally) string {
	if t.judged() == 1 {
		return fmt.Sprintf("%s withdrawn: %s does not hold it", j.Prefix, j.sessions(1, j.nameAll(t.absent)))
	}
	if n := j.elsewhere(t.absent); n > 0 {
		return fmt.Sprintf("%s withdrawn: none of %s holds it from %s, %d %s it from elsewhere",
			j.Prefix, j.sessions(t.judged(), strconv.Itoa(t.judged())), asns(j.Reg.Policy.Origins), n, verb(n, "holds", "hold"))
	}
	return fmt.Sprintf("%s withdrawn: none of %s holds it (%s)",
		j.Prefix, j.sessions(t.judged(), strconv.Itoa(t.judged())), j.nameAll(t.absent))
}

// downText names the primary sessions that are down: what they held is not known, but its absence elsewhere may be theirs.
func downText(j *judgement) string {
	var down []string
	for i := range j.Vantages {
		if v := &j.Vantages[i]; v.Own() && !v.Up && j.role(v.Vantage) == primary {
			down = append(down, v.Name)
		}
	}
	if len(down) == 0 {
		return ""
	}
	return fmt.Sprintf(", %s %s down", names(down), verb(len(down), "is", "are"))
}

// elsewhere counts the vantages that hold an offending route in place of the legitimate one.
func (s *State) elsewhere(absent []int) (n int) {
	for _, i := range absent {
		if s.wrong(s.best[i]) {
			n++
		}
	}
	return n
}

func fewSummary(j *judgement, t tally) string {
	return fmt.Sprintf("%s withdrawn in part: %d of %s %s it, %d should (missing at %s)",
		j.Prefix, len(t.held), j.sessions(t.judged(), strconv.Itoa(t.judged())), verb(len(t.held), "holds", "hold"),
		j.minPrimary(), j.nameAll(t.absent))
}

func backupSummary(j *judgement, t tally) string {
	return fmt.Sprintf("%s has no backup: no backup session holds it (%s)", j.Prefix, j.nameAll(t.absent))
}

// sessions puts the word for primary vantages to a number or a name.
func (s *State) sessions(n int, what string) string {
	noun := "primary session"
	if s.foreign() {
		noun = "vantage"
	}
	if n == 1 {
		return noun + " " + what
	}
	return what + " " + noun + "s"
}
