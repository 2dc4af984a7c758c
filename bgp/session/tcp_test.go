package session

import (
	"context"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/bgp/wire"
)

// tcpConfig is testConfig for a neighbour on the loopback network.
func tcpConfig(local, remote string, port uint16) Config {
	cfg := testConfig()
	cfg.LocalAddr, cfg.Addr, cfg.Port = netip.MustParseAddr(local), netip.MustParseAddr(remote), port
	return cfg
}

// tcpPeer listens as the neighbour does, after prepare has seen its socket.
func tcpPeer(t testing.TB, addr string, prepare func(fd int) error) *net.TCPListener {
	t.Helper()
	sockets, err := Listen(context.Background(), []netip.AddrPort{netip.AddrPortFrom(netip.MustParseAddr(addr), 0)})
	if err != nil {
		t.Fatal(err)
	}
	ln := sockets[0].(*net.TCPListener)
	t.Cleanup(func() { _ = ln.Close() })
	if prepare != nil {
		if err := onListener(ln, func(fd, _ int) error { return prepare(fd) }); err != nil {
			t.Fatal(err)
		}
	}
	return ln
}

func portOf(ln net.Listener) uint16 { return uint16(ln.Addr().(*net.TCPAddr).Port) }

// accept waits for the session's connection.
func accept(t testing.TB, ln *net.TCPListener) *script {
	t.Helper()
	_ = ln.SetDeadline(time.Now().Add(patience))
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(patience))
	return newScript(t, conn)
}

// connect dials a listener as the neighbour at an address does.
func connect(t testing.TB, from string, to netip.AddrPort) *script {
	t.Helper()
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(from), 0)), Timeout: patience}
	d.SetMultipathTCP(false)
	conn, err := d.Dial("tcp", to.String())
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(patience))
	return newScript(t, conn)
}

// dialled starts a session that dials a script.
func dialled(t *testing.T, change func(*Config)) (*Session, *recorder, *script) {
	t.Helper()
	ln := tcpPeer(t, "127.0.1.2", nil)
	cfg := tcpConfig("127.0.1.1", "127.0.1.2", portOf(ln))
	if change != nil {
		change(&cfg)
	}
	h := newRecorder(t)
	s := New(cfg, h, logger(t), Options{})
	start(t, s)
	return s, h, accept(t, ln)
}

func TestDialled(t *testing.T) {
	s, h, p := dialled(t, nil)
	p.open.Caps.AddPath[bgp.IPv6] = wire.AddPathSend
	p.handshake()
	n := h.next("established").agreed
	if n.LocalAddr.Addr() != s.cfg.LocalAddr || n.PeerAddr.Addr() != s.cfg.Addr || n.HoldTime != 30*time.Second || !n.AddPath[bgp.IPv6] {
		t.Errorf("agreed on %+v", n)
	}
	if p.got.ASN != 64512 || p.got.HoldTime != 90 || p.got.Caps.Role == nil || *p.got.Caps.Role != wire.RoleCustomer {
		t.Errorf("our OPEN: %+v", p.got)
	}
	p.send(update(1), update(900), keepalive(), update(3))
	for _, want := range []int{8, 3604, 16} {
		if got := h.next("update").body; got != want {
			t.Errorf("UPDATE of %d bytes, want %d", got, want)
		}
	}
	st := s.State()
	if st.State != Established || st.Up.IsZero() || st.Negotiated == nil || st.LastRead.IsZero() || st.In.Update != 3 || st.In.Open != 1 ||
		st.Out.Open != 1 || st.Out.Update != 2 || st.BytesIn < 3600 || st.BytesOut == 0 {
		t.Errorf("status %+v", st)
	}
}

