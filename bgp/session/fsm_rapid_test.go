package session

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"peervane/bgp"
	"peervane/bgp/wire"
)

// world does what an FSM says, as Session would, and holds it to what must be true in any world.
type world struct {
	t       *rapid.T
	fsm     *FSM
	cfg     Config
	now     time.Time
	dialing [numSlots]bool
	open    [numSlots]bool // a TCP connection
	hushed  [numSlots]bool // a NOTIFICATION was sent: nothing may follow but Close
	hold    [numSlots]bool
	keep    [numSlots]bool
	retry   bool
	idle    bool
	up      int // the Established connection, or -1
}

func (w *world) step(ev Event) {
	ev.At = w.now
	before := w.fsm.State()
	for _, a := range w.fsm.Step(ev) {
		if before == Idle && ev.Kind != ManualStart && ev.Kind != IdleHoldTimerExpires && a.Do != Refuse && a.Do != StopTimer {
			w.t.Fatalf("%s in Idle, on event %d", show(a), ev.Kind)
		}
		w.do(a)
	}
	w.check()
}

func (w *world) do(a Action) {
	c := a.Conn
	switch a.Do {
	case Dial:
		w.mustBeFree(a)
		w.dialing[c] = true
	case Accept:
		w.mustBeFree(a)
		w.open[c] = true
	case Close:
		if !w.open[c] && !w.dialing[c] {
			w.t.Fatalf("%s of nothing", show(a))
		}
		w.open[c], w.dialing[c], w.hushed[c], w.hold[c], w.keep[c] = false, false, false, false, false
	case SendOpen, SendKeepalive, SendNotification:
		if !w.open[c] || w.hushed[c] {
			w.t.Fatalf("%s without a connection, or after a NOTIFICATION", show(a))
		}
		w.hushed[c] = a.Do == SendNotification
	case SetTimer, StopTimer:
		if a.Do == SetTimer && a.After <= 0 {
			w.t.Fatalf("%s: a timer of no time", show(a))
		}
		*w.timer(a) = a.Do == SetTimer
	case Up:
		if w.up >= 0 {
			w.t.Fatalf("%s while another is Established", show(a))
		}
		w.up = int(c)
	case Down:
		if w.up != int(c) {
			w.t.Fatalf("%s, which is not up", show(a))
		}
		w.up = -1
	case Deliver:
		if w.up != int(c) {
			w.t.Fatalf("%s before Established", show(a))
		}
	}
}

func (w *world) mustBeFree(a Action) {
	if w.open[a.Conn] || w.dialing[a.Conn] {
		w.t.Fatalf("%s over another connection", show(a))
	}
}

func (w *world) timer(a Action) *bool {
	switch a.Timer {
	case ConnectRetryTimer:
		return &w.retry
	case IdleHoldTimer:
		return &w.idle
	case HoldTimer:
		return &w.hold[a.Conn]
	}
	return &w.keep[a.Conn]
}

// check compares the world with the FSM, and the timers with the states.
func (w *world) check() {
	f := w.fsm
	wantRetry := f.running && !w.cfg.Passive
	established := 0
	for i, c := range f.conns {
		zero := c.agreed != nil && c.agreed.HoldTime == 0
		wantHold := c.state == OpenSent || c.state == OpenConfirm || c.state == Established && !zero
		wantKeep := c.state >= OpenConfirm && !zero
		switch {
		case w.hushed[i]:
			w.t.Fatalf("connection %d is open after a NOTIFICATION", i)
		case w.dialing[i] != (c.state == Connect), w.open[i] != (c.state >= OpenSent):
			w.t.Fatalf("connection %d: state %s, dialling %v, open %v", i, c.state, w.dialing[i], w.open[i])
		case w.hold[i] != wantHold, w.keep[i] != wantKeep:
			w.t.Fatalf("connection %d: state %s, hold timer %v, keepalive timer %v", i, c.state, w.hold[i], w.keep[i])
		}
		if c.state == Established {
			established++
		}
		wantRetry = wantRetry && c.state < OpenConfirm && !(c.ours && c.state == OpenSent)
	}
	switch {
	case established > 1 || (established == 1) != (w.up >= 0):
		w.t.Fatalf("%d connections are Established, %d is up", established, w.up)
	case w.retry != wantRetry:
		w.t.Fatalf("ConnectRetryTimer %v in %s", w.retry, f.State())
	case f.State() == Idle && (w.open != [numSlots]bool{} || w.dialing != [numSlots]bool{}):
		w.t.Fatal("a connection in Idle")
	case w.idle && f.State() != Idle:
		w.t.Fatalf("IdleHoldTimer in %s", f.State())
	}
}

