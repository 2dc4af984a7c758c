package session

import (
	"slices"
	"time"

	"peervane/bgp/wire"
)

const (
	// openHoldTime is the HoldTimer until an OPEN has come: "A HoldTimer value of 4 minutes is suggested" (RFC 4271
	// section 8.2.2, Connect).
	openHoldTime = 4 * time.Minute

	// retryFirst is the first pause before our own next attempt; each failure doubles it, up to ConnectRetry.
	retryFirst = time.Second

	// settled is how long a session must have been Established to count as sound. One that ended sooner keeps the
	// back-off growing, and a second connection that comes sooner is a collision and no restart.
	settled = 5 * time.Second
)

// FSM is the state machine of RFC 4271 section 8 for one neighbour and both directions. It is pure and belongs to one
// goroutine; make it with NewFSM.
//
// A neighbour has up to two TCP connections, each with a state of its own: at most one is Established, at most one of
// the others is ours, and at most one the neighbour's. The neighbour as a whole is in the furthest state of any. Where
// RFC 4271 goes to Idle after an error, and starts again by itself after a while (AutomaticStart), here the neighbour
// goes to Active at once: the pause holds back our own next attempt and nothing else, so that the neighbour's own
// connection is always welcome. Idle means that we do not want the session.
type FSM struct {
	cfg    *Config
	jitter func() float64 // in [0, 1)

	running  bool // started, and neither stopped nor held idle
	idleHold bool // IdleHoldTimer runs
	retry    bool // ConnectRetryTimer runs
	failures int  // since a session settled
	conns    [numSlots]conn
	upSince  time.Time // of the Established connection

	bare    bool    // the neighbour takes no capabilities at all
	without []uint8 // capabilities that the neighbour does not take

	now time.Time
	out []Action
}

// conn is one TCP connection.
type conn struct {
	state  State
	ours   bool        // we dialled it
	open   *wire.Open  // what we sent
	agreed *Negotiated // from OpenConfirm on
}

// NewFSM gives a machine in Idle. jitter gives numbers in [0, 1).
func NewFSM(cfg *Config, jitter func() float64) *FSM { return &FSM{cfg: cfg, jitter: jitter} }

// State is the furthest that any connection has come; without any it is Active while the neighbour is wanted.
func (f *FSM) State() State {
	state := Idle
	if f.running {
		state = Active
	}
	for i := range f.conns {
		if s := f.conns[i].state; s == Connect && state <= Active {
			state = Connect
		} else if s > state {
			state = s
		}
	}
	return state
}

// Step takes an event and gives what is to be done, in order. The slice is valid until the next Step.
func (f *FSM) Step(ev Event) []Action {
	f.now, f.out = ev.At, f.out[:0]
	switch ev.Kind {
	case ManualStart:
		f.start()
	case IdleHoldTimerExpires:
		if f.idleHold {
			f.idleHold = false
			f.start()
		}
	case ManualStop, AutomaticStop:
		f.stop(ev)
	case ConnectRetryTimerExpires:
		f.connectRetry()
	case TCPConnectionConfirmed:
		f.accept()
	default:
		f.stepConn(&ev)
	}
	f.armConnectRetry()
	return f.out
}

// start: in Idle it "initiates a TCP connection to the other BGP peer" and "listens for a connection that may be
// initiated by the remote BGP peer"; when passive, the latter alone. Elsewhere "the start events ... are ignored"
// (RFC 4271 section 8.2.2).
func (f *FSM) start() {
	if f.running {
		return
	}
	if f.idleHold {
		f.stopTimer(IdleHoldTimer, &f.idleHold)
	}
	f.running, f.failures, f.bare, f.without = true, 0, false, nil
	if !f.cfg.Passive {
		f.dial()
	}
}

// stop: "sends the NOTIFICATION with a Cease", "drops the TCP connection", "changes its state to Idle" (RFC 4271 section
// 8.2.2). After an AutomaticStop it comes back by itself: when the IdleHoldTimer expires, or at once, into Active.
func (f *FSM) stop(ev Event) {
	if ev.Kind == ManualStop && f.idleHold {
		f.stopTimer(IdleHoldTimer, &f.idleHold)
	}
	if !f.running {
		return
	}
	f.running = ev.Kind == AutomaticStop && ev.Idle == 0
	for slot := range f.conns {
		f.refuse(Slot(slot), ev.Err)
	}
	if ev.Kind == AutomaticStop && ev.Idle > 0 {
		f.idleHold = true
		f.emit(Action{Do: SetTimer, Timer: IdleHoldTimer, After: ev.Idle})
	}
}

