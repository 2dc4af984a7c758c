package session

import (
	"bytes"
	"fmt"

	"peervane/bgp/wire"
)

// stepConn handles an event of one connection. An event of one that is gone is ignored: it was on its way when the
// connection was closed.
func (f *FSM) stepConn(ev *Event) {
	switch f.conns[ev.Conn].state {
	case Connect:
		f.connect(ev)
	case OpenSent:
		f.openSent(ev)
	case OpenConfirm:
		f.openConfirm(ev)
	case Established:
		f.established(ev)
	}
}

// connect: on Event 16 it "sends an OPEN message to its peer", "sets the HoldTimer to a large value" and "changes its
// state to OpenSent"; on Event 18 it "restarts the ConnectRetryTimer", "continues to listen for a connection that may be
// initiated by the remote BGP peer", and "changes its state to Active".
func (f *FSM) connect(ev *Event) {
	switch ev.Kind {
	case TCPConnectionAcked:
		f.open(ev.Conn)
	case TCPConnectionFails:
		f.retry = false // it bounded this attempt, and now begins anew
		f.end(ev.Conn, failed(ev.Cause))
	}
}

func (f *FSM) open(slot Slot) {
	c := &f.conns[slot]
	c.state, c.open = OpenSent, f.cfg.open(f.offer())
	f.emit(Action{Do: SendOpen, Conn: slot, Open: c.open})
	f.emit(Action{Do: SetTimer, Conn: slot, Timer: HoldTimer, After: openHoldTime})
}

// openSent: "In this state, BGP FSM waits for an OPEN message from its peer."
func (f *FSM) openSent(ev *Event) {
	switch ev.Kind {
	case BGPOpen:
		f.receiveOpen(ev)
	case NotifMsg:
		f.learnRefusal(ev.Notification)
		f.end(ev.Conn, received(ev.Notification))
	case TCPConnectionFails:
		f.end(ev.Conn, unheard(ev.Cause))
	case KeepAliveMsg, UpdateMsg, UpdateMsgErr, RouteRefreshMsg:
		f.unexpected(ev, wire.SubInOpenSent)
	default:
		f.trouble(ev)
	}
}

// openConfirm: "In this state, BGP waits for a KEEPALIVE or NOTIFICATION message."
func (f *FSM) openConfirm(ev *Event) {
	switch ev.Kind {
	case KeepAliveMsg:
		f.establish(ev.Conn)
	case KeepaliveTimerExpires:
		f.keepalive(ev.Conn)
	case NotifMsg:
		f.learnRefusal(ev.Notification)
		f.end(ev.Conn, received(ev.Notification))
	case BGPOpen, UpdateMsg, UpdateMsgErr, RouteRefreshMsg:
		f.unexpected(ev, wire.SubInOpenConfirm)
	default:
		f.trouble(ev)
	}
}

// established: "In the Established state, the BGP FSM can exchange UPDATE, NOTIFICATION, and KEEPALIVE messages with its
// peer." Each message but NOTIFICATION "restarts its HoldTimer, if the negotiated HoldTime value is non-zero".
func (f *FSM) established(ev *Event) {
	switch ev.Kind {
	case KeepAliveMsg:
		f.restartHold(ev.Conn)
	case UpdateMsg, RouteRefreshMsg:
		f.restartHold(ev.Conn)
		f.emit(Action{Do: Deliver, Conn: ev.Conn})
	case UpdateMsgErr:
		f.refuse(ev.Conn, ev.Err)
	case KeepaliveTimerExpires:
		f.keepalive(ev.Conn)
	case NotifMsg:
		f.end(ev.Conn, received(ev.Notification))
	case BGPOpen, BGPOpenMsgErr:
		f.unexpected(ev, wire.SubInEstablished)
	default:
		f.trouble(ev)
	}
}

// trouble is what ends a connection in the same way in all three states.
func (f *FSM) trouble(ev *Event) {
	switch ev.Kind {
	case HoldTimerExpires:
		f.refuse(ev.Conn, &wire.Error{Code: wire.CodeHoldTimer, Reason: "the neighbour was silent for the hold time"})
	case BGPHeaderErr, BGPOpenMsgErr:
		f.refuse(ev.Conn, ev.Err)
	case TCPConnectionFails:
		f.end(ev.Conn, failed(ev.Cause))
	case SendHoldTimerExpires:
		// The NOTIFICATION that RFC 9687 allows would never get through what the neighbour does not read.
		f.end(ev.Conn, failed(errSendHold))
	}
}

// unexpected answers a message that its state does not allow. The data is the message's type (RFC 6608 section 4).
func (f *FSM) unexpected(ev *Event, subcode uint8) {
	typ := messageType(ev.Kind)
	f.refuse(ev.Conn, &wire.Error{Code: wire.CodeFSM, Subcode: subcode, Data: []byte{typ},
		Reason: fmt.Sprintf("message of type %d in state %s", typ, f.conns[ev.Conn].state)})
}

func messageType(k EventKind) uint8 {
	switch k {
	case BGPOpen, BGPOpenMsgErr:
		return wire.TypeOpen
	case KeepAliveMsg:
		return wire.TypeKeepalive
	case RouteRefreshMsg:
		return wire.TypeRouteRefresh
	}
	return wire.TypeUpdate
}

