package incident

import (
	"maps"
	"time"
)

// swollenFor is how soon the numbers of a group are handed over to be written. Until then a restart counts its members.
const swollenFor = 500 * time.Millisecond

// swollen are the groups of which only the numbers have changed since they were written, and which came in last: in a storm they do
// with every incident.
type swollen struct {
	by  map[string]*Record
	due time.Time // when they are to be written; zero: there is none
}

func (s *swollen) add(g *Record, now time.Time) {
	if s.by == nil {
		s.by = map[string]*Record{}
	}
	if s.by[g.ID()] = g; s.due.IsZero() {
		s.due = now.Add(swollenFor)
	}
}

func (s *swollen) forget(id string) {
	if delete(s.by, id); len(s.by) == 0 {
		s.due = time.Time{}
	}
}

// writeSwollen has those written whose time has come.
func (b *Book) writeSwollen(now time.Time) {
	if s := &b.swollen; !s.due.IsZero() && !now.Before(s.due) {
		maps.Copy(b.dirty, s.by)
		*s = swollen{}
	}
}

// Swollen gives the groups whose time has not come yet, for the last transaction of a process.
func (b *Book) Swollen() []Record {
	out := snapshot(b.swollen.by)
	b.swollen = swollen{}
	return out
}