// connectRetry: in Connect it "drops the TCP connection", there and in Active it "restarts the ConnectRetryTimer" and
// "initiates a TCP connection to the other BGP peer" (RFC 4271 section 8.2.2).
func (f *FSM) connectRetry() {
	if !f.retry {
		return
	}
	f.retry = false
	for slot := range f.conns {
		if f.conns[slot].state == Connect {
			f.end(Slot(slot), failed(errConnectTimeout))
		}
	}
	f.dial()
}

// armConnectRetry keeps the ConnectRetryTimer to its rule, after every event: it runs while we want a session of
// our own making and nothing is under way that might become one. A connection of the neighbour counts once its OPEN has
// come, so that a stray one cannot keep us from dialling. In Connect it bounds the attempt; dial has set it.
func (f *FSM) armConnectRetry() {
	want := f.running && !f.cfg.Passive
	for i := range f.conns {
		c := &f.conns[i]
		want = want && c.state < OpenConfirm && !(c.ours && c.state == OpenSent)
	}
	switch {
	case want && !f.retry:
		f.retry = true
		f.emit(Action{Do: SetTimer, Timer: ConnectRetryTimer, After: f.backOff()})
	case !want && f.retry:
		f.stopTimer(ConnectRetryTimer, &f.retry)
	}
}

// backOff is the pause before our own next attempt, longer each time, with jitter: "a random factor, which is uniformly
// distributed in the range from 0.75 to 1.0" (RFC 4271 section 10).
func (f *FSM) backOff() time.Duration {
	pause := min(retryFirst<<min(f.failures, 16), f.cfg.connectRetry())
	f.failures++
	return time.Duration(float64(pause) * (0.75 + f.jitter()/4))
}

func (f *FSM) dial() {
	slot := f.freeSlot()
	f.conns[slot] = conn{state: Connect, ours: true}
	f.retry = true
	f.emit(Action{Do: Dial, Conn: slot})
	f.emit(Action{Do: SetTimer, Timer: ConnectRetryTimer, After: f.cfg.connectRetry()})
}

// accept takes the neighbour's connection, whatever else is under way: "the second connection SHALL be tracked until it
// sends an OPEN message" (RFC 4271 section 8.2.2, Established). In Idle it "refuses all incoming BGP connections". The
// neighbour's newest connection takes the place of an older one that is not Established: it has given that up.
func (f *FSM) accept() {
	if !f.running {
		f.emit(Action{Do: Refuse})
		return
	}
	for slot := range f.conns {
		if c := &f.conns[slot]; !c.ours && c.state != Established {
			f.refuse(Slot(slot), collision("the neighbour has opened another connection"))
		}
	}
	slot := f.freeSlot()
	f.emit(Action{Do: Accept, Conn: slot})
	f.open(slot)
}

// freeSlot finds one: dial and accept are called only when at most one connection is left.
func (f *FSM) freeSlot() Slot {
	if f.conns[0].state == Idle {
		return 0
	}
	return 1
}

// offer is what our next OPEN advertises: everything, less what the neighbour has refused.
func (f *FSM) offer() wire.Capabilities {
	if f.bare {
		return wire.Capabilities{}
	}
	caps := f.cfg.capabilities()
	for _, code := range f.without {
		caps = caps.Without(code)
	}
	return caps
}

// learnRefusal remembers what to leave out after a NOTIFICATION against our OPEN: the capabilities that an Unsupported
// Capability names, or, for an older neighbour, "without sending to the peer the Capabilities Optional Parameter"
// (RFC 5492 sections 3 and 5). Multiprotocol stays where routes could not be had without it.
func (f *FSM) learnRefusal(n wire.Notification) {
	if n.Code != wire.CodeOpen {
		return
	}
	switch n.Subcode {
	case wire.SubUnsupportedParameter:
		f.bare = true
	case wire.SubUnsupportedCapability:
		for _, code := range n.UnsupportedCapabilities() {
			if code == wire.CapMultiprotocol && f.cfg.needsMultiprotocol() {
				continue
			}
			if !slices.Contains(f.without, code) {
				f.without = append(f.without, code)
			}
		}
	}
}

func (f *FSM) stopTimer(t Timer, running *bool) {
	*running = false
	f.emit(Action{Do: StopTimer, Timer: t})
}

func (f *FSM) emit(a Action) { f.out = append(f.out, a) }

func collision(reason string) *wire.Error {
	return &wire.Error{Code: wire.CodeCease, Subcode: wire.SubConnectionCollision, Reason: reason}
}
