package session

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// members lets neighbours in by prefix, each into a session of that name, and tells which one was asked for.
func members(t *testing.T, l *Listener, prefixes ...string) (asked chan string) {
	t.Helper()
	asked = make(chan string, 10)
	for _, p := range prefixes {
		err := l.Add(Neighbours{Name: p, Prefix: netip.MustParsePrefix(p), Session: func(remote netip.Addr) *Session {
			asked <- p + " " + remote.String()
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	return asked
}

func TestDispatch(t *testing.T) {
	l := listen(t, "[::]:0")
	asked := members(t, l, "127.0.0.0/8", "127.0.4.0/24", "127.0.4.1/32", "::/0", "::1/128", "127.0.0.0/16")
	port := l.Addrs()[0].Port()
	for from, want := range map[string]string{
		"127.0.4.1": "127.0.4.1/32", "127.0.4.2": "127.0.4.0/24", "127.0.5.1": "127.0.0.0/16", "127.9.9.9": "127.0.0.0/8",
		"::1": "::1/128",
	} {
		to := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port)
		if from == "::1" {
			to = netip.AddrPortFrom(netip.IPv6Loopback(), port)
		}
		p := connect(t, from, to)
		if got := <-asked; got != want+" "+from {
			t.Errorf("%s went to %s, want %s", from, got, want)
		}
		p.expectClosed()
	}
	t.Run("removed", func(t *testing.T) {
		for _, prefix := range []string{"127.0.4.1/32", "127.0.4.0/24"} {
			if err := l.Remove(netip.MustParsePrefix(prefix), ""); err != nil {
				t.Error(err)
			}
		}
		connect(t, "127.0.4.1", netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port)).expectClosed()
		if got, want := <-asked, "127.0.0.0/16 127.0.4.1"; got != want {
			t.Errorf("asked for %s, want %s", got, want)
		}
	})
}

func TestFindByZone(t *testing.T) {
	l, err := NewListener(nil, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddr("fe80::1")
	for _, zone := range []string{"eth0", "eth1"} {
		if err := l.Add(Neighbours{Name: zone, Prefix: netip.PrefixFrom(addr, 128), Zone: zone}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Add(Neighbours{Name: "all of eth2", Prefix: netip.MustParsePrefix("fe80::/10"), Zone: "eth2"}); err != nil {
		t.Fatal(err)
	}
	for zone, want := range map[string]string{"eth0": "eth0", "eth1": "eth1", "eth2": "all of eth2", "eth3": ""} {
		if n, ok := l.find(addr.WithZone(zone)); n.Name != want || ok != (want != "") {
			t.Errorf("%s: %q, want %q", zone, n.Name, want)
		}
	}
}

// A dynamic neighbour's session is made when it connects, and takes that very connection.
func TestDynamicNeighbour(t *testing.T) {
	l := listen(t, "127.0.1.1:0")
	h := newRecorder(t)
	err := l.Add(Neighbours{Name: "ix", Prefix: netip.MustParsePrefix("127.0.6.0/24"), Session: func(remote netip.Addr) *Session {
		cfg := tcpConfig("127.0.1.1", remote.String(), 1)
		cfg.Name, cfg.Passive = "ix/"+remote.String(), true
		s := New(cfg, h, logger(t), Options{})
		start(t, s)
		return s
	}})
	if err != nil {
		t.Fatal(err)
	}
	connect(t, "127.0.6.9", l.Addrs()[0]).handshake()
	if got := h.next("established").agreed.PeerAddr.Addr(); got != netip.MustParseAddr("127.0.6.9") {
		t.Errorf("established with %s", got)
	}
}

func TestUnknownNeighboursAreLoggedSeldom(t *testing.T) {
	core, logs := observer.New(zapcore.WarnLevel)
	sockets, err := Listen(context.Background(), []netip.AddrPort{netip.MustParseAddrPort("127.0.1.1:0")})
	if err != nil {
		t.Fatal(err)
	}
	l, err := NewListener(sockets, zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	serve(t, l)
	for range 20 {
		connect(t, "127.0.7.1", l.Addrs()[0]).expectClosed()
	}
	got := logs.FilterField(zap.Stringer("address", netip.MustParseAddr("127.0.7.1"))).Len()
	if got == 0 || got > 4 {
		t.Errorf("20 connections gave %d lines", got)
	}
}

func TestNetworks(t *testing.T) {
	for _, tc := range []struct {
		listen []string
		want   []string
	}{
		{[]string{"[::]:179"}, []string{"tcp"}},
		{[]string{"0.0.0.0:179", "[::]:179"}, []string{"tcp4", "tcp6"}},
		{[]string{"192.0.2.1:179", "[2001:db8::1]:179"}, []string{"tcp4", "tcp6"}},
		{[]string{"192.0.2.1:1179", "[::]:179"}, []string{"tcp4", "tcp"}},
	} {
		var addrs []netip.AddrPort
		for _, a := range tc.listen {
			addrs = append(addrs, netip.MustParseAddrPort(a))
		}
		var got []string
		for _, a := range addrs {
			got = append(got, network(a, addrs))
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%v: %v, want %v", tc.listen, got, tc.want)
		}
	}
}

// IPv4 and IPv6 of one port do not stand in each other's way.
func TestListenOnBothFamilies(t *testing.T) {
	l, port := bothFamilies(t)
	serve(t, l)
	asked := members(t, l, "127.0.4.1/32", "::1/128")
	connect(t, "127.0.4.1", netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port)).expectClosed()
	connect(t, "::1", netip.AddrPortFrom(netip.IPv6Loopback(), port)).expectClosed()
	if len(asked) != 2 {
		t.Errorf("%d of 2 connections", len(asked))
	}
}

// bothFamilies listens on a port that was free a moment ago.
func bothFamilies(t *testing.T) (*Listener, uint16) {
	t.Helper()
	var err error
	for range 10 {
		probe := prepareListener(t, "0.0.0.0:0")
		port := probe.Addrs()[0].Port()
		probe.closeSockets()
		var sockets []net.Listener
		sockets, err = Listen(context.Background(), []netip.AddrPort{
			netip.AddrPortFrom(netip.IPv4Unspecified(), port), netip.AddrPortFrom(netip.IPv6Unspecified(), port)})
		if err != nil {
			continue
		}
		l, err := NewListener(sockets, logger(t))
		if err != nil {
			t.Fatal(err)
		}
		return l, port
	}
	t.Fatal(err)
	return nil, 0
}

// A connection that comes when its session has ended is closed, not forgotten.
func TestIncomingAfterTheEnd(t *testing.T) {
	l := listen(t, "127.0.1.1:0")
	cfg := tcpConfig("127.0.1.1", "127.0.1.8", 1)
	cfg.Passive = true
	s := New(cfg, newRecorder(t), logger(t), Options{})
	admit(t, l, s)
	start(t, s)()
	connect(t, "127.0.1.8", l.Addrs()[0]).expectClosed()
}
