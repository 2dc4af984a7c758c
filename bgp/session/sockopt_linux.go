package session

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// precedence marks BGP as Internetwork Control (CS6), as RFC 4271 appendix E recommends.
	precedence = 0xc0

	maxTTL = 255
)

// option is one integer socket option; name says in errors what it is for.
type option struct {
	name             string
	level, opt, want int
}

// ttlOptions are the names of one thing in IPv4 and IPv6.
func ttlOptions(v4 bool) (ttl, minTTL, tos option) {
	if v4 {
		return option{"ttl", unix.IPPROTO_IP, unix.IP_TTL, 0}, option{"gtsm", unix.IPPROTO_IP, unix.IP_MINTTL, 0},
			option{"precedence", unix.IPPROTO_IP, unix.IP_TOS, precedence}
	}
	return option{"hop limit", unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, 0}, option{"gtsm", unix.IPPROTO_IPV6, unix.IPV6_MINHOPCOUNT, 0},
		option{"traffic class", unix.IPPROTO_IPV6, unix.IPV6_TCLASS, precedence}
}

// peerOptions are those of every connection with this neighbour, dialled or accepted. Under GTSM we send the highest
// TTL, and take no segment that has come more hops than were agreed (RFC 5082 section 3).
func (c *Config) peerOptions() []option {
	ttl, minTTL, tos := ttlOptions(c.Addr.Unmap().Is4())
	opts := []option{tos}
	switch {
	case c.GTSMHops > 0:
		ttl.want, minTTL.want = maxTTL, maxTTL+1-c.GTSMHops
		opts = append(opts, ttl, minTTL)
	case c.TTL > 0:
		ttl.want = c.TTL
		opts = append(opts, ttl)
	}
	return opts
}

func setOptions(fd int, opts []option) error {
	for _, o := range opts {
		if err := unix.SetsockoptInt(fd, o.level, o.opt, o.want); err != nil {
			return fmt.Errorf("set socket option for %s: %w", o.name, err)
		}
	}
	return nil
}

// control prepares the socket of a dial. Any option that fails makes the attempt fail: a session that is less
// protected than configured must not come up.
func (c *Config) control(_, _ string, raw syscall.RawConn) error {
	return onSocket(raw, func(fd int) error {
		if c.Interface != "" && !c.linkLocal() { // the zone of a link-local address says it already
			if err := unix.BindToDevice(fd, c.Interface); err != nil {
				return fmt.Errorf("bind to interface %q: %w", c.Interface, err)
			}
		}
		if err := setOptions(fd, c.peerOptions()); err != nil {
			return err
		}
		if c.Password == "" {
			return nil
		}
		addr := c.Addr.Unmap()
		return setMD5(fd, netip.PrefixFrom(addr.WithZone(""), addr.BitLen()), c.Password)
	})
}

// tune prepares an accepted connection; its MD5 key came with the listening socket.
func (c *Config) tune(conn net.Conn) error {
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return nil // no socket, so nothing to tune or to protect
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return err
	}
	return onSocket(raw, func(fd int) error {
		if err := setOptions(fd, c.peerOptions()); err != nil {
			return err
		}
		if c.GTSMHops > 0 {
			return checkSYN(fd, maxTTL+1-c.GTSMHops)
		}
		return nil
	})
}

// checkSYN looks at the TTL of the SYN that opened an accepted connection. A listening socket serves neighbours of
// all distances, so that only now the segments have a least TTL; those that came before are covered by this.
func checkSYN(fd, least int) error {
	syn, err := savedSYN(fd)
	if err != nil {
		return fmt.Errorf("read the SYN for gtsm: %w", err)
	}
	ttl, err := synTTL(syn)
	if err != nil {
		return err
	}
	if ttl < least {
		return fmt.Errorf("the connection came with ttl %d, but gtsm_hops demands at least %d", ttl, least)
	}
	return nil
}

