package session

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"time"

	"peervane/bgp"
	"peervane/bgp/wire"
)

// lookAgain is when a hold timer that could not be judged is looked at again.
const lookAgain = time.Second

// slot is what one of the FSM's connections is made of. Its channels are nil while there is nothing to hear from them;
// a connection that is closed leaves the slot, and with it all that it might still say.
type slot struct {
	dialed chan dialed        // the attempt's result
	cancel context.CancelFunc // of the attempt

	link   *link
	chunks chan chunk // the link's
	up     *Negotiated

	holdAt, keepaliveAt time.Time
}

type dialed struct {
	conn net.Conn
	err  error
}

// startDial dials in a goroutine, which ends when the slot is closed, at the latest.
func (s *Session) startDial(i Slot) {
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan dialed)
	s.slots[i] = slot{dialed: result, cancel: cancel}
	s.work.Go(func() {
		conn, err := s.dial(ctx)
		select {
		case result <- dialed{conn, err}:
		case <-ctx.Done():
			if err == nil {
				_ = conn.Close()
			}
		}
	})
}

func (s *Session) dialed(i Slot, d dialed) {
	s.slots[i].dialed = nil
	if d.err != nil {
		s.step(Event{Kind: TCPConnectionFails, Conn: i, Cause: d.err})
		return
	}
	s.attach(i, d.conn)
	s.step(Event{Kind: TCPConnectionAcked, Conn: i})
}

// attach makes a connection the slot's.
func (s *Session) attach(i Slot, conn net.Conn) {
	l := newLink(conn, s.status)
	s.slots[i].link, s.slots[i].chunks = l, l.chunks
	s.work.Go(l.run)
}

// close empties the slot.
func (sl *slot) close() {
	if sl.cancel != nil {
		sl.cancel()
	}
	if sl.link != nil {
		sl.link.close()
	}
	*sl = slot{}
}

func (sl *slot) send(s *Session, typ uint8, msg []byte) {
	s.status.out[typ].Add(1)
	sl.link.send(msg)
}

// consume works through the messages of a chunk. A step may close the connection; the rest is then left unheard.
func (s *Session) consume(i Slot, c chunk) {
	l := s.slots[i].link
	listening := false
	for rest := c.buf[:c.n]; len(rest) > 0; {
		n := binary.BigEndian.Uint16(rest[16:])
		listening = s.message(i, rest[:n:n], c.at, listening)
		if s.readMail() {
			listening = false
		}
		if s.slots[i].link != l {
			return
		}
		rest = rest[n:]
	}
	if c.err != nil {
		s.step(readFailed(i, c))
		return
	}
	l.recycle(c)
}

// readFailed is the event that a chunk's error means.
func readFailed(i Slot, c chunk) Event {
	var bad *wire.Error
	switch {
	case errors.As(c.err, &bad):
		return Event{Kind: BGPHeaderErr, Conn: i, At: c.at, Err: bad}
	case errors.Is(c.err, errSendHold):
		return Event{Kind: SendHoldTimerExpires, Conn: i, At: c.at}
	case errors.Is(c.err, io.EOF):
		return Event{Kind: TCPConnectionFails, Conn: i, At: c.at, Cause: errClosed}
	}
	return Event{Kind: TCPConnectionFails, Conn: i, At: c.at, Cause: c.err}
}

// message handles one message, header included. An UPDATE that comes right after another, read at the same time, tells the FSM
// nothing new: it delivers both, and restarts the same timer. listening says that this one is such, then that the next would be.
func (s *Session) message(i Slot, msg []byte, at time.Time, listening bool) bool {
	typ, body := msg[18], msg[wire.HeaderLen:]
	s.status.in[typ].Add(1)
	ev := Event{Conn: i, At: at}
	switch typ {
	case wire.TypeOpen:
		ev.Kind = BGPOpen
		if ev.Open, ev.Err = wire.ParseOpen(body); ev.Err != nil {
			ev.Kind = BGPOpenMsgErr
		}
		s.step(ev)
	case wire.TypeKeepalive:
		ev.Kind = KeepAliveMsg
		s.step(ev)
	case wire.TypeNotification:
		ev.Kind, ev.Notification = NotifMsg, wire.ParseNotification(body)
		s.step(ev)
	case wire.TypeUpdate:
		return s.hearUpdate(i, body, at, listening)
	case wire.TypeRouteRefresh:
		ev.Kind = RouteRefreshMsg
		if s.step(ev) {
			s.refresh(i, msg, at)
		}
	}
	return false
}

