package source

import (
	"time"

	"peervane/bgp"
)

// quietTime is how long no new route must come until the first table of a neighbour that sends no End-of-RIB counts
// as complete.
const quietTime = 30 * time.Second

// settling tells the first table of a family, after a session came up, from later changes. The zero value is settled.
type settling struct {
	on   bool
	due  bool // End-of-RIB will come
	last time.Time
}

func (s *settling) begin(endOfRIBDue bool, at time.Time) { *s = settling{true, endOfRIBDue, at} }

func (s *settling) end() { s.on = false }

// cause says why a change comes that is read at this time.
func (s *settling) cause(at time.Time) bgp.Cause {
	if s.on && !s.due && at.Sub(s.last) > quietTime {
		s.on = false
	}
	if !s.on {
		return bgp.Updated
	}
	return bgp.Initial
}

// grew notes a new route.
func (s *settling) grew(at time.Time) { s.last = at }
