package incident

import (
	"cmp"
	"slices"
	"time"

	"peervane/daemon/notice"
)

const (
	// blindFor is how long a lost vantage speaks for its last routes, when another one shows the prefix good.
	blindFor = time.Hour
	// lossInterval is how often the loss of a vantage is told of one incident: a flapping session is no news.
	lossInterval = 10 * time.Minute
)

// watch brings the witnesses of an incident up to date. Those of bad show it now. Of the others, one in sync no longer does; one that
// returns stays a witness unless it has shown it since; one that is gone does not count; and one out of sight stays a witness for an hour,
// or until another vantage in sync shows the prefix good, whichever is later. It gives why some no longer count, where it is not that they
// are back without the condition.
func (r *reconciliation) watch(rec *Record, bad []string) (cleared string) {
	before, lost := rec.Bad, false
	rec.Bad = make([]Witness, 0, len(before)+len(bad))
	for _, name := range bad {
		rec.Bad = append(rec.Bad, Witness{Vantage: name})
	}
	for _, old := range before {
		if slices.Contains(bad, old.Vantage) {
			continue
		}
		switch r.world.sight(old.Vantage) {
		case InSync:
		case Returning:
			if old.Unseen || !old.Lost.IsZero() { // it is about to tell
				rec.Bad, lost = append(rec.Bad, old), true
				r.wake(r.now.Add(blindFor)) // or never will
			}
		case Gone:
			cleared = cmp.Or(cleared, notice.ReasonConfig)
		case Lost:
			if r.outOfSight(rec, old) {
				lost = true
			} else {
				cleared = notice.ReasonVantageLost
			}
		}
	}
	rec.Owed.Loss = rec.Owed.Loss && lost
	slices.SortFunc(rec.Bad, func(a, b Witness) int { return cmp.Compare(a.Vantage, b.Vantage) })
	if !slices.Equal(before, rec.Bad) {
		r.dirty[rec.ID()] = rec
	}
	return cleared
}

// outOfSight says whether a lost witness still counts.
func (r *reconciliation) outOfSight(rec *Record, old Witness) bool {
	if old.Lost.IsZero() {
		if !old.Unseen && (rec.Told.Lost.IsZero() || !r.now.Before(rec.Told.Lost.Add(lossInterval))) {
			rec.Owed.Loss = true
		}
		old.Lost = r.now
	}
	due := old.Lost.Add(blindFor)
	if !r.now.Before(due) && r.world.Good {
		return false
	}
	if r.now.Before(due) {
		r.wake(due)
	}
	rec.Bad = append(rec.Bad, old)
	return true
}