func TestAccepted(t *testing.T) {
	l := listen(t, "127.0.1.1:0")
	h := newRecorder(t)
	cfg := tcpConfig("127.0.1.1", "127.0.1.3", 1)
	cfg.Passive = true
	s := New(cfg, h, logger(t), Options{})
	start(t, s)
	admit(t, l, s)
	p := connect(t, "127.0.1.3", l.Addrs()[0]).handshake()
	h.next("established")
	t.Run("the neighbour may come back at once after an error", func(t *testing.T) {
		p.send(message(wire.TypeUpdate, []byte{0, 0, 0, 0}), []byte("not BGP at all, nor ever will be"))
		p.expectNotification(wire.CodeHeader, wire.SubNotSynchronized)
		p.expectClosed()
		h.next("update")
		h.next("closed")
		connect(t, "127.0.1.3", l.Addrs()[0]).handshake()
		h.next("established")
	})
}

func TestNotificationIsHeard(t *testing.T) {
	s, h, p := dialled(t, nil)
	p.handshake()
	h.next("established")
	p.send(wire.AppendNotification(nil, &wire.Error{Code: wire.CodeCease, Subcode: wire.SubAdminShutdown,
		Data: wire.ShutdownCommunication("maintenance until 04:00")}))
	_ = p.conn.Close()
	r := h.next("closed").reason
	if r.Received == nil || r.Received.Subcode != wire.SubAdminShutdown || !strings.Contains(r.Text, "maintenance until 04:00") {
		t.Errorf("reason %+v", r)
	}
	if st := s.State(); !strings.Contains(st.LastError, "maintenance") || st.In.Notification != 1 {
		t.Errorf("status %+v", st)
	}
}

func TestResetInTheMiddleOfAMessage(t *testing.T) {
	_, h, p := dialled(t, nil)
	p.open = restartable(true)
	p.handshake()
	h.next("established")
	p.send(update(1), update(100)[:50])
	h.next("update")
	_ = p.conn.(*net.TCPConn).SetLinger(0)
	_ = p.conn.Close()
	if r := h.next("closed").reason; r.Err == nil || !r.Graceful {
		t.Errorf("reason %+v", r)
	}
}

func TestBadMessages(t *testing.T) {
	big := message(wire.TypeUpdate, make([]byte, 4096))
	badOpen := message(wire.TypeOpen, []byte{5, 0, 1, 0, 90, 10, 0, 0, 1, 0})
	for _, tc := range []struct {
		name          string
		send          []byte
		early         bool // in place of the OPEN
		code, subcode uint8
	}{
		{"longer than 4,096 bytes", big, false, wire.CodeHeader, wire.SubBadLength},
		{"unknown type", message(9, nil), false, wire.CodeHeader, wire.SubBadType},
		{"KEEPALIVE with a body", message(wire.TypeKeepalive, []byte{0}), false, wire.CodeHeader, wire.SubBadLength},
		{"version 5", badOpen, true, wire.CodeOpen, wire.SubBadVersion},
		{"KEEPALIVE before OPEN", keepalive(), true, wire.CodeFSM, wire.SubInOpenSent},
		{"a second OPEN", testOpen().Append(nil), false, wire.CodeFSM, wire.SubInEstablished},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, h, p := dialled(t, nil)
			if tc.early {
				p.expect(wire.TypeOpen)
			} else {
				p.handshake()
				h.next("established")
			}
			p.send(tc.send)
			p.expectNotification(tc.code, tc.subcode)
			p.expectClosed()
		})
	}
}

func TestUpdateErrorOfTheHandler(t *testing.T) {
	s, h, p := dialled(t, nil)
	h.onUpdate = func([]byte) *wire.Error {
		return &wire.Error{Code: wire.CodeUpdate, Subcode: wire.SubMalformedAttributes, Data: []byte{1, 2}, Reason: "as a test"}
	}
	p.handshake()
	h.next("established")
	p.send(update(1), update(2))
	if n := p.expectNotification(wire.CodeUpdate, wire.SubMalformedAttributes); !slices.Equal(n.Data, []byte{1, 2}) {
		t.Errorf("data % x", n.Data)
	}
	h.next("closed")
	if st := s.State(); !strings.Contains(st.LastError, "as a test") {
		t.Errorf("status %+v", st)
	}
}

