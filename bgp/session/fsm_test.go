package session

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"peervane/bgp"
	"peervane/bgp/wire"
)

var t0 = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// testConfig is an external neighbour with a lower identifier than ours.
func testConfig() Config {
	return Config{
		Name: "r1", Addr: netip.MustParseAddr("192.0.2.1"), LocalASN: 64512, ASN: 64500,
		RouterID: netip.MustParseAddr("10.0.0.2"), Relationship: bgp.Provider,
		HoldTime: 90 * time.Second, ConnectRetry: 30 * time.Second,
		Families: []bgp.Family{bgp.IPv4, bgp.IPv6}, AddPath: true, GracefulRestart: true,
	}
}

// testOpen is an OPEN that testConfig accepts.
func testOpen() *wire.Open {
	return &wire.Open{
		Version: 4, ASN: 64500, HoldTime: 30, RouterID: [4]byte{10, 0, 0, 1},
		Caps: wire.Capabilities{
			HasMP: true, Families: [bgp.NumFamilies]bool{true, true}, AS4: true, ASN4: 64500, RouteRefresh: true,
		},
	}
}

// machine is an FSM under test, with a clock that stands still unless it is moved.
type machine struct {
	*FSM
	at time.Time
}

func newMachine(cfg Config) *machine {
	return &machine{NewFSM(&cfg, func() float64 { return 1 }), t0}
}

func (m *machine) step(ev Event) string {
	ev.At = m.at
	var out []string
	for _, a := range m.Step(ev) {
		out = append(out, show(a))
	}
	return strings.Join(out, ", ")
}

func show(a Action) string {
	switch a.Do {
	case Refuse:
		return "Refuse"
	case SetTimer:
		if a.Timer == ConnectRetryTimer || a.Timer == IdleHoldTimer {
			return fmt.Sprintf("%s=%s", a.Timer, a.After)
		}
		return fmt.Sprintf("%s#%d=%s", a.Timer, a.Conn, a.After)
	case StopTimer:
		if a.Timer == ConnectRetryTimer || a.Timer == IdleHoldTimer {
			return fmt.Sprintf("stop %s", a.Timer)
		}
		return fmt.Sprintf("stop %s#%d", a.Timer, a.Conn)
	case SendNotification:
		return fmt.Sprintf("NOTIFICATION#%d %d/%d", a.Conn, a.Err.Code, a.Err.Subcode)
	}
	return fmt.Sprintf("%s#%d", a.Do, a.Conn)
}

// event makes one of a kind, with everything that it needs, for connection 0.
func event(k EventKind) Event {
	ev := Event{Kind: k}
	switch k {
	case ManualStop, AutomaticStop:
		ev.Err = &wire.Error{Code: wire.CodeCease, Subcode: wire.SubAdminShutdown}
	case TCPConnectionFails:
		ev.Cause = errors.New("connection refused")
	case BGPOpen:
		ev.Open = testOpen()
	case BGPHeaderErr:
		ev.Err = &wire.Error{Code: wire.CodeHeader, Subcode: wire.SubNotSynchronized}
	case BGPOpenMsgErr:
		ev.Err = &wire.Error{Code: wire.CodeOpen, Subcode: wire.SubBadVersion}
	case UpdateMsgErr:
		ev.Err = &wire.Error{Code: wire.CodeUpdate, Subcode: wire.SubMalformedAttributes}
	case NotifMsg:
		ev.Notification = wire.Notification{Code: wire.CodeCease, Subcode: wire.SubAdminReset}
	}
	return ev
}

var allEvents = map[string]Event{
	"ManualStart": event(ManualStart), "ManualStop": event(ManualStop), "AutomaticStop": event(AutomaticStop),
	"AutomaticStop idle":       {Kind: AutomaticStop, Idle: time.Minute, Err: event(AutomaticStop).Err},
	"ConnectRetryTimerExpires": event(ConnectRetryTimerExpires), "HoldTimerExpires": event(HoldTimerExpires),
	"KeepaliveTimerExpires": event(KeepaliveTimerExpires), "IdleHoldTimerExpires": event(IdleHoldTimerExpires),
	"TCPConnectionAcked": event(TCPConnectionAcked), "TCPConnectionConfirmed": event(TCPConnectionConfirmed),
	"TCPConnectionFails": event(TCPConnectionFails), "BGPOpen": event(BGPOpen), "BGPHeaderErr": event(BGPHeaderErr),
	"BGPOpenMsgErr": event(BGPOpenMsgErr), "NotifMsg": event(NotifMsg), "KeepAliveMsg": event(KeepAliveMsg),
	"UpdateMsg": event(UpdateMsg), "UpdateMsgErr": event(UpdateMsgErr), "SendHoldTimerExpires": event(SendHoldTimerExpires),
	"RouteRefreshMsg": event(RouteRefreshMsg),
}

