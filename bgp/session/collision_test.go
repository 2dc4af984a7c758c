package session

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"peervane/bgp"
	"peervane/bgp/wire"
)

// sprintSlot fills a format's %d with slots, the last for all that are left.
func sprintSlot(format string, slots ...Slot) string {
	var args []any
	for i := range strings.Count(format, "%d") {
		args = append(args, slots[min(i, len(slots)-1)])
	}
	return fmt.Sprintf(format, args...)
}

func on(slot Slot, ev Event) Event {
	ev.Conn = slot
	return ev
}

// Both sides have connected; connection 0 is ours, 1 the neighbour's. First the OPEN of one comes, then of the other.
func TestCollision(t *testing.T) {
	const (
		keepFirst  = "NOTIFICATION#%d 6/7, Close#%d, Fail#%d"
		keepSecond = "NOTIFICATION#%d 6/7, Close#%d, Fail#%d, Agree#%d, SendKeepalive#%d, KeepaliveTimer#%d=10s, HoldTimer#%d=30s"
	)
	ours, theirs := Slot(0), Slot(1)
	for _, tc := range []struct {
		name     string
		routerID string // ours; the neighbour has 10.0.0.1 and AS64500
		localASN uint32
		first    Slot // whose OPEN comes first
		kept     Slot
	}{
		{"our identifier is higher, ours first", "10.0.0.2", 64512, ours, ours},
		{"our identifier is higher, theirs first", "10.0.0.2", 64512, theirs, ours},
		{"our identifier is lower, ours first", "9.255.255.255", 64512, ours, theirs},
		{"our identifier is lower, theirs first", "9.255.255.255", 64512, theirs, theirs},
		{"identifiers are compared as numbers", "192.0.0.1", 64512, theirs, ours},
		{"equal identifiers, our ASN is larger", "10.0.0.1", 64512, theirs, ours},
		{"equal identifiers, our ASN is smaller", "10.0.0.1", 64499, ours, theirs},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := testConfig()
			cfg.RouterID, cfg.LocalASN = netip.MustParseAddr(tc.routerID), tc.localASN
			m := newMachine(cfg)
			m.step(event(ManualStart))
			m.step(on(ours, event(TCPConnectionAcked)))
			m.step(event(TCPConnectionConfirmed))
			m.step(on(tc.first, event(BGPOpen)))
			second := 1 - tc.first
			got := m.step(on(second, event(BGPOpen)))
			lost := 1 - tc.kept
			want := sprintSlot(keepFirst, lost)
			if tc.kept == second {
				want = sprintSlot(keepSecond, lost, lost, lost, second)
			}
			if got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if got := m.step(on(tc.kept, event(KeepAliveMsg))); m.State() != Established {
				t.Errorf("the connection that was kept does not come up: %s", got)
			}
		})
	}
}

// The neighbour's OPEN on its own connection ends an attempt of ours that has not connected yet.
func TestOpenEndsOurAttempt(t *testing.T) {
	m := newMachine(testConfig())
	m.step(event(ManualStart))
	m.step(event(TCPConnectionConfirmed))
	got := m.step(on(1, event(BGPOpen)))
	want := "Close#0, Agree#1, SendKeepalive#1, KeepaliveTimer#1=10s, HoldTimer#1=30s, stop ConnectRetryTimer"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// One connection is Established before the other has an OPEN: the other is the newly created one.
func TestEstablishedEndsOthers(t *testing.T) {
	m := newMachine(testConfig())
	m.step(event(ManualStart))
	m.step(on(0, event(TCPConnectionAcked)))
	m.step(event(TCPConnectionConfirmed))
	m.step(on(0, event(BGPOpen)))
	got := m.step(on(0, event(KeepAliveMsg)))
	want := "NOTIFICATION#1 6/7, Close#1, Fail#1, HoldTimer#0=30s, Up#0"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func restartable(listed bool) *wire.Open {
	o := testOpen()
	o.Caps.GR = &wire.GracefulRestart{Time: 120}
	o.Caps.GR.Families[bgp.IPv4] = wire.GracefulFamily{Listed: listed, Forwarding: listed}
	return o
}

// A new session of a neighbour whose old one is Established (RFC 4724 section 4.2, RFC 4271 section 6.8).
func TestReturnOverEstablished(t *testing.T) {
	for _, tc := range []struct {
		name   string
		open   *wire.Open // of the old session
		helper bool
		after  time.Duration
		again  *wire.Open // of the new one
		want   string
	}{
		{"restarted", restartable(true), true, time.Minute, restartable(true),
			"Close#0, Down#0, Agree#1, SendKeepalive#1, KeepaliveTimer#1=10s, HoldTimer#1=30s"},
		{"right after the other: a collision", restartable(true), true, time.Second, restartable(true), "NOTIFICATION#1 6/7, Close#1, Fail#1"},
		{"no graceful restart", testOpen(), true, time.Minute, testOpen(), "NOTIFICATION#1 6/7, Close#1, Fail#1"},
		{"graceful restart without families", restartable(false), true, time.Minute, restartable(true), "NOTIFICATION#1 6/7, Close#1, Fail#1"},
		{"graceful restart is off here", restartable(true), false, time.Minute, restartable(true), "NOTIFICATION#1 6/7, Close#1, Fail#1"},
		{"the new OPEN is bad", restartable(true), true, time.Minute, &wire.Open{ASN: 1, RouterID: [4]byte{1}}, "NOTIFICATION#1 2/2, Close#1, Fail#1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := testConfig()
			cfg.GracefulRestart = tc.helper
			m := newMachine(cfg)
			m.step(event(ManualStart))
			m.step(event(TCPConnectionAcked))
			m.step(Event{Kind: BGPOpen, Open: tc.open})
			m.step(event(KeepAliveMsg))
			m.at = m.at.Add(tc.after)
			m.step(event(TCPConnectionConfirmed))
			if m.State() != Established {
				t.Fatal("a mere connection must change nothing")
			}
			if got := m.step(Event{Kind: BGPOpen, Conn: 1, Open: tc.again}); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

// The old connection is lost while the new one waits for its OPEN: the new one goes on, and we do not dial beside it
// once the OPEN has come.
func TestLossWhileReturning(t *testing.T) {
	m := newMachine(testConfig())
	for _, ev := range ways["Established"] {
		m.step(ev)
	}
	m.at = m.at.Add(time.Minute)
	m.step(event(TCPConnectionConfirmed))
	if got, want := m.step(event(TCPConnectionFails)), "Close#0, Down#0, ConnectRetryTimer=1s"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	m.step(on(1, event(BGPOpen)))
	m.step(on(1, event(KeepAliveMsg)))
	if m.State() != Established {
		t.Errorf("state %s", m.State())
	}
}
