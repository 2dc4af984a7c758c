package probe

import "time"

// Settings say how often and how each target is probed.
type Settings struct {
	Interval time.Duration // from the start of one batch to the next
	Packets  int           // of an ICMP batch; a TCP batch is one connect
	Spacing  time.Duration // between the packets of a batch
	Timeout  time.Duration // independent of the interval: batches may overlap
}

// minInterval keeps a mistake from flooding the network.
const minInterval = 10 * time.Millisecond

// sane raises what no schedule can follow.
func (s Settings) sane() Settings {
	s.Interval = max(s.Interval, minInterval)
	s.Packets = max(s.Packets, 1)
	return s
}