// ways lead to each state, with a single connection, 0.
var ways = map[string][]Event{
	"Idle":              nil,
	"Idle, held":        {event(ManualStart), {Kind: AutomaticStop, Idle: time.Minute, Err: event(AutomaticStop).Err}},
	"Connect":           {event(ManualStart)},
	"Active":            {event(ManualStart), event(TCPConnectionFails)},
	"OpenSent, ours":    {event(ManualStart), event(TCPConnectionAcked)},
	"OpenSent, theirs":  {event(ManualStart), event(TCPConnectionFails), event(TCPConnectionConfirmed)},
	"OpenConfirm":       {event(ManualStart), event(TCPConnectionAcked), event(BGPOpen)},
	"Established":       {event(ManualStart), event(TCPConnectionAcked), event(BGPOpen), event(KeepAliveMsg)},
	"Active, passive":   {event(ManualStart)},
	"OpenSent, passive": {event(ManualStart), event(TCPConnectionConfirmed)},
}

// transitions are all those in which anything happens; an event that is not listed under a state is ignored there.
var transitions = map[string]map[string]string{
	"Idle": {
		"ManualStart":            "Dial#0, ConnectRetryTimer=30s -> Connect",
		"TCPConnectionConfirmed": "Refuse -> Idle",
	},
	"Idle, held": {
		"ManualStart":            "stop IdleHoldTimer, Dial#0, ConnectRetryTimer=30s -> Connect",
		"IdleHoldTimerExpires":   "Dial#0, ConnectRetryTimer=30s -> Connect",
		"ManualStop":             "stop IdleHoldTimer -> Idle",
		"TCPConnectionConfirmed": "Refuse -> Idle",
	},
	"Connect": {
		"ManualStop":               "Close#0, stop ConnectRetryTimer -> Idle",
		"AutomaticStop":            "Close#0 -> Active",
		"AutomaticStop idle":       "Close#0, IdleHoldTimer=1m0s, stop ConnectRetryTimer -> Idle",
		"ConnectRetryTimerExpires": "Close#0, Fail#0, Dial#0, ConnectRetryTimer=30s -> Connect",
		"TCPConnectionAcked":       "SendOpen#0, HoldTimer#0=4m0s, stop ConnectRetryTimer -> OpenSent",
		"TCPConnectionConfirmed":   "Accept#1, SendOpen#1, HoldTimer#1=4m0s -> OpenSent",
		"TCPConnectionFails":       "Close#0, Fail#0, ConnectRetryTimer=1s -> Active",
	},
	"Active": {
		"ManualStop":               "stop ConnectRetryTimer -> Idle",
		"AutomaticStop idle":       "IdleHoldTimer=1m0s, stop ConnectRetryTimer -> Idle",
		"ConnectRetryTimerExpires": "Dial#0, ConnectRetryTimer=30s -> Connect",
		"TCPConnectionConfirmed":   "Accept#0, SendOpen#0, HoldTimer#0=4m0s -> OpenSent",
	},
	"Active, passive": {
		"ManualStop":             " -> Idle",
		"AutomaticStop idle":     "IdleHoldTimer=1m0s -> Idle",
		"TCPConnectionConfirmed": "Accept#0, SendOpen#0, HoldTimer#0=4m0s -> OpenSent",
	},
	"OpenSent, ours": {
		"ManualStop":             "NOTIFICATION#0 6/2, Close#0, Fail#0 -> Idle",
		"AutomaticStop":          "NOTIFICATION#0 6/2, Close#0, Fail#0, ConnectRetryTimer=1s -> Active",
		"AutomaticStop idle":     "NOTIFICATION#0 6/2, Close#0, Fail#0, IdleHoldTimer=1m0s -> Idle",
		"HoldTimerExpires":       "NOTIFICATION#0 4/0, Close#0, Fail#0, ConnectRetryTimer=1s -> Active",
		"TCPConnectionConfirmed": "Accept#1, SendOpen#1, HoldTimer#1=4m0s -> OpenSent",
		"TCPConnectionFails":     "Close#0, Fail#0, ConnectRetryTimer=1s -> Active",
		"BGPOpen":                "Agree#0, SendKeepalive#0, KeepaliveTimer#0=10s, HoldTimer#0=30s -> OpenConfirm",
		"BGPHeaderErr":           "NOTIFICATION#0 1/1, Close#0, Fail#0, ConnectRetryTimer=1s -> Active",
		"BGPOpenMsgErr":          "NOTIFICATION#0 2/1, Close#0, Fail#0, ConnectRetryTimer=1s -> Active",
		"NotifMsg":               "Close#0, Fail#0, ConnectRetryTimer=1s -> Active",
		"KeepAliveMsg":           "NOTIFICATION#0 5/1, Close#0, Fail#0, ConnectRetryTimer=1s -> Active",
		"UpdateMsg":              "NOTIFICATION#0 5/1, Close#0, Fail#0, ConnectRetryTimer=1s -> Active",
		"UpdateMsgErr":           "NOTIFICATION#0 5/1, Close#0, Fail#0, ConnectRetryTimer=1s -> Active",
		"RouteRefreshMsg":        "NOTIFICATION#0 5/1, Close#0, Fail#0, ConnectRetryTimer=1s -> Active",
		"SendHoldTimerExpires":   "Close#0, Fail#0, ConnectRetryTimer=1s -> Active",
	},
	"OpenSent, theirs": { // ConnectRetryTimer runs all the while
		"ManualStop":               "NOTIFICATION#0 6/2, Close#0, Fail#0, stop ConnectRetryTimer -> Idle",
		"AutomaticStop":            "NOTIFICATION#0 6/2, Close#0, Fail#0 -> Active",
		"AutomaticStop idle":       "NOTIFICATION#0 6/2, Close#0, Fail#0, IdleHoldTimer=1m0s, stop ConnectRetryTimer -> Idle",
		"ConnectRetryTimerExpires": "Dial#1, ConnectRetryTimer=30s -> OpenSent",
		"HoldTimerExpires":         "NOTIFICATION#0 4/0, Close#0, Fail#0 -> Active",
		"TCPConnectionConfirmed":   "NOTIFICATION#0 6/7, Close#0, Fail#0, Accept#0, SendOpen#0, HoldTimer#0=4m0s -> OpenSent",
		"TCPConnectionFails":       "Close#0, Fail#0 -> Active",
		"BGPOpen":                  "Agree#0, SendKeepalive#0, KeepaliveTimer#0=10s, HoldTimer#0=30s, stop ConnectRetryTimer -> OpenConfirm",
		"BGPHeaderErr":             "NOTIFICATION#0 1/1, Close#0, Fail#0 -> Active",
		"BGPOpenMsgErr":            "NOTIFICATION#0 2/1, Close#0, Fail#0 -> Active",
		"NotifMsg":                 "Close#0, Fail#0 -> Active",
		"KeepAliveMsg":             "NOTIFICATION#0 5/1, Close#0, Fail#0 -> Active",
		"UpdateMsg":                "NOTIFICATION#0 5/1, Close#0, Fail#0 -> Active",
		"UpdateMsgErr":             "NOTIFICATION#0 5/1, Close#0, Fail#0 -> Active",
		"RouteRefreshMsg":          "NOTIFICATION#0 5/1, Close#0, Fail#0 -> Active",
		"SendHoldTimerExpires":     "Close#0, Fail#0 -> Active",
	},
	"OpenSent, passive": {
		"ManualStop":             "NOTIFICATION#0 6/2, Close#0, Fail#0 -> Idle",
		"AutomaticStop":          "NOTIFICATION#0 6/2, Close#0, Fail#0 -> Active",
		"AutomaticStop idle":     "NOTIFICATION#0 6/2, Close#0, Fail#0, IdleHoldTimer=1m0s -> Idle",
		"HoldTimerExpires":       "NOTIFICATION#0 4/0, Close#0, Fail#0 -> Active",
		"TCPConnectionConfirmed": "NOTIFICATION#0 6/7, Close#0, Fail#0, Accept#0, SendOpen#0, HoldTimer#0=4m0s -> OpenSent",
		"TCPConnectionFails":     "Close#0, Fail#0 -> Active",
		"BGPOpen":                "Agree#0, SendKeepalive#0, KeepaliveTimer#0=10s, HoldTimer#0=30s -> OpenConfirm",
		"BGPHeaderErr":           "NOTIFICATION#0 1/1, Close#0, Fail#0 -> Active",
		"BGPOpenMsgErr":          "NOTIFICATION#0 2/1, Close#0, Fail#0 -> Active",
		"NotifMsg":               "Close#0, Fail#0 -> Active",
		"KeepAliveMsg":           "NOTIFICATION#0 5/1, Close#0, Fail#0 -> Active",
		"UpdateMsg":              "NOTIFICATION#0 5/1, Close#0, Fail#0 -> Active",
		"UpdateMsgErr":           "NOTIFICATION#0 5/1, Close#0, Fail#0 -> Active",
		"RouteRefreshMsg":        "NOTIFICATION#0 5/1, Close#0, Fail#0 -> Active",
		"SendHoldTimerExpires":   "Close#0, Fail#0 -> Active",
	},
	"OpenConfirm": {
		"ManualStop":             "NOTIFICATION#0 6/2, Close#0, Fail#0 -> Idle",
		"AutomaticStop":          "NOTIFICATION#0 6/2, Close#0, Fail#0, ConnectRetryTimer=1s -> Active",
		"AutomaticStop idle":     "NOTIFICATION#0 6/2, Close#0, Fail#0, IdleHoldTimer=1m0s -> Idle",
		"HoldTimerExpires":       "NOTIFICATION#0 4/0, Close#0, Fail#0, ConnectRetryTimer=1s -> Active",
		"KeepaliveTimerExpires":  "SendKeepalive#0, KeepaliveTimer#0=10s -> OpenConfirm",
		"TCPConnectionConfirmed": "Accept#1, SendOpen#1, HoldTimer#1=4m0s -> OpenConfirm",
		"TCPConnectionFails":     "Close#0, Fail#0, ConnectRetryTimer=1s -> Active",
		"BGPOpen":                "NOTIFICATION#0 5/2, Close#0, Fail#0, ConnectRetryTimer=1s -> Active",
		"BGPHeaderErr":           "NOTIFICATION#0 1/1, Close#0, Fail#0, ConnectRetryTimer=1s -> Active",
		"BGPOpenMsgErr":          "NOTIFICATION#0 2/1, Close#0, Fail#0, ConnectRetryTimer=1s -> Active",
		"NotifMsg":               "Close#0, Fail#0, ConnectRetryTimer=1s -> Active",
		"KeepAliveMsg":           "HoldTimer#0=30s, Up#0 -> Established",
		"UpdateMsg":              "NOTIFICATION#0 5/2, Close#0, Fail#0, ConnectRetryTimer=1s -> Active",
		"UpdateMsgErr":           "NOTIFICATION#0 5/2, Close#0, Fail#0, ConnectRetryTimer=1s -> Active",
		"RouteRefreshMsg":        "NOTIFICATION#0 5/2, Close#0, Fail#0, ConnectRetryTimer=1s -> Active",
		"SendHoldTimerExpires":   "Close#0, Fail#0, ConnectRetryTimer=1s -> Active",
	},
	"Established": {
		"ManualStop":             "NOTIFICATION#0 6/2, Close#0, Down#0 -> Idle",
		"AutomaticStop":          "NOTIFICATION#0 6/2, Close#0, Down#0, ConnectRetryTimer=1s -> Active",
		"AutomaticStop idle":     "NOTIFICATION#0 6/2, Close#0, Down#0, IdleHoldTimer=1m0s -> Idle",
		"HoldTimerExpires":       "NOTIFICATION#0 4/0, Close#0, Down#0, ConnectRetryTimer=1s -> Active",
		"KeepaliveTimerExpires":  "SendKeepalive#0, KeepaliveTimer#0=10s -> Established",
		"TCPConnectionConfirmed": "Accept#1, SendOpen#1, HoldTimer#1=4m0s -> Established",
		"TCPConnectionFails":     "Close#0, Down#0, ConnectRetryTimer=1s -> Active",
		"BGPOpen":                "NOTIFICATION#0 5/3, Close#0, Down#0, ConnectRetryTimer=1s -> Active",
		"BGPHeaderErr":           "NOTIFICATION#0 1/1, Close#0, Down#0, ConnectRetryTimer=1s -> Active",
		"BGPOpenMsgErr":          "NOTIFICATION#0 5/3, Close#0, Down#0, ConnectRetryTimer=1s -> Active",
		"NotifMsg":               "Close#0, Down#0, ConnectRetryTimer=1s -> Active",
		"KeepAliveMsg":           "HoldTimer#0=30s -> Established",
		"UpdateMsg":              "HoldTimer#0=30s, Deliver#0 -> Established",
		"UpdateMsgErr":           "NOTIFICATION#0 3/1, Close#0, Down#0, ConnectRetryTimer=1s -> Active",
		"RouteRefreshMsg":        "HoldTimer#0=30s, Deliver#0 -> Established",
		"SendHoldTimerExpires":   "Close#0, Down#0, ConnectRetryTimer=1s -> Active",
	},
}

func TestEveryStateAndEvent(t *testing.T) {
	for state, way := range ways {
		for name, ev := range allEvents {
			t.Run(state+"/"+name, func(t *testing.T) {
				cfg := testConfig()
				cfg.Passive = strings.HasSuffix(state, "passive")
				m := newMachine(cfg)
				for _, ev := range way {
					m.step(ev)
				}
				plain, _, _ := strings.Cut(state, ",")
				if m.State().String() != plain {
					t.Fatalf("the way to %s leads to %s", plain, m.State())
				}
				want := " -> " + plain
				if listed, ok := transitions[state][name]; ok {
					want = listed
				}
				if strings.HasPrefix(want, "->") {
					want = " " + want
				}
				if got := m.step(ev) + " -> " + m.State().String(); got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
			})
		}
	}
}