// forward brings a connection one state further.
func (w *world) forward(slot Slot) {
	switch w.fsm.conns[slot].state {
	case Connect:
		w.dialing[slot], w.open[slot] = false, true
		w.step(on(slot, event(TCPConnectionAcked)))
	case OpenSent:
		w.step(Event{Kind: BGPOpen, Conn: slot, Open: restartable(true)})
	case OpenConfirm:
		w.step(on(slot, event(KeepAliveMsg)))
	}
}

func drawOpen(t *rapid.T) *wire.Open {
	o := testOpen()
	o.ASN = rapid.SampledFrom([]uint32{64500, 64500, 64500, 64501}).Draw(t, "asn")
	o.RouterID[3] = rapid.Byte().Draw(t, "router id")
	o.HoldTime = rapid.SampledFrom([]uint16{0, 1, 3, 90}).Draw(t, "hold time")
	if rapid.Bool().Draw(t, "graceful restart") {
		o.Caps.GR = &wire.GracefulRestart{N: rapid.Bool().Draw(t, "n")}
		o.Caps.GR.Families[bgp.IPv4].Listed = rapid.Bool().Draw(t, "listed")
	}
	return o
}

func drawNotification(t *rapid.T) wire.Notification {
	return rapid.SampledFrom([]wire.Notification{
		{Code: wire.CodeCease, Subcode: wire.SubAdminShutdown},
		{Code: wire.CodeOpen, Subcode: wire.SubUnsupportedParameter},
		{Code: wire.CodeOpen, Subcode: wire.SubUnsupportedCapability, Data: []byte{wire.CapRole, 0}},
		{},
	}).Draw(t, "notification")
}

// Any events in any order, stale ones included.
func TestAnyHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := testConfig()
		cfg.Passive = rapid.Bool().Draw(t, "passive")
		cfg.RouterID = netip.AddrFrom4([4]byte{10, 0, 0, rapid.Byte().Draw(t, "our id")})
		if cfg.RouterID.As4()[3] == 0 {
			cfg.RouterID = netip.MustParseAddr("10.0.0.1")
		}
		w := &world{t: t, cfg: cfg, now: t0, up: -1}
		w.fsm = NewFSM(&w.cfg, func() float64 { return 0 })
		steps := map[string]func(*rapid.T){}
		add := func(name string, f func(t *rapid.T, slot Slot)) {
			steps[name] = func(t *rapid.T) { f(t, Slot(rapid.IntRange(0, 1).Draw(t, "slot"))) }
		}
		plain := func(name string, k EventKind) {
			add(name, func(_ *rapid.T, slot Slot) { w.step(on(slot, event(k))) })
		}
		for name, ev := range allEvents {
			switch ev.Kind {
			case ConnectRetryTimerExpires, IdleHoldTimerExpires, HoldTimerExpires, KeepaliveTimerExpires,
				TCPConnectionAcked, BGPOpen, NotifMsg, ManualStart, ManualStop, AutomaticStop:
			default:
				plain(name, ev.Kind)
			}
		}
		// A timer fires only while it runs, and has then run out.
		fire := func(name string, k EventKind, running func(Slot) *bool) {
			add(name, func(_ *rapid.T, slot Slot) {
				if r := running(slot); *r {
					*r = false
					w.step(Event{Kind: k, Conn: slot})
				}
			})
		}
		fire("retry", ConnectRetryTimerExpires, func(Slot) *bool { return &w.retry })
		fire("idle end", IdleHoldTimerExpires, func(Slot) *bool { return &w.idle })
		fire("hold", HoldTimerExpires, func(s Slot) *bool { return &w.hold[s] })
		fire("keepalive", KeepaliveTimerExpires, func(s Slot) *bool { return &w.keep[s] })
		add("dial failed", func(_ *rapid.T, slot Slot) {
			w.step(Event{Kind: TCPConnectionFails, Conn: slot, Cause: errors.New("unreachable")})
		})
		add("open", func(t *rapid.T, slot Slot) { w.step(Event{Kind: BGPOpen, Conn: slot, Open: drawOpen(t)}) })
		for _, name := range []string{"forward", "forward too"} { // so that histories get somewhere
			add(name, func(_ *rapid.T, slot Slot) { w.forward(slot) })
		}
		add("notification", func(t *rapid.T, slot Slot) {
			w.step(Event{Kind: NotifMsg, Conn: slot, Notification: drawNotification(t)})
		})
		plain("start", ManualStart)
		plain("start again", ManualStart)
		add("stop", func(t *rapid.T, _ Slot) {
			ev := event(rapid.SampledFrom([]EventKind{ManualStop, AutomaticStop}).Draw(t, "kind"))
			ev.Idle = time.Duration(rapid.IntRange(0, 1).Draw(t, "idle")) * time.Minute
			w.step(ev)
		})
		steps["time"] = func(t *rapid.T) { w.now = w.now.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "s")) * time.Second) }
		t.Repeat(steps)
	})
}