func (s *Session) hearUpdate(i Slot, body []byte, at time.Time, listening bool) bool {
	if !listening && !s.step(Event{Kind: UpdateMsg, Conn: i, At: at}) {
		return false
	}
	if err := s.handler.Update(body, at); err != nil {
		s.step(Event{Kind: UpdateMsgErr, Conn: i, At: at, Err: err})
		return false
	}
	return true
}

// refresh handles a ROUTE-REFRESH of an Established session. Asked for our routes, we have none to send: under RFC 7313
// that is told by the beginning and the end of nothing; while an answer is on its way it serves for further requests.
func (s *Session) refresh(i Slot, msg []byte, at time.Time) {
	f, known, subtype, err := wire.ParseRouteRefresh(msg[wire.HeaderLen:])
	n := s.slots[i].up
	switch {
	case err != nil:
		err.Data = append([]byte(nil), msg...)
		s.step(Event{Kind: UpdateMsgErr, Conn: i, At: at, Err: err})
	case !known || !n.Families[f] || !n.EnhancedRefresh:
	case subtype == wire.RefreshRequest && s.slots[i].link.busy():
	case subtype == wire.RefreshRequest:
		s.slots[i].send(s, wire.TypeRouteRefresh, wire.AppendRouteRefresh(nil, f, wire.RefreshBegin))
		s.slots[i].send(s, wire.TypeRouteRefresh, wire.AppendRouteRefresh(nil, f, wire.RefreshEnd))
	default:
		s.handler.Refresh(f, subtype, at)
	}
}

// endOfRIB tells the neighbour that we have nothing more to announce, which is nothing at all.
func (s *Session) endOfRIB(i Slot, n *Negotiated) {
	for _, f := range bgp.Families {
		if n.Families[f] {
			s.slots[i].send(s, wire.TypeUpdate, wire.AppendEndOfRIB(nil, f))
		}
	}
}

// nextTimer is when the next timer expires; far away without any.
func (s *Session) nextTimer() time.Time {
	next := time.Now().Add(time.Hour)
	for _, at := range []time.Time{s.retryAt, s.idleEnd, s.slots[0].holdAt, s.slots[0].keepaliveAt, s.slots[1].holdAt, s.slots[1].keepaliveAt} {
		if !at.IsZero() && at.Before(next) {
			next = at
		}
	}
	return next
}

// expire steps through the timers that are due. A hold timer is judged only when all that the neighbour has sent was
// heard: silence is the neighbour's, never our own slowness.
func (s *Session) expire(now time.Time) {
	if due(&s.retryAt, now) {
		s.step(Event{Kind: ConnectRetryTimerExpires, At: now})
	}
	if due(&s.idleEnd, now) {
		s.step(Event{Kind: IdleHoldTimerExpires, At: now})
	}
	for i := range s.slots {
		sl := &s.slots[i]
		if due(&sl.keepaliveAt, now) {
			s.step(Event{Kind: KeepaliveTimerExpires, Conn: Slot(i), At: now})
		}
		if !due(&sl.holdAt, now) {
			continue
		}
		if sl.link.unread() {
			sl.holdAt = now.Add(lookAgain)
			continue
		}
		s.step(Event{Kind: HoldTimerExpires, Conn: Slot(i), At: now})
	}
}

// due says whether a timer has run out, and stops it if so.
func due(at *time.Time, now time.Time) bool {
	if at.IsZero() || at.After(now) {
		return false
	}
	*at = time.Time{}
	return true
}
