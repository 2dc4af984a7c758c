package source

import "time"

// Stats counts what a recording held.
type Stats struct {
	Records        int
	Bad            int // records that could not be read, or not to their end
	Announced      int // routes announced by UPDATEs
	Withdrawn      int // routes withdrawn by UPDATEs, those of a malformed one included (RFC 7606)
	OtherAnnounced int // the same of address families that are not learnt, such as multicast
	OtherWithdrawn int
	Routes         int // entries of RIB dumps
	States         int // changes of session states
	First          time.Time
	Last           time.Time
	Ignored        map[string]int // sound records that hold nothing for us, by what they are
	Faults         FaultCounts    // what was wrong in UPDATEs that were used all the same
}

func (s *Stats) record(at time.Time) {
	if s.Records++; s.Records == 1 {
		s.First = at
	}
	s.Last = at
}

func (s *Stats) ignore(what string) {
	if s.Ignored == nil {
		s.Ignored = make(map[string]int)
	}
	s.Ignored[what]++
}
