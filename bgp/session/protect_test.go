package session

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// impatience bounds waits for what must not come. Too short, it can let a fault pass, but never make a failure.
const impatience = 200 * time.Millisecond

func waitFor(success bool) time.Duration {
	if success {
		return patience
	}
	return impatience
}

// addresses of both ends; IPv6 has but one on the loopback network.
var loopback = map[string]struct{ us, them string }{
	"IPv4": {"127.0.2.1", "127.0.2.2"},
	"IPv6": {"::1", "::1"},
}

// needs skips a test that the kernel cannot run.
func needs(t *testing.T, family string) {
	t.Helper()
	if ln, err := net.Listen("tcp", net.JoinHostPort(loopback[family].us, "0")); err != nil {
		skip(t, "no "+family+" on the loopback interface")
	} else {
		_ = ln.Close()
	}
}

// needsMD5 skips a test that the kernel cannot run.
func needsMD5(t *testing.T) {
	t.Helper()
	ln := tcpPeer(t, "127.0.2.10", nil)
	err := onListener(ln, func(fd, _ int) error { return setMD5(fd, netip.MustParsePrefix("127.0.2.11/32"), "x") })
	if errors.Is(err, unix.ENOPROTOOPT) {
		skip(t, "the kernel was built without TCP MD5")
	}
}

// watched counts the attempts of a session that came to nothing.
func watched(s *Session) (failures chan error) {
	failures = make(chan error, 100)
	s.dial = func(ctx context.Context) (net.Conn, error) {
		conn, err := s.cfg.dialTCP(ctx)
		if err != nil {
			failures <- err
		}
		return conn, err
	}
	return failures
}

// fails waits for an attempt of the session to fail.
func fails(t *testing.T, failures chan error, h *recorder) error {
	t.Helper()
	select {
	case err := <-failures:
		h.silent()
		return err
	case h := <-h.events:
		t.Fatalf("heard %+v", h)
	case <-time.After(patience):
		t.Fatal("no attempt was made, or it had success")
	}
	return nil
}

func key(them netip.Addr, password string) func(fd int) error {
	return func(fd int) error {
		if password == "" {
			return nil
		}
		return setMD5(fd, netip.PrefixFrom(them, them.BitLen()), password)
	}
}

// keyCases are what the two sides may have. A session comes up when it is the same key, and never else, whoever dials.
var keyCases = []struct {
	name, ours, theirs string
	up                 bool
}{
	{"same key", "secret", "secret", true},
	{"another key", "secret", "Secret", false},
	{"they have none", "secret", "", false},
	{"we have none", "", "secret", false},
}

func TestMD5WhenWeDial(t *testing.T) {
	needsMD5(t)
	for family, addr := range loopback {
		for _, tc := range keyCases {
			t.Run(family+"/"+tc.name, func(t *testing.T) {
				needs(t, family)
				t.Parallel()
				ln := tcpPeer(t, addr.them, key(netip.MustParseAddr(addr.us), tc.theirs))
				cfg := tcpConfig(addr.us, addr.them, portOf(ln))
				cfg.Password, cfg.ConnectRetry = tc.ours, waitFor(tc.up)
				h := newRecorder(t)
				s := New(cfg, h, logger(t), Options{})
				failures := watched(s)
				start(t, s)
				if !tc.up {
					_ = fails(t, failures, h)
					return
				}
				accept(t, ln).handshake()
				h.next("established")
			})
		}
	}
}

// dialAs dials a listener from an address with a key; the error says that there was no connection.
func dialAs(t *testing.T, from string, to netip.AddrPort, timeout time.Duration, prepare func(fd int) error) (*script, error) {
	t.Helper()
	d := net.Dialer{
		LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(from), 0)), Timeout: timeout,
		Control: func(_, _ string, raw syscall.RawConn) error { return onSocket(raw, prepare) },
	}
	d.SetMultipathTCP(false)
	conn, err := d.Dial("tcp", to.String())
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(patience))
	return newScript(t, conn), nil
}