// savedSYN gives the IP and TCP headers of the SYN, once. There is no getter for options of bytes that may be zero.
func savedSYN(fd int) ([]byte, error) {
	buf := make([]byte, 256)
	n := uint32(len(buf))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.IPPROTO_TCP, unix.TCP_SAVED_SYN,
		uintptr(unsafe.Pointer(&buf[0])), uintptr(unsafe.Pointer(&n)), 0)
	if errno != 0 {
		return nil, errno
	}
	return buf[:n], nil
}

// synTTL reads the TTL or hop limit of a saved IP header.
func synTTL(syn []byte) (int, error) {
	switch {
	case len(syn) > 8 && syn[0]>>4 == 4:
		return int(syn[8]), nil
	case len(syn) > 7 && syn[0]>>4 == 6:
		return int(syn[7]), nil
	}
	return 0, errors.New("the kernel kept no SYN, so gtsm cannot be checked")
}

// listenerOptions prepare a listening socket: its SYN-ACKs must reach neighbours that use GTSM, and their SYNs are kept
// for checkSYN. One of IPv6 may hear IPv4 neighbours too.
func listenerOptions(domain int) []option {
	ttl, _, tos := ttlOptions(true)
	ttl.want = maxTTL
	opts := []option{ttl, tos, {"gtsm", unix.IPPROTO_TCP, unix.TCP_SAVE_SYN, 1}}
	if domain == unix.AF_INET6 {
		limit, _, class := ttlOptions(false)
		limit.want = maxTTL
		opts = append(opts, limit, class)
	}
	return opts
}

// setMD5 sets the TCP MD5 key (RFC 2385) for a neighbour, or for all neighbours of a range, on a socket; an empty
// password takes it away. An IPv6 socket knows IPv4 neighbours by their mapped addresses.
func setMD5(fd int, neighbours netip.Prefix, password string) error {
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil {
		return fmt.Errorf("ask for the socket's family: %w", err)
	}
	sig := &unix.TCPMD5Sig{Keylen: uint16(len(password)), Prefixlen: uint8(neighbours.Bits())}
	if len(password) > len(sig.Key) {
		return fmt.Errorf("the TCP MD5 password has %d bytes: use at most %d", len(password), len(sig.Key))
	}
	copy(sig.Key[:], password)
	putSockaddr(&sig.Addr, domain, neighbours.Addr())
	opt := unix.TCP_MD5SIG
	if !neighbours.IsSingleIP() {
		opt, sig.Flags = unix.TCP_MD5SIG_EXT, unix.TCP_MD5SIG_FLAG_PREFIX
	}
	err = unix.SetsockoptTCPMD5Sig(fd, unix.IPPROTO_TCP, opt, sig)
	if password == "" && (errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOPROTOOPT)) {
		return nil // there was none, or there can be none
	}
	if err != nil {
		return fmt.Errorf("set the TCP MD5 key for %s: %w", neighbours, err)
	}
	return nil
}

// putSockaddr writes a struct sockaddr_in or sockaddr_in6 without port: after the family two bytes of port, in IPv6
// four of flow label, and the address.
func putSockaddr(to *unix.SockaddrStorage, domain int, addr netip.Addr) {
	to.Family = uint16(domain)
	if domain == unix.AF_INET {
		a := addr.As4()
		copy(to.Data[2:], a[:])
		return
	}
	a := addr.As16()
	copy(to.Data[6:], a[:])
}

// hears says whether a socket of this family can have this neighbour.
func hears(domain int, addr netip.Addr) bool { return domain == unix.AF_INET6 || addr.Is4() }

// unreadBytes is what lies in the socket's receive buffer; 0 for what is no socket.
func unreadBytes(conn net.Conn) int {
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return 0
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return 0
	}
	n := 0
	_ = onSocket(raw, func(fd int) (err error) { // on a closed socket there is nothing to read
		n, err = unix.IoctlGetInt(fd, unix.TIOCINQ)
		return err
	})
	return n
}

// onSocket runs f on the descriptor.
func onSocket(raw syscall.RawConn, f func(fd int) error) error {
	var err error
	if ctlErr := raw.Control(func(fd uintptr) { err = f(int(fd)) }); ctlErr != nil {
		return ctlErr
	}
	return err
}
