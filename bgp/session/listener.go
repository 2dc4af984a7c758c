package session

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
	"golang.org/x/time/rate"
)

// Neighbours are those of one address, or of a range of addresses, whose connections a Listener takes. The kernel wants
// the password of a range from every address in it that has none of its own.
type Neighbours struct {
	Name     string
	Prefix   netip.Prefix // of a single address for a configured neighbour, wider for dynamic ones
	Zone     string       // the interface of a link-local address
	Password string       // TCP MD5 (RFC 2385)

	// Session gives the session of a neighbour in Prefix, making it where it must; nil refuses the neighbour. It is
	// called on the goroutines of the Listener, and must not block.
	Session func(remote netip.Addr) *Session
}

// Listener takes connections on any number of listening sockets and hands each to the session of its neighbour: a
// configured one first, then the longest range. Neighbours may come and go while it runs.
type Listener struct {
	sockets []*net.TCPListener
	log     *zap.Logger
	unknown *rate.Limiter // of log lines

	mu      sync.Mutex
	single  map[netip.Addr]Neighbours
	ranges  []Neighbours // longest first
	unheard int          // unknown sources since one was logged
}

// Listen opens listening sockets for NewListener. "[::]" takes IPv4 too, unless an IPv4 address of the same port is
// among addrs.
func Listen(ctx context.Context, addrs []netip.AddrPort) ([]net.Listener, error) {
	var lc net.ListenConfig
	lc.SetMultipathTCP(false) // TCP MD5 cannot be set on MPTCP sockets
	var sockets []net.Listener
	for _, addr := range addrs {
		ln, err := lc.Listen(ctx, network(addr, addrs), addr.String())
		if err != nil {
			for _, ln := range sockets {
				_ = ln.Close()
			}
			if errors.Is(err, unix.EADDRINUSE) {
				err = fmt.Errorf("%w: where this host's own router has the port, give daemon.listen another address, or none", err)
			}
			return nil, fmt.Errorf("listen for BGP on %s: %w", addr, err)
		}
		sockets = append(sockets, ln)
	}
	return sockets, nil
}

func network(addr netip.AddrPort, all []netip.AddrPort) string {
	samePortV4 := func(other netip.AddrPort) bool { return other.Addr().Is4() && other.Port() == addr.Port() }
	switch {
	case addr.Addr().Is4():
		return "tcp4"
	case addr.Addr().IsUnspecified() && !slices.ContainsFunc(all, samePortV4):
		return "tcp"
	}
	return "tcp6"
}

// NewListener takes over listening sockets, those of Listen or of systemd, and prepares them; after an error they are
// still the caller's. It starts nothing.
func NewListener(sockets []net.Listener, log *zap.Logger) (*Listener, error) {
	l := &Listener{
		log: log, unknown: rate.NewLimiter(rate.Every(10*time.Second), 3),
		single: make(map[netip.Addr]Neighbours),
	}
	for _, s := range sockets {
		tcp, ok := s.(*net.TCPListener)
		if !ok {
			return nil, fmt.Errorf("%s is no TCP socket: BGP needs one", s.Addr())
		}
		prepare := func(fd, domain int) error { return setOptions(fd, listenerOptions(domain)) }
		if err := onListener(tcp, prepare); err != nil {
			return nil, fmt.Errorf("prepare the BGP socket %s: %w", s.Addr(), err)
		}
		l.sockets = append(l.sockets, tcp)
	}
	return l, nil
}

// Addrs are where it listens.
func (l *Listener) Addrs() []netip.AddrPort {
	var addrs []netip.AddrPort
	for _, s := range l.sockets {
		addrs = append(addrs, s.Addr().(*net.TCPAddr).AddrPort())
	}
	return addrs
}

// Add lets neighbours connect; those that it knew by the same prefix and zone are replaced. After an error, which is
// one of the TCP MD5 key, they are not let in.
func (l *Listener) Add(n Neighbours) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(n.Prefix, n.Zone)
	if err := l.setKeys(n.Prefix, n.Password); err != nil {
		return fmt.Errorf("peer %s: %w", n.Name, err)
	}
	if n.Prefix.IsSingleIP() {
		l.single[n.Prefix.Addr().WithZone(n.Zone)] = n
		return nil
	}
	l.ranges = append(l.ranges, n)
	slices.SortStableFunc(l.ranges, func(a, b Neighbours) int { return b.Prefix.Bits() - a.Prefix.Bits() })
	return nil
}

