package stats

import (
	"net/netip"
	"slices"
	"time"
)

// Kind says what became of one probe.
type Kind uint8

const (
	// Lost is a probe that nothing answered before its timeout, or whose SYN
	// had to be sent again.
	Lost Kind = iota
	// Reply is an answer in time.
	Reply
	// Late is an answer after the timeout: slow, but not lost.
	Late
	// Duplicate is a second answer to the same probe.
	Duplicate
	// Refused is a TCP reset: the address is reachable, the port is closed.
	Refused
	// Unreachable is an ICMP error, or no route on this host.
	Unreachable
	// LocalDrop is a probe, or its answer, that this host discarded itself.
	LocalDrop
	// Foreign is an answer from another address, or without our cookie.
	Foreign
)

var kindNames = [...]string{"lost", "reply", "late", "duplicate", "refused", "unreachable", "local_drop", "foreign"}

// String gives the name that logs and the API use.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Sample is what one batch of probes to one target measured.
//
// Sent is the sum of Received, Late, Refused, Unreachable, Lost and LocalDrop.
// Recovered, Duplicate and Foreign count answers, not probes, and stand beside
// that sum.
type Sample struct {
	Started, Ended time.Time

	Sent        int
	Received    int // answered in time
	Late        int // answered after the timeout, while the batch was open
	Refused     int // answered by a reset
	Unreachable int // answered by an ICMP error
	Lost        int // not answered
	LocalDrop   int // lost in this host: says nothing of the network

	Recovered int // answers to probes that an earlier batch gave up as lost
	Duplicate int
	Foreign   int

	RTTs     []time.Duration // of Received, Late and Refused, in the order sent
	TSSource string          // the weakest source among them
	Offender netip.Addr      // of the last ICMP error

	FirstLost, LastLost time.Time // when the first and the last of Lost and Unreachable were sent; zero: not known, or none
}

// Answered is how many probes showed that the target is reachable.
func (s *Sample) Answered() int { return s.Received + s.Late + s.Refused }

// Measured is how many probes say something of the network.
func (s *Sample) Measured() int { return s.Sent - s.LocalDrop }

// FullyLost is true of a batch that measured, and that nothing answered.
func (s *Sample) FullyLost() bool { return s.Measured() > 0 && s.Answered() == 0 }

// Loss is the unanswered share of what was measured, 0 to 1.
func (s *Sample) Loss() float64 {
	if s.Measured() <= 0 {
		return 0
	}
	return float64(s.Measured()-s.Answered()) / float64(s.Measured())
}

// Median of the round-trip times; false when there is none.
func (s *Sample) Median() (time.Duration, bool) {
	if len(s.RTTs) == 0 {
		return 0, false
	}
	return Median(s.RTTs), true
}

// Quartile is the lower quartile of the round-trip times: what holds up most packets of one batch, but is not the way, does not show
// in it. False when there is none.
func (s *Sample) Quartile() (time.Duration, bool) {
	if len(s.RTTs) == 0 {
		return 0, false
	}
	return Quantile(slices.Sorted(slices.Values(s.RTTs)), .25), true
}

// Min is the lowest round-trip time; false when there is none.
func (s *Sample) Min() (time.Duration, bool) {
	if len(s.RTTs) == 0 {
		return 0, false
	}
	return slices.Min(s.RTTs), true
}
