package source

import (
	"time"

	"peervane/bgp"
)

// quietTime is how long no new route must come until the first table of a neighbour that sends no End-of-RIB counts
// as complete.
const quietTime = 30 * time.Second

// firstTable is how long changes count as part of a first table whose End-of-RIB is due: the neighbour is told of as one that never
// sends it then (feed_stale), and what it shows is judged as any other's.
const firstTable = 10 * time.Minute

// settling tells the first table of a family, after a session came up, from later changes. The zero value is settled.
type settling struct {
	on    bool
	due   bool // End-of-RIB will come
	late  bool // and has not come within firstTable
	part  bool // more is watched by now than was when it began: some of it was dropped
	began time.Time
	last  time.Time
}

func (s *settling) begin(endOfRIBDue bool, at time.Time) {
	*s = settling{on: true, due: endOfRIBDue, began: at, last: at}
}

func (s *settling) end() { s.on = false }

// coming says whether the table may be incomplete.
func (s *settling) coming(at time.Time) bool {
	if s.on && !s.due && at.Sub(s.last) > quietTime {
		s.on = false
	}
	return s.on
}

// cause says why a change comes that is read at this time.
func (s *settling) cause(at time.Time) bgp.Cause {
	if s.coming(at) && !s.late {
		return bgp.Initial
	}
	return bgp.Updated
}

// lateAt is when no more is waited for; false where nothing is.
func (s *settling) lateAt() (time.Time, bool) {
	return s.began.Add(firstTable), s.on && s.due && !s.late
}

// grew notes a new route.
func (s *settling) grew(at time.Time) { s.last = at }
