package session

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"peervane/bgp"
	"peervane/bgp/wire"
)

func negotiate(cfg Config, o *wire.Open) (*Negotiated, *wire.Error) {
	caps := cfg.capabilities()
	return cfg.negotiate(&caps, o)
}

func TestOpenErrors(t *testing.T) {
	roleOf := func(r uint8) *uint8 { return &r }
	for _, tc := range []struct {
		name    string
		change  func(*Config, *wire.Open)
		subcode uint8 // 0 = no error
	}{
		{"as it should be", func(*Config, *wire.Open) {}, 0},
		{"another AS", func(_ *Config, o *wire.Open) { o.ASN = 64501 }, wire.SubBadPeerAS},
		{"zero identifier", func(_ *Config, o *wire.Open) { o.RouterID = [4]byte{} }, wire.SubBadBGPID},
		{"our identifier, external", func(_ *Config, o *wire.Open) { o.RouterID = [4]byte{10, 0, 0, 2} }, 0},
		{"our identifier, internal", func(c *Config, o *wire.Open) { c.ASN = c.LocalASN; o.ASN = c.ASN; o.RouterID = [4]byte{10, 0, 0, 2} }, wire.SubBadBGPID},
		{"hold time 0", func(_ *Config, o *wire.Open) { o.HoldTime = 0 }, 0},
		{"hold time 1", func(_ *Config, o *wire.Open) { o.HoldTime = 1 }, wire.SubUnacceptableHoldTime},
		{"hold time 2", func(_ *Config, o *wire.Open) { o.HoldTime = 2 }, wire.SubUnacceptableHoldTime},
		{"hold time 3", func(_ *Config, o *wire.Open) { o.HoldTime = 3 }, 0},
		{"no common family", func(c *Config, o *wire.Open) { c.Families = c.Families[1:]; o.Caps.Families[bgp.IPv6] = false }, wire.SubUnsupportedCapability},
		{"IPv4 without the capability", func(_ *Config, o *wire.Open) { o.Caps = wire.Capabilities{} }, 0},
		{"IPv6 without the capability", func(c *Config, o *wire.Open) { c.Families = c.Families[1:]; o.Caps = wire.Capabilities{} }, wire.SubUnsupportedCapability},
		{"right role", func(_ *Config, o *wire.Open) { o.Caps.Role = roleOf(wire.RoleProvider) }, 0},
		{"wrong role", func(_ *Config, o *wire.Open) { o.Caps.Role = roleOf(wire.RolePeer) }, wire.SubRoleMismatch},
		{"unknown role", func(_ *Config, o *wire.Open) { o.Caps.Role = roleOf(77) }, wire.SubRoleMismatch},
		{"wrong role, checking is off", func(c *Config, o *wire.Open) { c.Role = RoleOff; o.Caps.Role = roleOf(wire.RolePeer) }, 0},
		{"no role, strict", func(c *Config, _ *wire.Open) { c.Role = RoleStrict }, wire.SubRoleMismatch},
		{"no role, strict, collector", func(c *Config, _ *wire.Open) { c.Role = RoleStrict; c.Relationship = bgp.Collector }, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg, o := testConfig(), testOpen()
			tc.change(&cfg, o)
			n, err := negotiate(cfg, o)
			switch {
			case tc.subcode == 0 && err != nil:
				t.Errorf("refused: %v", err)
			case tc.subcode != 0 && (err == nil || err.Code != wire.CodeOpen || err.Subcode != tc.subcode):
				t.Errorf("got %v, want 2/%d", err, tc.subcode)
			case (n == nil) == (err == nil):
				t.Errorf("result %v with error %v", n, err)
			}
		})
	}
}

// The neighbour is told which families it would take (RFC 5492 section 5).
func TestNoFamilyNamesOurs(t *testing.T) {
	cfg, o := testConfig(), testOpen()
	cfg.Families = []bgp.Family{bgp.IPv6}
	o.Caps.Families[bgp.IPv6] = false
	_, err := negotiate(cfg, o)
	if want := []byte{1, 4, 0, 2, 0, 1}; err == nil || !bytes.Equal(err.Data, want) {
		t.Errorf("got %v, want data %v", err, want)
	}
}

// Every pair of roles against table 2 of RFC 9234.
func TestRolePairs(t *testing.T) {
	allowed := map[[2]uint8]bool{
		{wire.RoleProvider, wire.RoleCustomer}: true, {wire.RoleCustomer, wire.RoleProvider}: true,
		{wire.RoleRS, wire.RoleRSClient}: true, {wire.RoleRSClient, wire.RoleRS}: true,
		{wire.RolePeer, wire.RolePeer}: true,
	}
	local := map[bgp.Relationship]uint8{
		bgp.Provider: wire.RoleCustomer, bgp.Customer: wire.RoleProvider, bgp.Peer: wire.RolePeer,
		bgp.RouteServer: wire.RoleRSClient, bgp.RSClient: wire.RoleRS,
	}
	for relationship, ours := range local {
		for theirs := range wire.RolePeer + 1 {
			cfg := testConfig()
			cfg.Relationship = relationship
			if got, ok := cfg.localRole(); !ok || got != ours {
				t.Fatalf("to a %s we are %d, want %d", relationship, got, ours)
			}
			if err := cfg.checkRole(&theirs); (err == nil) != allowed[[2]uint8{ours, theirs}] {
				t.Errorf("we are %s, they are %s: %v", roleName(ours), roleName(theirs), err)
			}
		}
	}
}