// Remove lets the neighbours of a prefix connect no more; their sessions are untouched.
func (l *Listener) Remove(prefix netip.Prefix, zone string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(prefix, zone)
	return l.setKeys(prefix, "")
}

func (l *Listener) forget(prefix netip.Prefix, zone string) {
	if prefix.IsSingleIP() {
		delete(l.single, prefix.Addr().WithZone(zone))
		return
	}
	l.ranges = slices.DeleteFunc(l.ranges, func(n Neighbours) bool { return n.Prefix == prefix && n.Zone == zone })
}

// setKeys sets or clears a TCP MD5 key on every socket that can have such neighbours.
func (l *Listener) setKeys(prefix netip.Prefix, password string) error {
	for _, s := range l.sockets {
		err := onListener(s, func(fd, domain int) error {
			if !hears(domain, prefix.Addr()) {
				return nil
			}
			return setMD5(fd, prefix, password)
		})
		if err != nil {
			return fmt.Errorf("socket %s: %w", s.Addr(), err)
		}
	}
	return nil
}

// Run takes connections until ctx ends; then it closes the sockets. Its error is that of a socket that failed.
func (l *Listener) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, l.closeSockets)
	defer stop()
	defer l.closeSockets()
	var work sync.WaitGroup
	failures := make([]error, len(l.sockets))
	for i, s := range l.sockets {
		work.Go(func() {
			if failures[i] = l.serve(ctx, s); failures[i] != nil {
				l.closeSockets() // a monitor that hears half of its neighbours must not look sound
			}
		})
	}
	work.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return errors.Join(failures...)
}

func (l *Listener) closeSockets() {
	for _, s := range l.sockets {
		_ = s.Close()
	}
}

// serve takes the connections of one socket.
func (l *Listener) serve(ctx context.Context, s *net.TCPListener) error {
	for {
		conn, err := s.AcceptTCP()
		switch {
		case err == nil:
			l.dispatch(conn)
		case ctx.Err() != nil || errors.Is(err, net.ErrClosed):
			return nil
		case outOfResources(err):
			l.log.Error("cannot accept BGP connections for now", zap.Error(err))
			if !pause(ctx, time.Second) {
				return nil
			}
		default:
			return fmt.Errorf("accept on %s: %w", s.Addr(), err)
		}
	}
}

// outOfResources says whether accept may work again when others have let go of something.
func outOfResources(err error) bool {
	for _, errno := range []syscall.Errno{unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// pause waits; false means that ctx has ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (l *Listener) dispatch(conn net.Conn) {
	remote := addrPort(conn.RemoteAddr()).Addr()
	if n, ok := l.find(remote); ok {
		if s := n.Session(remote); s != nil {
			s.Incoming(conn)
			return
		}
	}
	_ = conn.Close()
	l.refused(remote)
}

// find gives the neighbours that an address belongs to.
func (l *Listener) find(remote netip.Addr) (Neighbours, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n, ok := l.single[remote]; ok {
		return n, true
	}
	i := slices.IndexFunc(l.ranges, func(n Neighbours) bool {
		return n.Zone == remote.Zone() && n.Prefix.Contains(remote.WithZone(""))
	})
	if i < 0 {
		return Neighbours{}, false
	}
	return l.ranges[i], true
}

// refused logs an unknown source, at a limited rate.
func (l *Listener) refused(remote netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unheard++
	if l.unknown.Allow() {
		l.log.Warn("connection from an unknown neighbour refused", zap.Stringer("address", remote), zap.Int("count", l.unheard))
		l.unheard = 0
	}
}

// onListener runs f on the descriptor of a listening socket and the family it is of.
func onListener(s *net.TCPListener, f func(fd, domain int) error) error {
	raw, err := s.SyscallConn()
	if err != nil {
		return err
	}
	return onSocket(raw, func(fd int) error {
		domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
		if err != nil {
			return err
		}
		return f(fd, domain)
	})
}