func TestExtendedMessages(t *testing.T) {
	_, h, p := dialled(t, nil)
	p.open.Caps.Extended = true
	p.handshake()
	h.next("established")
	p.send(update(16000), update(1), update(16000), update(16000))
	for _, want := range []int{64004, 8, 64004, 64004} {
		if got := h.next("update").body; got != want {
			t.Errorf("UPDATE of %d bytes, want %d", got, want)
		}
	}
}

func TestRoleMismatch(t *testing.T) {
	s, h, p := dialled(t, nil)
	wrong := wire.RolePeer
	p.open.Caps.Role = &wrong
	p.expect(wire.TypeOpen)
	p.send(p.open.Append(nil))
	p.expectNotification(wire.CodeOpen, wire.SubRoleMismatch)
	p.expectClosed()
	h.silent()
	eventually(t, "the reason is shown", func() bool { return strings.Contains(s.State().LastError, "a peer") })
}

func TestRouteRefresh(t *testing.T) {
	s, h, p := dialled(t, nil)
	p.open.Caps.EnhancedRefresh = true
	p.handshake()
	h.next("established")
	s.RouteRefresh(bgp.IPv6)
	if f, _, sub, _ := wire.ParseRouteRefresh(p.expect(wire.TypeRouteRefresh)); f != bgp.IPv6 || sub != wire.RefreshRequest {
		t.Errorf("ROUTE-REFRESH of %s, subtype %d", f, sub)
	}
	p.send(wire.AppendRouteRefresh(nil, bgp.IPv6, wire.RefreshBegin), update(1), wire.AppendRouteRefresh(nil, bgp.IPv6, wire.RefreshEnd))
	for _, want := range []string{"refresh", "update", "refresh"} {
		h.next(want)
	}
	// We have no routes, and say so.
	p.send(wire.AppendRouteRefresh(nil, bgp.IPv4, wire.RefreshRequest))
	for _, want := range []uint8{wire.RefreshBegin, wire.RefreshEnd} {
		if f, _, sub, _ := wire.ParseRouteRefresh(p.expect(wire.TypeRouteRefresh)); f != bgp.IPv4 || sub != want {
			t.Errorf("ROUTE-REFRESH of %s, subtype %d", f, sub)
		}
	}
	bad := message(wire.TypeRouteRefresh, []byte{0, 1, wire.RefreshBegin, 1, 0})
	p.send(bad)
	if n := p.expectNotification(wire.CodeRouteRefresh, wire.SubBadRefreshLength); !slices.Equal(n.Data, bad) {
		t.Errorf("data % x", n.Data)
	}
	h.next("closed")
}

// Right after a session came up, a second connection is the loser of a collision.
func TestSecondConnection(t *testing.T) {
	l := listen(t, "127.0.1.1:0")
	h := newRecorder(t)
	cfg := tcpConfig("127.0.1.1", "127.0.1.4", 1)
	cfg.Passive = true
	s := New(cfg, h, logger(t), Options{})
	start(t, s)
	admit(t, l, s)
	first := connect(t, "127.0.1.4", l.Addrs()[0])
	first.open = restartable(true)
	first.handshake()
	h.next("established")
	second := connect(t, "127.0.1.4", l.Addrs()[0])
	second.expect(wire.TypeOpen)
	second.send(restartable(true).Append(nil))
	second.expectNotification(wire.CodeCease, wire.SubConnectionCollision)
	h.silent()
}

// Two sessions dial each other at the same moment, again and again: one connection remains.
func TestBothConnectAtOnce(t *testing.T) {
	for range 5 {
		a, b := twoListeners(t, "127.0.1.5", "127.0.1.6")
		port := a.Addrs()[0].Port()
		var ready sync.WaitGroup
		ready.Add(2)
		ha, sa := simultaneous(t, tcpConfig("127.0.1.5", "127.0.1.6", port), &ready)
		cb := tcpConfig("127.0.1.6", "127.0.1.5", port)
		cb.LocalASN, cb.ASN, cb.RouterID, cb.Relationship = 64500, 64512, netip.MustParseAddr("10.0.0.1"), bgp.Customer
		hb, sb := simultaneous(t, cb, &ready)
		admit(t, a, sa)
		admit(t, b, sb)
		stopA, stopB := start(t, sa), start(t, sb)
		settle(t, ha, hb)
		stopA()
		stopB()
	}
}

