package session

import (
	"sync/atomic"
	"time"

	"peervane/bgp/wire"
)

// Status is what a session looked like at one moment. It is a copy; Negotiated is shared and must not be changed.
type Status struct {
	State       State
	Since       time.Time   // in State
	Up          time.Time   // Established since; zero when it is not
	Flaps       uint64      // how often an Established session was lost, our own Ceases aside
	LastError   string      // why the last attempt or session ended
	LastErrorAt time.Time   // zero without
	Negotiated  *Negotiated // nil when not Established
	Counters
}

// Counters count over all connections since the session was made.
type Counters struct {
	In, Out           Messages
	BytesIn, BytesOut uint64
	LastRead          time.Time // when the neighbour was last heard; zero = never
}

// Messages counts by type.
type Messages struct {
	Open, Update, Notification, Keepalive, RouteRefresh uint64
}

// Uptime is how long the session has been Established.
func (s Status) Uptime(now time.Time) time.Duration {
	if s.Up.IsZero() {
		return 0
	}
	return now.Sub(s.Up)
}

// status publishes: the session's goroutine stores snapshots, anyone loads them.
type status struct {
	snapshot          atomic.Pointer[Status] // without Counters
	in, out           [wire.TypeRouteRefresh + 1]atomic.Uint64
	bytesIn, bytesOut atomic.Uint64
	lastRead          atomic.Int64 // nanoseconds after base; 0 = never
	base              time.Time    // of the monotonic clock
}

func newStatus(now time.Time) *status {
	s := &status{base: now}
	s.snapshot.Store(&Status{Since: now})
	return s
}

// update replaces the snapshot by a changed copy.
func (s *status) update(change func(*Status)) {
	next := *s.snapshot.Load()
	change(&next)
	s.snapshot.Store(&next)
}

// read counts what one read from a socket gave.
func (s *status) read(n int, at time.Time) {
	if n > 0 {
		s.bytesIn.Add(uint64(n))
		s.lastRead.Store(int64(max(at.Sub(s.base), 1)))
	}
}

func (s *status) load() Status {
	st := *s.snapshot.Load()
	st.In, st.Out = messages(&s.in), messages(&s.out)
	st.BytesIn, st.BytesOut = s.bytesIn.Load(), s.bytesOut.Load()
	if after := s.lastRead.Load(); after > 0 {
		st.LastRead = s.base.Add(time.Duration(after))
	}
	return st
}

func messages(by *[wire.TypeRouteRefresh + 1]atomic.Uint64) Messages {
	return Messages{
		Open: by[wire.TypeOpen].Load(), Update: by[wire.TypeUpdate].Load(), Notification: by[wire.TypeNotification].Load(),
		Keepalive: by[wire.TypeKeepalive].Load(), RouteRefresh: by[wire.TypeRouteRefresh].Load(),
	}
}
