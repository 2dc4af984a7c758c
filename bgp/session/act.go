package session

import (
	"errors"
	"time"

	"go.uber.org/zap"

	"peervane/bgp/wire"
)

// maxLogged bounds what is remembered of what was logged: a neighbour chooses some of the words.
const maxLogged = 16

var errClosed = errors.New("the neighbour closed the connection")

// step gives an event to the FSM and does what it says; deliver is true when the message is one for the Handler.
func (s *Session) step(ev Event) (deliver bool) {
	if ev.At.IsZero() {
		ev.At = time.Now()
	}
	for _, a := range s.fsm.Step(ev) {
		if a.Do == Deliver {
			deliver = true
			continue
		}
		s.act(a, ev.At)
	}
	if s.fsm.State() != s.status.snapshot.Load().State {
		s.publish(ev.At, func(*Status) {})
	}
	return deliver
}

// publish shows the FSM's state, and what else has changed with it.
func (s *Session) publish(at time.Time, change func(*Status)) {
	s.status.update(func(st *Status) {
		if state := s.fsm.State(); state != st.State {
			st.State, st.Since = state, at
		}
		change(st)
	})
}

// act does one action. Nothing here comes back to step.
func (s *Session) act(a Action, at time.Time) {
	sl := &s.slots[a.Conn]
	switch a.Do {
	case Dial:
		s.startDial(a.Conn)
	case Accept:
		s.attach(a.Conn, s.arriving)
		s.arriving = nil
	case Refuse:
		_ = s.arriving.Close()
		s.arriving = nil
	case Close:
		sl.close()
	case SendOpen:
		if s.fsm.bare || len(s.fsm.without) > 0 {
			s.log.Info("offering fewer capabilities, as the neighbour demands",
				zap.Bool("none", s.fsm.bare), zap.Ints("without", codes(s.fsm.without)))
		}
		sl.send(s, wire.TypeOpen, a.Open.Append(nil))
	case SendKeepalive:
		sl.send(s, wire.TypeKeepalive, wire.AppendKeepalive(nil))
	case SendNotification:
		sl.send(s, wire.TypeNotification, wire.AppendNotification(nil, a.Err))
	case SetTimer:
		*s.timer(a) = at.Add(a.After)
	case StopTimer:
		*s.timer(a) = time.Time{}
	case Agree:
		sl.link.agree(a.Agreed)
	case Up:
		s.goUp(a, at)
	case Down:
		s.goDown(*a.Reason, at)
	case Fail:
		s.fail(*a.Reason, at)
	}
}

// timer finds where the time of a timer is kept.
func (s *Session) timer(a Action) *time.Time {
	switch a.Timer {
	case ConnectRetryTimer:
		return &s.retryAt
	case IdleHoldTimer:
		return &s.idleEnd
	case HoldTimer:
		return &s.slots[a.Conn].holdAt
	}
	return &s.slots[a.Conn].keepaliveAt
}

func (s *Session) goUp(a Action, at time.Time) {
	sl, n := &s.slots[a.Conn], a.Agreed
	n.LocalAddr, n.PeerAddr = addrPort(sl.link.conn.LocalAddr()), addrPort(sl.link.conn.RemoteAddr())
	sl.up = n
	clear(s.logged)
	s.publish(at, func(st *Status) { st.Up, st.Negotiated = at, n })
	s.log.Info("session established", zap.Uint32("asn", n.PeerASN), zap.Stringer("address", n.PeerAddr),
		zap.Stringer("router_id", n.PeerRouterID), zap.Duration("hold_time", n.HoldTime))
	s.handler.Established(*n, at)
	s.endOfRIB(a.Conn, n)
}

func (s *Session) goDown(r Reason, at time.Time) {
	wanted := r.Sent != nil && r.Sent.Code == wire.CodeCease
	s.publish(at, func(st *Status) {
		st.Up, st.Negotiated = time.Time{}, nil
		if !wanted {
			st.Flaps++
		}
		st.LastError, st.LastErrorAt = r.Text, at
	})
	if wanted {
		s.log.Info("session closed", zap.String("reason", r.Text))
	} else {
		s.log.Warn("session lost", zap.String("reason", r.Text), zap.Bool("graceful", r.Graceful))
	}
	s.handler.Closed(r, at)
}

// fail tells of an attempt that came to nothing: once for each reason, until a session comes up. The loser of a collision
// is no failure.
func (s *Session) fail(r Reason, at time.Time) {
	if isCollision(r) {
		s.log.Debug("connection collision resolved", zap.String("reason", r.Text))
		return
	}
	s.publish(at, func(st *Status) { st.LastError, st.LastErrorAt = r.Text, at })
	level := zap.WarnLevel
	if s.logged[r.Text] {
		level = zap.DebugLevel
	}
	if len(s.logged) >= maxLogged {
		clear(s.logged)
	}
	s.logged[r.Text] = true
	s.log.Log(level, "session not established", zap.String("reason", r.Text))
}

func isCollision(r Reason) bool {
	switch {
	case r.Sent != nil:
		return r.Sent.Code == wire.CodeCease && r.Sent.Subcode == wire.SubConnectionCollision
	case r.Received != nil:
		return r.Received.Code == wire.CodeCease && r.Received.Subcode == wire.SubConnectionCollision
	}
	return false
}

func codes(b []uint8) []int {
	list := make([]int, len(b))
	for i, code := range b {
		list[i] = int(code)
	}
	return list
}
