package probe

import "time"

// instant is one reading of both clocks.
type instant struct {
	wall int64         // nanoseconds since 1970, comparable with kernel stamps
	mono time.Duration // since some moment that all instants of a lane share
}

// instantOf splits a time into its two readings.
func instantOf(t, origin time.Time) instant {
	return instant{wall: t.UnixNano(), mono: t.Sub(origin)}
}

// clock reads both clocks. Tests give one whose wall clock is stepped.
type clock func(origin time.Time) instant

func systemClock(origin time.Time) instant { return instantOf(time.Now(), origin) }

// stepTolerance is how far the two clocks may drift apart between a probe and
// its answer before the wall clock counts as stepped. Slewing moves both
// alike; what is left is the moment between the two readings.
const stepTolerance = 100 * time.Microsecond

// stamps are all that is known of when a probe left and its answer came. The
// kernel's are of the wall clock, 0 = none.
type stamps struct {
	sent, received instant // user space: just before sending, just after reading
	tx, rx         int64   // kernel
}

// rtt chooses the best round-trip time that can be believed. The kernel's
// stamps must lie between those of user space, and their difference may be
// neither negative nor longer than the monotonic clock saw: else a clock has
// stepped, or a stamp belongs to another packet.
func (s stamps) rtt() (time.Duration, string) {
	user := s.received.mono - s.sent.mono
	stepped := time.Duration(s.received.wall-s.sent.wall) - user
	if stepped.Abs() > stepTolerance || s.rx > s.received.wall {
		return user, SourceUser
	}
	believable := func(from int64) bool {
		rtt := time.Duration(s.rx - from)
		return from >= s.sent.wall && rtt >= 0 && rtt <= user
	}
	switch {
	case believable(s.tx):
		return time.Duration(s.rx - s.tx), SourceKernel
	case believable(s.sent.wall):
		return time.Duration(s.rx - s.sent.wall), SourceKernelRx
	}
	return user, SourceUser
}