func TestMD5WhenTheyDial(t *testing.T) {
	needsMD5(t)
	for family, addr := range loopback {
		for _, tc := range keyCases {
			t.Run(family+"/"+tc.name, func(t *testing.T) {
				needs(t, family)
				t.Parallel()
				l := listen(t, netip.AddrPortFrom(netip.MustParseAddr(addr.us), 0).String())
				cfg := tcpConfig(addr.us, addr.them, 1)
				cfg.Password, cfg.Passive = tc.ours, true
				h := newRecorder(t)
				s := New(cfg, h, logger(t), Options{})
				start(t, s)
				admit(t, l, s)
				p, err := dialAs(t, addr.them, l.Addrs()[0], waitFor(tc.up), key(netip.MustParseAddr(addr.us), tc.theirs))
				if (err == nil) != tc.up {
					t.Fatalf("connection: %v", err)
				}
				if tc.up {
					p.handshake()
					h.next("established")
				}
				h.silent()
			})
		}
	}
}

// A listening socket for both families knows IPv4 neighbours by their mapped addresses, ranges included; a reload
// changes keys while it listens.
func TestMD5OnDualStackSocket(t *testing.T) {
	needsMD5(t)
	l := listen(t, "[::]:0")
	to := netip.AddrPortFrom(netip.MustParseAddr("127.0.2.5"), l.Addrs()[0].Port())
	hosts, ranges := netip.MustParsePrefix("127.0.2.6/32"), netip.MustParsePrefix("127.0.3.0/24")
	for _, prefix := range []netip.Prefix{hosts, ranges} {
		from := prefix.Addr().String()
		if !prefix.IsSingleIP() {
			from = "127.0.3.77"
		}
		attempt := func(password string, want bool) {
			t.Helper()
			p, err := dialAs(t, from, to, waitFor(want), key(to.Addr(), password))
			if err == nil {
				_ = p.conn.Close()
			}
			if (err == nil) != want {
				t.Errorf("%s, password %q: %v", prefix, password, err)
			}
		}
		set := func(password string) {
			if err := l.Add(Neighbours{Name: "r", Prefix: prefix, Password: password, Session: func(netip.Addr) *Session { return nil }}); err != nil {
				t.Fatal(err)
			}
		}
		set("one")
		attempt("one", true)
		attempt("two", false)
		attempt("", false)
		set("two")
		attempt("two", true)
		attempt("one", false)
		set("")
		attempt("", true)
		attempt("two", false)
		set("three")
		if err := l.Remove(prefix, ""); err != nil {
			t.Error(err)
		}
		attempt("", true)
	}
}

func ttl(v4 bool, hops int) func(fd int) error {
	return func(fd int) error {
		o, _, _ := ttlOptions(v4)
		o.want = hops
		return setOptions(fd, []option{o})
	}
}

// Under GTSM what has come further than agreed makes no session, whoever dials.
func TestGTSM(t *testing.T) {
	for family, addr := range loopback {
		v4 := family == "IPv4"
		for _, tc := range []struct {
			name      string
			hops, ttl int
			up        bool
		}{
			{"one hop, directly connected", 1, 255, true},
			{"one hop, a hop away", 1, 254, false},
			{"one hop, a default TTL", 1, 64, false},
			{"two hops, a hop away", 2, 254, true},
			{"two hops, two hops away", 2, 253, false},
			{"off", 0, 3, true},
		} {
			t.Run(family+"/we dial/"+tc.name, func(t *testing.T) {
				needs(t, family)
				t.Parallel()
				ln := tcpPeer(t, addr.them, ttl(v4, tc.ttl))
				cfg := tcpConfig(addr.us, addr.them, portOf(ln))
				cfg.GTSMHops, cfg.ConnectRetry = tc.hops, waitFor(tc.up)
				h := newRecorder(t)
				s := New(cfg, h, logger(t), Options{})
				failures := watched(s)
				start(t, s)
				if !tc.up {
					_ = fails(t, failures, h)
					return
				}
				accept(t, ln).handshake()
				h.next("established")
			})
			t.Run(family+"/they dial/"+tc.name, func(t *testing.T) {
				needs(t, family)
				t.Parallel()
				l := listen(t, netip.AddrPortFrom(netip.MustParseAddr(addr.us), 0).String())
				cfg := tcpConfig(addr.us, addr.them, 1)
				cfg.GTSMHops, cfg.Passive = tc.hops, true
				h := newRecorder(t)
				s := New(cfg, h, logger(t), Options{})
				start(t, s)
				admit(t, l, s)
				p, err := dialAs(t, addr.them, l.Addrs()[0], patience, ttl(v4, tc.ttl))
				if err != nil {
					t.Fatal(err) // the SYN alone is still taken in
				}
				if tc.up {
					p.handshake()
					h.next("established")
					return
				}
				p.expectClosed()
				h.silent()
			})
		}
	}
}

