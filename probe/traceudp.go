package probe

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// tracePort is the port that traceroute has always begun with; nobody listens there.
const tracePort = 33434

// udpHopper traces with UDP, all from one port to another: the flow id is the addresses and ports. The number of the packet stands
// in the payload, and is compared as far as routers quote it; RFC 792 asks for no more than the header.
type udpHopper struct {
	fd      int
	v6      bool
	target  Target
	number  uint16
	payload [traceBytes]byte
	errors  errorBuffer
	reply   [512]byte
}

func openUDPHopper(t Target) (hopper, error) {
	h := &udpHopper{v6: t.Addr.Is6(), target: t}
	family := unix.AF_INET
	if h.v6 {
		family = unix.AF_INET6
	}
	var err error
	if h.fd, err = unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0); err != nil {
		return nil, fmt.Errorf("open udp socket: %w", err)
	}
	rand.Read(h.payload[:])
	if err := h.setUp(); err != nil {
		unix.Close(h.fd)
		return nil, err
	}
	return h, nil
}

func (h *udpHopper) setUp() error {
	if err := setPath(h.fd, h.target); err != nil {
		return err
	}
	if err := setRecvErr(h.fd, h.v6); err != nil {
		return err
	}
	if h.target.Source.IsValid() {
		if err := unix.Bind(h.fd, sockaddr(h.target.Source)); err != nil {
			return fmt.Errorf("bind to source %s: %w", h.target.Source, err)
		}
	}
	return nil
}

func (h *udpHopper) method() string { return "udp" }

func (h *udpHopper) close() { unix.Close(h.fd) }

func (h *udpHopper) probe(ctx context.Context, ttl int) (*answer, error) {
	if err := setTTL(h.fd, h.v6, ttl); err != nil {
		return nil, err
	}
	h.number++
	binary.BigEndian.PutUint16(h.payload[:], h.number)
	var sent time.Time
	err := transmitHop(func() error {
		sent = time.Now()
		return unix.Sendto(h.fd, h.payload[:], unix.MSG_DONTWAIT, h.destination())
	})
	if err != nil {
		return nil, err
	}
	return awaitAnswer(ctx, h.fd, sent, h.look)
}

func (h *udpHopper) destination() unix.Sockaddr {
	to := sockaddr(h.target.Addr)
	switch to := to.(type) {
	case *unix.SockaddrInet4:
		to.Port = tracePort
	case *unix.SockaddrInet6:
		to.Port = tracePort
	}
	return to
}

// look takes what is there, and gives the answer to the last packet.
func (h *udpHopper) look() *answer {
	for {
		q, err := h.errors.read(h.fd)
		if err != nil {
			break
		}
		n := min(len(q.quote), len(h.payload))
		if sameAddr(q.to, h.target) && string(q.quote[:n]) == string(h.payload[:n]) {
			if a := q.judge(); a != nil {
				return a
			}
		}
	}
	for { // somebody does listen there
		_, from, err := unix.Recvfrom(h.fd, h.reply[:], unix.MSG_DONTWAIT)
		if err != nil {
			return nil
		}
		if sameAddr(addrOf(from), h.target) {
			return &answer{from: h.target.Addr.WithZone(""), arrived: true}
		}
	}
}

// sameAddr says whether an address that the kernel gave is that of the target.
func sameAddr(addr netip.Addr, t Target) bool { return addr.Unmap() == t.Addr.Unmap().WithZone("") }