// twoListeners have one port at two addresses.
func twoListeners(t *testing.T, one, two string) (a, b *Listener) {
	t.Helper()
	for range 10 {
		a = prepareListener(t, one+":0")
		addr := netip.AddrPortFrom(netip.MustParseAddr(two), a.Addrs()[0].Port())
		sockets, err := Listen(context.Background(), []netip.AddrPort{addr})
		if err != nil { // somebody else has that port
			a.closeSockets()
			continue
		}
		if b, err = NewListener(sockets, logger(t)); err != nil {
			t.Fatal(err)
		}
		serve(t, a)
		serve(t, b)
		return a, b
	}
	t.Fatal("no port is free at both addresses")
	return nil, nil
}

// simultaneous is a session whose first attempt waits until the other side attempts too.
func simultaneous(t *testing.T, cfg Config, ready *sync.WaitGroup) (*recorder, *Session) {
	h := newRecorder(t)
	var once sync.Once
	var s *Session
	s = New(cfg, h, logger(t), Options{Dial: func(ctx context.Context) (net.Conn, error) {
		once.Do(func() { ready.Done(); ready.Wait() })
		return s.cfg.dialTCP(ctx)
	}})
	return h, s
}

// settle waits until both sides are Established over the same connection.
func settle(t *testing.T, a, b *recorder) {
	t.Helper()
	var na, nb *Negotiated
	note := func(to **Negotiated, h heard) {
		*to = nil
		if h.what == "established" {
			*to = &h.agreed
		}
	}
	timeout := time.After(patience)
	for na == nil || nb == nil || na.LocalAddr != nb.PeerAddr || na.PeerAddr != nb.LocalAddr {
		select {
		case h := <-a.events:
			if h.what != "update" { // End-of-RIB
				note(&na, h)
			}
		case h := <-b.events:
			if h.what != "update" {
				note(&nb, h)
			}
		case <-timeout:
			t.Fatalf("no session: %+v, %+v", na, nb)
		}
	}
}

// Whatever a neighbour says, before its OPEN or after it: the session neither panics nor hangs, and ends when told.
func FuzzNeighbour(f *testing.F) {
	hello := append(testOpen().Append(nil), keepalive()...)
	f.Add([]byte(nil), []byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add(hello, update(2))
	f.Add(hello, append(wire.AppendRouteRefresh(nil, bgp.IPv4, wire.RefreshRequest), keepalive()...))
	f.Add(restartable(true).Append(nil), wire.AppendNotification(nil, &wire.Error{Code: wire.CodeCease, Subcode: wire.SubHardReset}))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		cfg := testConfig()
		cfg.Passive = true
		s := New(cfg, deaf{}, zap.NewNop(), Options{})
		stop := start(t, s)
		near, far := net.Pipe()
		s.Incoming(near)
		var reading sync.WaitGroup
		reading.Go(func() { _, _ = io.Copy(io.Discard, far) })
		_ = far.SetDeadline(time.Now().Add(patience))
		_, _ = far.Write(first) // fails when the session has had enough
		_, _ = far.Write(second)
		_ = far.Close()
		stop()
		reading.Wait()
		if state := s.State().State; state != Idle {
			t.Errorf("state %s after the end", state)
		}
	})
}

// deaf is a Handler that takes everything.
type deaf struct{}

func (deaf) Established(Negotiated, time.Time)          {}
func (deaf) Update([]byte, time.Time) (err *wire.Error) { return nil }
func (deaf) Refresh(bgp.Family, uint8, time.Time)       {}
func (deaf) Closed(Reason, time.Time)                   {}
