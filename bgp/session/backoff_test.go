package session

import (
	"testing"
	"time"

	"peervane/bgp/wire"
)

// retryAfter fails an attempt, and gives the pause that follows.
func retryAfter(t *testing.T, m *machine) time.Duration {
	t.Helper()
	m.at = m.at.Add(time.Hour)
	for _, a := range m.Step(Event{Kind: TCPConnectionFails, At: m.at, Cause: errClosed}) {
		if a.Do == SetTimer && a.Timer == ConnectRetryTimer {
			return a.After
		}
	}
	t.Fatal("no retry after a failure")
	return 0
}

func TestBackOff(t *testing.T) {
	cfg := testConfig()
	cfg.ConnectRetry = 10 * time.Second
	m := &machine{NewFSM(&cfg, func() float64 { return 0.5 }), t0}
	m.step(event(ManualStart))
	for i, want := range []time.Duration{1, 2, 4, 8, 10, 10, 10} {
		if got := retryAfter(t, m); got != want*time.Second*7/8 {
			t.Errorf("pause %d: %s, not %s", i, got, want*time.Second*7/8)
		}
		m.step(event(ConnectRetryTimerExpires))
	}
	t.Run("an incoming connection is taken at once", func(t *testing.T) {
		m.step(event(TCPConnectionFails))
		if m.step(event(TCPConnectionConfirmed)); m.State() != OpenSent {
			t.Errorf("state %s", m.State())
		}
	})
}

func TestBackOffEndsWhenSettled(t *testing.T) {
	for _, tc := range []struct {
		lived time.Duration
		want  time.Duration
	}{{settled, time.Second}, {settled - 1, 4 * time.Second}} {
		m := newMachine(testConfig())
		m.step(event(ManualStart))
		for range 2 {
			m.step(event(TCPConnectionFails))
			m.step(event(ConnectRetryTimerExpires))
		}
		for _, ev := range ways["Established"][1:] {
			m.step(ev)
		}
		m.at = m.at.Add(tc.lived)
		got := m.step(event(TCPConnectionFails))
		if want := "Close#0, Down#0, ConnectRetryTimer=" + tc.want.String(); got != want {
			t.Errorf("after %s: got %s, want %s", tc.lived, got, want)
		}
	}
}

// refusal goes to OpenSent, has our OPEN refused, and gives what the next one offers.
func refusal(m *machine, n wire.Notification) wire.Capabilities {
	m.step(event(ManualStart))
	m.step(event(TCPConnectionAcked))
	m.step(Event{Kind: NotifMsg, Notification: n})
	return reoffer(m)
}

func reoffer(m *machine) wire.Capabilities {
	m.step(event(ConnectRetryTimerExpires))
	for _, a := range m.Step(Event{Kind: TCPConnectionAcked, At: m.at}) {
		if a.Do == SendOpen {
			return a.Open.Caps
		}
	}
	return wire.Capabilities{}
}

func TestRefusedCapabilities(t *testing.T) {
	t.Run("2/7 names some", func(t *testing.T) {
		m := newMachine(testConfig())
		caps := refusal(m, wire.Notification{Code: wire.CodeOpen, Subcode: wire.SubUnsupportedCapability,
			Data: []byte{wire.CapRole, 1, 3, wire.CapExtendedMessage, 0}})
		if caps.Role != nil || caps.Extended {
			t.Errorf("offers again what was refused: %+v", caps)
		}
		if !caps.HasMP || !caps.AS4 || caps.GR == nil || !caps.RouteRefresh {
			t.Errorf("leaves out what was not refused: %+v", caps)
		}
	})
	t.Run("2/4 takes none", func(t *testing.T) {
		caps := refusal(newMachine(testConfig()), wire.Notification{Code: wire.CodeOpen, Subcode: wire.SubUnsupportedParameter})
		if caps.HasMP || caps.AS4 || caps.GR != nil || caps.RouteRefresh || caps.Role != nil {
			t.Errorf("offers %+v", caps)
		}
	})
	t.Run("IPv6 alone is nothing without Multiprotocol", func(t *testing.T) {
		cfg := testConfig()
		cfg.Families = cfg.Families[1:]
		caps := refusal(newMachine(cfg), wire.Notification{Code: wire.CodeOpen, Subcode: wire.SubUnsupportedCapability,
			Data: []byte{wire.CapMultiprotocol, 4, 0, 2, 0, 1}})
		if !caps.HasMP {
			t.Error("Multiprotocol was left out")
		}
	})
	t.Run("any other NOTIFICATION", func(t *testing.T) {
		caps := refusal(newMachine(testConfig()), wire.Notification{Code: wire.CodeCease, Subcode: 7, Data: []byte{wire.CapRole, 0}})
		if caps.Role == nil {
			t.Error("Role was left out")
		}
	})
	t.Run("a session forgets", func(t *testing.T) {
		m := newMachine(testConfig())
		refusal(m, wire.Notification{Code: wire.CodeOpen, Subcode: wire.SubUnsupportedParameter})
		o := testOpen()
		m.step(Event{Kind: BGPOpen, Open: o})
		m.step(event(KeepAliveMsg))
		if m.State() != Established {
			t.Fatalf("state %s", m.State())
		}
		m.step(event(TCPConnectionFails))
		if !reoffer(m).HasMP {
			t.Error("what was refused before the last session is left out for ever")
		}
	})
}
