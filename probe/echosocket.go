package probe

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// lanePath is what the packets of one socket have in common.
type lanePath struct {
	v6     bool
	source netip.Addr
	device string
	dscp   uint8
}

func pathOf(t Target) lanePath {
	return lanePath{v6: t.Addr.Is6(), source: t.Source, device: t.Interface, dscp: t.DSCP}
}

// receiveBuffer is asked for; the kernel gives up to net.core.rmem_max.
const receiveBuffer = 4 << 20

// stampFlags ask for software stamps in both directions. Those of transmission
// come numbered and without the packet.
const stampFlags = unix.SOF_TIMESTAMPING_RX_SOFTWARE | unix.SOF_TIMESTAMPING_TX_SOFTWARE |
	unix.SOF_TIMESTAMPING_SOFTWARE | unix.SOF_TIMESTAMPING_OPT_TSONLY

// echoSocket is an open ICMP socket: the datagram kind of Linux, which needs no
// privilege, or a raw one.
type echoSocket struct {
	fd  int
	v6  bool
	raw bool
	id  uint16 // of all its echo requests
}

// openEcho opens a datagram socket, or a raw one where those are closed to us.
func openEcho(path lanePath) (echoSocket, error) {
	s, err := openEchoKind(path, false)
	if errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) {
		s, err = openEchoKind(path, true)
	}
	if errors.Is(err, unix.EPERM) {
		return s, fmt.Errorf("icmp sockets are closed to this process: put its group into sysctl net.ipv4.ping_group_range, or give it CAP_NET_RAW: %w", err)
	}
	return s, err
}

func openEchoKind(path lanePath, raw bool) (echoSocket, error) {
	family, protocol, kind := unix.AF_INET, unix.IPPROTO_ICMP, unix.SOCK_DGRAM
	if path.v6 {
		family, protocol = unix.AF_INET6, unix.IPPROTO_ICMPV6
	}
	if raw {
		kind = unix.SOCK_RAW
	}
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, protocol)
	if err != nil {
		return echoSocket{}, fmt.Errorf("open icmp socket: %w", err)
	}
	s := echoSocket{fd: fd, v6: path.v6, raw: raw}
	if err := s.setUp(path); err != nil {
		unix.Close(fd)
		return echoSocket{}, err
	}
	return s, nil
}

// setUp sets the options, and binds last: from then on replies come in.
func (s *echoSocket) setUp(path lanePath) error {
	addr := netip.IPv4Unspecified()
	if path.v6 {
		addr = netip.IPv6Unspecified()
	}
	if err := setPath(s.fd, Target{Addr: addr, Interface: path.device, DSCP: path.dscp}); err != nil {
		return err
	}
	if err := setRecvErr(s.fd, path.v6); err != nil {
		return err
	}
	s.growBuffer()
	s.restartStamps()
	if s.raw {
		if err := s.choose(); err != nil {
			return err
		}
	}
	if path.source.IsValid() {
		addr = path.source
	}
	if err := unix.Bind(s.fd, sockaddr(addr)); err != nil {
		return fmt.Errorf("bind to source %s: %w", addr, err)
	}
	if s.raw {
		return nil
	}
	return s.learnID()
}

// growBuffer makes room for bursts: past rmem_max with CAP_NET_ADMIN, up to it
// without. A small buffer is no reason not to start; drops are counted.
func (s *echoSocket) growBuffer() {
	if unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil {
		_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
	}
}

// restartStamps asks for stamps, the next of transmission with number 0: the
// kernel starts to count whenever SOF_TIMESTAMPING_OPT_ID is newly set. Where
// there are none, times come from user space and say so.
func (s *echoSocket) restartStamps() {
	for _, flags := range []int{stampFlags, stampFlags | unix.SOF_TIMESTAMPING_OPT_ID} {
		_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPING, flags)
	}
}

// learnID reads the id that the kernel gave to a datagram socket: its port.
func (s *echoSocket) learnID() error {
	bound, err := unix.Getsockname(s.fd)
	if err != nil {
		return fmt.Errorf("read icmp id: %w", err)
	}
	switch bound := bound.(type) {
	case *unix.SockaddrInet4:
		s.id = uint16(bound.Port)
	case *unix.SockaddrInet6:
		s.id = uint16(bound.Port)
	}
	return nil
}

// choose gives a raw socket a random id, and a filter that passes echo replies
// with that id alone: a raw socket is handed all ICMP of the host.
func (s *echoSocket) choose() error {
	var random [2]byte
	rand.Read(random[:])
	s.id = binary.BigEndian.Uint16(random[:])
	program, err := bpf.Assemble(replyFilter(s.v6, s.id))
	if err != nil {
		return fmt.Errorf("assemble icmp filter: %w", err)
	}
	code := make([]unix.SockFilter, len(program))
	for i, in := range program {
		code[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	attach := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	if err := unix.SetsockoptSockFprog(s.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &attach); err != nil {
		return fmt.Errorf("attach icmp filter: %w", err)
	}
	return nil
}

// replyFilter passes echo replies with one id. What a raw socket sees begins
// with the IP header in IPv4 and behind it in IPv6.
func replyFilter(v6 bool, id uint16) []bpf.Instruction {
	const (
		echoReply4 = 0
		echoReply6 = 129
		idOffset   = 4
	)
	pass := []bpf.Instruction{
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(id), SkipTrue: 1},
		bpf.RetConstant{Val: 1 << 16},
		bpf.RetConstant{Val: 0},
	}
	if v6 {
		return append([]bpf.Instruction{
			bpf.LoadAbsolute{Off: 0, Size: 1},
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: echoReply6, SkipTrue: 3},
			bpf.LoadAbsolute{Off: idOffset, Size: 2},
		}, pass...)
	}
	return append([]bpf.Instruction{
		bpf.LoadMemShift{Off: 0},
		bpf.LoadIndirect{Off: 0, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: echoReply4, SkipTrue: 3},
		bpf.LoadIndirect{Off: idOffset, Size: 2},
	}, pass...)
}

// decode reads what the socket received.
func (s *echoSocket) decode(b []byte) (echo, error) {
	if s.raw && !s.v6 {
		return decodeRaw4(b)
	}
	return s.decodeQuote(b)
}

// decodeQuote reads our own message, as an ICMP error quotes it.
func (s *echoSocket) decodeQuote(b []byte) (echo, error) {
	if s.v6 {
		return decodeEcho6(b)
	}
	return decodeEcho4(b)
}

// sockaddr is the address as the kernel takes it. A zone that names no
// interface leaves the scope open, and sending will say so.
func sockaddr(addr netip.Addr) unix.Sockaddr {
	if addr.Is4() {
		return &unix.SockaddrInet4{Addr: addr.As4()}
	}
	return &unix.SockaddrInet6{Addr: addr.As16(), ZoneId: zoneID(addr.Zone())}
}

func zoneID(zone string) uint32 {
	if zone == "" {
		return 0
	}
	if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(n)
	}
	device, err := net.InterfaceByName(zone)
	if err != nil {
		return 0
	}
	return uint32(device.Index)
}

// addrOf is the address in what the kernel gave, without a zone.
func addrOf(from unix.Sockaddr) netip.Addr {
	switch from := from.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrFrom4(from.Addr)
	case *unix.SockaddrInet6:
		return netip.AddrFrom16(from.Addr)
	}
	return netip.Addr{}
}
