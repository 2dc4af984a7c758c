package probe

import (
	"fmt"
	"time"
)

// Settings say how often and how each target is probed.
type Settings struct {
	Interval time.Duration // from the start of one batch to the next
	Packets  int           // of an ICMP batch; a TCP batch is one connect
	Spacing  time.Duration // between the packets of a batch
	Timeout  time.Duration // independent of the interval: batches may overlap
}

// DefaultSettings are those of the reference configuration.
func DefaultSettings() Settings {
	return Settings{Interval: 10 * time.Second, Packets: 5, Spacing: 100 * time.Millisecond, Timeout: 2 * time.Second}
}

// Bounds of what Validate accepts.
const (
	minInterval = 10 * time.Millisecond
	maxPackets  = 100
	maxTimeout  = 30 * time.Second
)

// Validate says what is out of range, and what would be in it.
func (s Settings) Validate() error {
	switch {
	case s.Interval < minInterval:
		return fmt.Errorf("probe interval %v is too short: give at least %v", s.Interval, minInterval)
	case s.Packets < 1 || s.Packets > maxPackets:
		return fmt.Errorf("%d probe packets: give 1 to %d", s.Packets, maxPackets)
	case s.Spacing < 0 || s.Spacing > s.Interval:
		return fmt.Errorf("probe spacing %v: give 0 to the interval, %v", s.Spacing, s.Interval)
	case s.Timeout <= 0 || s.Timeout > maxTimeout:
		return fmt.Errorf("probe timeout %v: give more than 0 and at most %v", s.Timeout, maxTimeout)
	}
	return nil
}
