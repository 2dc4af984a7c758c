package bgp

import "time"

// Leak is what is wrong with a route that was passed on against the relationships of those who passed it (RFC 7908).
type Leak struct {
	Leaker  uint32
	Type    int // RFC 7908 section 3; 0: none of its types
	Methods []string
	Reasons []string // of each method
	Turn    string   // TAKER -> LEAKER -> GIVER
}

// LeakedTable says how many routes of a full table are leaked and lie outside the registered prefixes, where they are more
// than the limit, or (Exceeded false) no longer are.
type LeakedTable struct {
	Vantage  *Vantage
	At       time.Time
	Exceeded bool
	Routes   int    // leaked by anybody
	Leakers  int    // how many ASes have leaked them
	By       int    // leaked by the one who leaks the most
	Leak     Leak   // what is wrong with the first example
	Examples []Seen // a few of those, none where it is not exceeded
}

// When implements Input.
func (l LeakedTable) When() time.Time { return l.At }

// Of implements Input.
func (l LeakedTable) Of() *Vantage { return l.Vantage }

func (LeakedTable) input() {}
