package session

import (
	"time"

	"peervane/bgp/wire"
)

// State is a state of RFC 4271 section 8.2.2.
type State uint8

// The states. Of a single connection, Idle means that there is none, and it is never Active.
const (
	Idle State = iota
	Connect
	Active
	OpenSent
	OpenConfirm
	Established
)

func (s State) String() string {
	return [...]string{"Idle", "Connect", "Active", "OpenSent", "OpenConfirm", "Established"}[s]
}

// Slot names one of the two TCP connections that an FSM can have.
type Slot uint8

const numSlots = 2

// EventKind is an event, by its number in RFC 4271 section 8.1. What is missing there is: 3 to 7 and 12 to 15, 20
// and 23, which belong to options that we do not have, or which is judged before the FSM hears of it; 24, since there is
// no other version to fall back to, so that it is 25.
type EventKind uint8

// The events.
const (
	ManualStart              EventKind = 1
	ManualStop               EventKind = 2 // with Err, the Cease to send
	AutomaticStop            EventKind = 8 // with Err, and Idle
	ConnectRetryTimerExpires EventKind = 9
	HoldTimerExpires         EventKind = 10
	KeepaliveTimerExpires    EventKind = 11
	IdleHoldTimerExpires     EventKind = 13
	TCPConnectionAcked       EventKind = 16 // Tcp_CR_Acked: our own attempt has succeeded
	TCPConnectionConfirmed   EventKind = 17 // the neighbour has connected
	TCPConnectionFails       EventKind = 18 // with Cause
	BGPOpen                  EventKind = 19 // with Open
	BGPHeaderErr             EventKind = 21 // with Err
	BGPOpenMsgErr            EventKind = 22 // with Err
	NotifMsg                 EventKind = 25 // with Notification
	KeepAliveMsg             EventKind = 26
	UpdateMsg                EventKind = 27
	UpdateMsgErr             EventKind = 28  // with Err; of a ROUTE-REFRESH too
	SendHoldTimerExpires     EventKind = 29  // RFC 9687
	RouteRefreshMsg          EventKind = 100 // RFC 2918, which gives it no number
)

// Event is something that happened.
type Event struct {
	Kind         EventKind
	Conn         Slot      // the connection that it concerns; events of one that is closed are ignored
	At           time.Time // of a message, when its last byte was read
	Open         *wire.Open
	Err          *wire.Error
	Notification wire.Notification
	Cause        error
	Idle         time.Duration // AutomaticStop: refuse the neighbour for so long; 0 = begin again at once
}

// Do is what an Action does.
type Do uint8

// The actions.
const (
	Dial             Do = iota + 1 // open a TCP connection: TCPConnectionAcked or TCPConnectionFails tells how it went
	Accept                         // the connection of this TCPConnectionConfirmed is Conn from now on
	Refuse                         // close the connection of this TCPConnectionConfirmed, silently
	Close                          // close Conn, or give up dialling it, and end its timers; what was sent goes out before
	SendOpen                       // Open
	SendKeepalive                  //
	SendNotification               // Err; a Close of Conn always follows
	SetTimer                       // Timer (of Conn, unless it is the neighbour's) expires After the event's time
	StopTimer                      // Timer
	Agree                          // the OPEN was accepted: Agreed
	Up                             // Conn is Established: Agreed
	Down                           // Conn was Established: Reason
	Fail                           // an attempt ended short of Established: Reason
	Deliver                        // the message is one for the Handler
)

func (d Do) String() string {
	return [...]string{"", "Dial", "Accept", "Refuse", "Close", "SendOpen", "SendKeepalive", "SendNotification",
		"SetTimer", "StopTimer", "Agree", "Up", "Down", "Fail", "Deliver"}[d]
}

// Timer is one of the timers of RFC 4271 section 8.
type Timer uint8

// The timers. The first two are the neighbour's, the others a connection's.
const (
	ConnectRetryTimer Timer = iota
	IdleHoldTimer
	HoldTimer
	KeepaliveTimer
)

func (t Timer) String() string {
	return [...]string{"ConnectRetryTimer", "IdleHoldTimer", "HoldTimer", "KeepaliveTimer"}[t]
}

// Action is what the caller of Step has to do. The order of actions counts.
type Action struct {
	Do     Do
	Conn   Slot
	Timer  Timer
	After  time.Duration
	Open   *wire.Open
	Err    *wire.Error
	Agreed *Negotiated
	Reason *Reason
}