// What is set on a connection, dialled or accepted, is really there.
func TestSocketOptions(t *testing.T) {
	cfg := testConfig()
	cfg.GTSMHops = 3
	ln := tcpPeer(t, "127.0.2.9", func(fd int) error { return setOptions(fd, listenerOptions(unix.AF_INET)) })
	cfg.Addr, cfg.Port = netip.MustParseAddr("127.0.2.9"), portOf(ln)
	if err := onListener(ln, func(fd, _ int) error { return ttl(true, 255)(fd) }); err != nil {
		t.Fatal(err)
	}
	conn, err := cfg.dialTCP(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	accepted, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	if err := cfg.tune(accepted); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]net.Conn{"dialled": conn, "accepted": accepted} {
		for opt, want := range map[int]int{unix.IP_TTL: 255, unix.IP_MINTTL: 253, unix.IP_TOS: 0xc0} {
			raw, _ := c.(*net.TCPConn).SyscallConn()
			err := onSocket(raw, func(fd int) error {
				got, err := unix.GetsockoptInt(fd, unix.IPPROTO_IP, opt)
				if got != want {
					t.Errorf("%s: option %d is %d, want %d", name, opt, got, want)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}
	}
}

// An option that cannot be set makes the attempt fail, and says which.
func TestFailedOptionFailsTheAttempt(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no-such-device": func(c *Config) { c.Interface = "no-such-device" },
		"TCP MD5":        func(c *Config) { c.Password = strings.Repeat("x", 81) },
		"gtsm":           func(c *Config) { c.GTSMHops = 300 },
		"ttl":            func(c *Config) { c.TTL = 300 },
	} {
		ln := tcpPeer(t, "127.0.2.8", nil)
		cfg := tcpConfig("127.0.2.7", "127.0.2.8", portOf(ln))
		change(&cfg)
		h := newRecorder(t)
		s := New(cfg, h, logger(t), Options{})
		failures := watched(s)
		start(t, s)
		if err := fails(t, failures, h); !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSYN(t *testing.T) {
	if _, err := synTTL(nil); err == nil {
		t.Error("no SYN, no error")
	}
	if _, err := synTTL([]byte{0x45, 0, 0}); err == nil {
		t.Error("a cut SYN, no error")
	}
	v4, v6 := make([]byte, 40), make([]byte, 60)
	v4[0], v4[8], v6[0], v6[7] = 0x45, 254, 0x60, 253
	if got, err := synTTL(v4); got != 254 || err != nil {
		t.Error(got, err)
	}
	if got, err := synTTL(v6); got != 253 || err != nil {
		t.Error(got, err)
	}
}

// The sockets of systemd may be of any kind; only plain TCP will do.
func TestListenerRefusesOtherSockets(t *testing.T) {
	ln, err := net.Listen("unix", t.TempDir()+"/s")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if _, err := NewListener([]net.Listener{ln}, logger(t)); err == nil {
		t.Error("no error")
	}
	if errors.Is(err, net.ErrClosed) {
		t.Error("it was closed")
	}
}
