package session

import (
	"context"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/bgp/wire"
)

// Handler hears what happens in a session: all of it on the goroutine of Run, one call at a time, in order. Update,
// Refresh and Closed come between an Established and its Closed. While a call lasts the neighbour's messages wait, so
// it must not wait for anything itself.
type Handler interface {
	Established(n Negotiated, at time.Time)

	// Update takes the body of an UPDATE, which is valid during the call only, read from the socket at the time given.
	// An error ends the session with its NOTIFICATION.
	Update(body []byte, at time.Time) *wire.Error

	// Refresh marks the begin (wire.RefreshBegin) and the end (wire.RefreshEnd) of a route refresh (RFC 7313).
	Refresh(f bgp.Family, subtype uint8, at time.Time)

	Closed(r Reason, at time.Time)
}

// Options replace parts of a session; the zero value is what production uses.
type Options struct {
	Dial   func(context.Context) (net.Conn, error) // how our own attempts connect
	Jitter func() float64                          // in [0, 1)
}

// Session is the BGP session with one neighbour. New makes it, Run runs it, once; all other methods may be called from
// any goroutine, the Handler's included, and never block.
type Session struct {
	cfg     Config
	handler Handler
	log     *zap.Logger
	dial    func(context.Context) (net.Conn, error)

	mail   *mailbox
	status *status

	// What follows belongs to the goroutine of Run.
	fsm      *FSM
	slots    [numSlots]slot
	retryAt  time.Time       // ConnectRetryTimer
	idleEnd  time.Time       // IdleHoldTimer
	arriving net.Conn        // the connection of a TCPConnectionConfirmed
	logged   map[string]bool // failures since the last session
	work     sync.WaitGroup
}

// New gives a session that does nothing until Run.
func New(cfg Config, h Handler, log *zap.Logger, opts Options) *Session {
	s := &Session{
		cfg: cfg, handler: h, log: log.With(zap.String("peer", cfg.Name)),
		dial: opts.Dial, mail: newMailbox(), status: newStatus(time.Now()), logged: make(map[string]bool),
	}
	if s.dial == nil {
		s.dial = s.cfg.dialTCP
	}
	jitter := opts.Jitter
	if jitter == nil {
		jitter = rand.Float64
	}
	s.fsm = NewFSM(&s.cfg, jitter)
	return s
}

// Config is the neighbour that the session was made for.
func (s *Session) Config() Config { return s.cfg }

// State is how the session stands.
func (s *Session) State() Status { return s.status.load() }

// Incoming hands over a connection that the neighbour has opened. The session owns it from now on.
func (s *Session) Incoming(conn net.Conn) {
	var replaced net.Conn
	if !s.mail.post(func(m *mail) { replaced, m.conn = m.conn, conn }) {
		replaced = conn
	}
	if replaced != nil {
		_ = replaced.Close()
	}
}

// RouteRefresh asks the neighbour for all its routes again, if the session is Established and it can do that
// (Negotiated.RouteRefresh); no family means every agreed one.
func (s *Session) RouteRefresh(families ...bgp.Family) {
	if len(families) == 0 {
		families = bgp.Families[:]
	}
	s.mail.post(func(m *mail) {
		for _, f := range families {
			m.refresh[f] = true
		}
	})
}

// Cease ends the session with a Cease of this subcode, and refuses the neighbour for idle; after 0 it may begin again
// at once. text goes to the neighbour where the subcode has a place for it (RFC 9003), and into the log.
func (s *Session) Cease(subcode uint8, text string, idle time.Duration) {
	s.mail.post(func(m *mail) { m.cease = &cease{subcode, text, idle} })
}

// Stopped is a cause with which the context of Run may be cancelled, to tell the neighbour why.
type Stopped struct {
	Subcode uint8 // of Cease, such as wire.SubPeerDeconfigured
	Text    string
}

func (s Stopped) Error() string { return s.Text }

// Run keeps the session until ctx ends, then sends a Cease and waits until it is out, or a second has passed. The
// Cease is an Administrative Shutdown, unless the cause of ctx is a Stopped. Its error is always nil.
func (s *Session) Run(ctx context.Context) error {
	defer s.finish()
	timer := time.NewTimer(0)
	defer timer.Stop()
	s.step(Event{Kind: ManualStart})
	for ctx.Err() == nil {
		timer.Reset(time.Until(s.nextTimer()))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-s.mail.wake:
			s.readMail()
		case d := <-s.slots[0].dialed:
			s.dialed(0, d)
		case d := <-s.slots[1].dialed:
			s.dialed(1, d)
		case c := <-s.slots[0].chunks:
			s.consume(0, c)
		case c := <-s.slots[1].chunks:
			s.consume(1, c)
		}
		s.expire(time.Now())
	}
	s.step(Event{Kind: ManualStop, Err: stopError(context.Cause(ctx))})
	return nil
}

func stopError(cause error) *wire.Error {
	if why, ok := cause.(Stopped); ok {
		return ceaseError(why.Subcode, why.Text)
	}
	return ceaseError(wire.SubAdminShutdown, "peervane stopped")
}

func ceaseError(subcode uint8, text string) *wire.Error {
	e := &wire.Error{Code: wire.CodeCease, Subcode: subcode, Reason: text}
	if subcode == wire.SubAdminShutdown || subcode == wire.SubAdminReset {
		e.Data = wire.ShutdownCommunication(text)
	}
	return e
}

// finish waits for every goroutine, and lets no connection be left behind.
func (s *Session) finish() {
	if left := s.mail.close(); left.conn != nil {
		_ = left.conn.Close()
	}
	s.work.Wait()
}

// readMail does what others asked for, between two messages of the neighbour, and says whether there was anything.
func (s *Session) readMail() bool {
	m, ok := s.mail.take()
	if !ok {
		return false
	}
	if m.cease != nil {
		s.step(Event{Kind: AutomaticStop, Err: ceaseError(m.cease.subcode, m.cease.text), Idle: m.cease.idle})
	}
	if m.conn != nil {
		s.arrive(m.conn)
	}
	for f, wanted := range m.refresh {
		if wanted {
			s.requestRefresh(bgp.Family(f))
		}
	}
	return true
}

func (s *Session) arrive(conn net.Conn) {
	if err := s.cfg.tune(conn); err != nil {
		s.log.Warn("incoming connection refused", zap.Error(err))
		_ = conn.Close()
		return
	}
	s.arriving = conn
	s.step(Event{Kind: TCPConnectionConfirmed})
}

func (s *Session) requestRefresh(f bgp.Family) {
	for i := range s.slots {
		if n := s.slots[i].up; n != nil && n.RouteRefresh && n.Families[f] {
			s.slots[i].send(s, wire.TypeRouteRefresh, wire.AppendRouteRefresh(nil, f, wire.RefreshRequest))
		}
	}
}