func TestNoRole(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"internal":  func(c *Config) { c.Relationship = bgp.Internal; c.ASN = c.LocalASN },
		"iBGP":      func(c *Config) { c.ASN = c.LocalASN },
		"collector": func(c *Config) { c.Relationship = bgp.Collector },
		"off":       func(c *Config) { c.Role = RoleOff },
	} {
		cfg := testConfig()
		change(&cfg)
		if caps := cfg.capabilities(); caps.Role != nil {
			t.Errorf("%s: Role %d is sent", name, *caps.Role)
		}
	}
}

func TestCapabilitiesSent(t *testing.T) {
	cfg := testConfig()
	caps := cfg.capabilities()
	if !caps.HasMP || caps.Families != [bgp.NumFamilies]bool{true, true} || !caps.AS4 || !caps.RouteRefresh || !caps.EnhancedRefresh || !caps.Extended {
		t.Errorf("something is missing: %+v", caps)
	}
	if caps.AddPath != [bgp.NumFamilies]uint8{wire.AddPathReceive, wire.AddPathReceive} {
		t.Errorf("ADD-PATH %v: we receive, and never send", caps.AddPath)
	}
	if caps.GR == nil || !caps.GR.N || caps.GR.Restarting || caps.GR.Families != [bgp.NumFamilies]wire.GracefulFamily{} {
		t.Errorf("graceful restart %+v: as a helper we list no family", caps.GR)
	}
	if caps.ExtendedNextHop {
		t.Error("extended next hop over IPv4")
	}
	cfg.GracefulRestart, cfg.AddPath, cfg.Addr = false, false, netip.MustParseAddr("2001:db8::1")
	caps = cfg.capabilities()
	if caps.GR != nil || caps.AddPath != [bgp.NumFamilies]uint8{} || !caps.ExtendedNextHop {
		t.Errorf("%+v", caps)
	}
}

func TestAgreement(t *testing.T) {
	cfg, o := testConfig(), testOpen()
	o.Caps.AddPath = [bgp.NumFamilies]uint8{wire.AddPathSend, wire.AddPathReceive}
	o.Caps.Extended, o.Caps.EnhancedRefresh = true, true
	o.Caps.GR = &wire.GracefulRestart{N: true, Time: 120}
	n, err := negotiate(cfg, o)
	if err != nil {
		t.Fatal(err)
	}
	if !n.AS4 || !n.Extended || !n.RouteRefresh || !n.EnhancedRefresh || n.IBGP || n.GR != o.Caps.GR {
		t.Errorf("%+v", n)
	}
	if n.AddPath != [bgp.NumFamilies]bool{true, false} {
		t.Errorf("ADD-PATH %v: only where the neighbour sends", n.AddPath)
	}
	if n.HoldTime != 30*time.Second || n.PeerASN != 64500 || n.LocalASN != 64512 || n.PeerRouterID != netip.MustParseAddr("10.0.0.1") {
		t.Errorf("%+v", n)
	}
	t.Run("our hold time is the smaller", func(t *testing.T) {
		cfg.HoldTime = 9 * time.Second
		if n, _ := negotiate(cfg, o); n.HoldTime != 9*time.Second {
			t.Errorf("hold time %s", n.HoldTime)
		}
	})
	t.Run("ours is none", func(t *testing.T) {
		cfg.HoldTime = 0
		if n, _ := negotiate(cfg, o); n.HoldTime != 0 {
			t.Errorf("hold time %s", n.HoldTime)
		}
	})
}

// Without a hold time neither timer runs once the session is Established.
func TestHoldTimeZero(t *testing.T) {
	m := newMachine(testConfig())
	m.step(event(ManualStart))
	m.step(event(TCPConnectionAcked))
	o := testOpen()
	o.HoldTime = 0
	if got, want := m.step(Event{Kind: BGPOpen, Open: o}), "Agree#0, SendKeepalive#0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := m.step(event(KeepAliveMsg)), "stop HoldTimer#0, Up#0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := m.step(event(UpdateMsg)), "Deliver#0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestMayKeepRoutes(t *testing.T) {
	with := func(n, listed bool) *Negotiated {
		gr := &wire.GracefulRestart{N: n}
		gr.Families[bgp.IPv6].Listed = listed
		return &Negotiated{GR: gr}
	}
	cease := wire.Notification{Code: wire.CodeCease, Subcode: wire.SubAdminShutdown}
	hard := wire.Notification{Code: wire.CodeCease, Subcode: wire.SubHardReset, Data: []byte{6, 2}}
	hold := &wire.Error{Code: wire.CodeHoldTimer}
	ours := &wire.Error{Code: wire.CodeCease, Subcode: wire.SubMaxPrefixes}
	for _, tc := range []struct {
		name string
		r    Reason
		n    *Negotiated
		want bool
	}{
		{"connection lost", failed(errClosed), with(false, true), true},
		{"connection lost, no family listed", failed(errClosed), with(true, false), false},
		{"connection lost, no graceful restart", failed(errClosed), &Negotiated{}, false},
		{"NOTIFICATION came", received(cease), with(false, true), false},
		{"NOTIFICATION came, N bit", received(cease), with(true, true), true},
		{"Hard Reset came, N bit", received(hard), with(true, true), false},
		{"hold timer", sent(hold), with(false, true), false},
		{"hold timer, N bit", sent(hold), with(true, true), true},
		{"our own Cease, N bit", sent(ours), with(true, true), false},
	} {
		if got := tc.r.graceful(tc.n); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}