// receiveOpen: without errors or a collision it "sends a KEEPALIVE message", "sets a KeepaliveTimer", "sets the HoldTimer
// according to the negotiated value", and "changes its state to OpenConfirm".
func (f *FSM) receiveOpen(ev *Event) {
	slot := ev.Conn
	agreed, err := f.cfg.negotiate(&f.conns[slot].open.Caps, ev.Open)
	if err != nil {
		f.refuse(slot, err)
		return
	}
	if err := f.collide(slot, agreed); err != nil {
		f.refuse(slot, err)
		return
	}
	c := &f.conns[slot]
	c.state, c.agreed = OpenConfirm, agreed
	f.emit(Action{Do: Agree, Conn: slot, Agreed: agreed})
	f.keepalive(slot)
	// With a hold time of zero the large value stays until Established, or a neighbour that stops here would be waited
	// for without end.
	f.restartHold(slot)
}

// collide settles what an acceptable OPEN on one connection means for the other (RFC 4271 section 6.8). Its error ends
// the connection on which the OPEN came.
func (f *FSM) collide(slot Slot, agreed *Negotiated) *wire.Error {
	other := 1 - slot
	switch o := &f.conns[other]; o.state {
	case Established:
		if f.restarted(o) {
			f.end(other, failed(errReplaced))
			return nil
		}
		// "a connection collision with an existing BGP connection that is in the Established state causes closing of
		// the newly created connection"
		return collision("the session is Established over another connection")
	case OpenConfirm:
		if f.keepsNew(f.conns[slot].ours, agreed) {
			f.refuse(other, collision("the connection of the dominant side is kept"))
			return nil
		}
		return collision("the connection of the dominant side is kept")
	case Connect:
		f.drop(other)
	}
	return nil
}

// restarted says whether a new session over an Established one means that the neighbour has restarted unnoticed: then
// "the previous TCP session MUST be closed, and the new one retained", and "no NOTIFICATION message should be sent"
// (RFC 4724 section 4.2). This waits for the neighbour's OPEN, since a mere TCP connection, such as a test of the port,
// proves nothing; and a connection that comes right after the other is the loser of a collision.
func (f *FSM) restarted(o *conn) bool {
	return o.agreed.KeepsRoutes() && f.now.Sub(f.upSince) >= settled
}

// keepsNew: of two connections the one stays that was initiated by the side with the higher BGP Identifier or, where
// these are equal, with the larger ASN (RFC 4271 section 6.8, RFC 6286 section 2.3).
func (f *FSM) keepsNew(newIsOurs bool, agreed *Negotiated) bool {
	ours, theirs := f.cfg.RouterID.As4(), agreed.PeerRouterID.As4()
	order := bytes.Compare(ours[:], theirs[:])
	weDominate := order > 0 || order == 0 && f.cfg.LocalASN > f.cfg.ASN
	return weDominate == newIsOurs
}

// establish: the KEEPALIVE has come. Whatever else is under way ends as a collision with an Established session.
func (f *FSM) establish(slot Slot) {
	f.refuse(1-slot, collision("the session is Established over another connection"))
	c := &f.conns[slot]
	c.state, f.upSince = Established, f.now
	if c.agreed.HoldTime == 0 {
		f.emit(Action{Do: StopTimer, Conn: slot, Timer: HoldTimer})
	}
	f.restartHold(slot)
	f.emit(Action{Do: Up, Conn: slot, Agreed: c.agreed})
}

// keepalive sends one, and the next after a third of the hold time: "A reasonable maximum time between KEEPALIVE
// messages would be one third of the Hold Time interval" (RFC 4271 section 4.4).
func (f *FSM) keepalive(slot Slot) {
	f.emit(Action{Do: SendKeepalive, Conn: slot})
	if hold := f.conns[slot].agreed.HoldTime; hold > 0 {
		f.emit(Action{Do: SetTimer, Conn: slot, Timer: KeepaliveTimer, After: hold / 3})
	}
}

func (f *FSM) restartHold(slot Slot) {
	if hold := f.conns[slot].agreed.HoldTime; hold > 0 {
		f.emit(Action{Do: SetTimer, Conn: slot, Timer: HoldTimer, After: hold})
	}
}

// refuse ends a connection with a NOTIFICATION; one that has not sent its OPEN has nothing to say, and is dropped.
func (f *FSM) refuse(slot Slot, err *wire.Error) {
	switch f.conns[slot].state {
	case Idle:
	case Connect:
		f.drop(slot)
	default:
		f.emit(Action{Do: SendNotification, Conn: slot, Err: err})
		f.end(slot, sent(err))
	}
}

// end closes a connection, and tells why.
func (f *FSM) end(slot Slot, r Reason) {
	c := f.conns[slot]
	f.drop(slot)
	if c.state != Established {
		f.emit(Action{Do: Fail, Conn: slot, Reason: &r})
		return
	}
	if f.now.Sub(f.upSince) >= settled {
		f.failures = 0
	}
	f.bare, f.without = false, nil // a neighbour that comes back may have learnt
	r.Graceful = r.graceful(c.agreed)
	f.emit(Action{Do: Down, Conn: slot, Reason: &r})
}

// drop closes a connection without a word.
func (f *FSM) drop(slot Slot) {
	f.conns[slot] = conn{}
	f.emit(Action{Do: Close, Conn: slot})
}
