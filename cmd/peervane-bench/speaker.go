package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"peervane/bgp"
	"peervane/bgp/wire"
)

// speaker is a neighbour of whoever is measured. It connects from an address of its own, says what it is told to, and
// reads all that comes, so that it is never what the other side waits for.
type speaker struct {
	asn  uint32
	addr netip.Addr
	conn net.Conn

	mu   sync.Mutex // between writers: the table and keepalives
	done chan struct{}
	work sync.WaitGroup
	err  error // why it ended; after done
}

const (
	holdTime  = 240
	monitorAS = 64512
)

// speakerASN and speakerAddr are those of the i-th neighbour.
func speakerASN(i int) uint32      { return 64601 + uint32(i) }
func speakerAddr(i int) netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 1, byte(1 + i)}) }

// connect brings the session of the i-th neighbour up.
func connect(ctx context.Context, to netip.AddrPort, i int) (*speaker, error) {
	s := &speaker{asn: speakerASN(i), addr: speakerAddr(i), done: make(chan struct{})}
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(s.addr, 0))}
	d.SetMultipathTCP(false)
	for {
		err := s.dial(ctx, &d, to)
		if err == nil {
			break
		}
		select { // the receiver may be starting
		case <-ctx.Done():
			return nil, fmt.Errorf("no session from %s: %w", s.addr, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
	go s.read()
	return s, nil
}

func (s *speaker) dial(ctx context.Context, d *net.Dialer, to netip.AddrPort) error {
	conn, err := d.DialContext(ctx, "tcp", to.String())
	if err != nil {
		return err
	}
	s.conn = conn
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	open := wire.Open{Version: wire.Version, ASN: s.asn, HoldTime: holdTime, RouterID: s.addr.As4()}
	// Graceful restart is there to say that End-of-RIB will come; no family is listed.
	open.Caps = wire.Capabilities{AS4: true, ASN4: s.asn, HasMP: true, RouteRefresh: true, Families: speaks.Families, GR: &wire.GracefulRestart{}}
	if err = s.handshake(&open); err != nil {
		_ = conn.Close()
		return err
	}
	return conn.SetDeadline(time.Time{})
}

// handshake is over when both have sent their KEEPALIVE.
func (s *speaker) handshake(open *wire.Open) error {
	if _, err := s.conn.Write(open.Append(nil)); err != nil {
		return err
	}
	for opened := false; ; {
		typ, body, err := s.message()
		switch {
		case err != nil:
			return err
		case typ == wire.TypeOpen:
			opened = true
			if _, err := s.conn.Write(wire.AppendKeepalive(nil)); err != nil {
				return err
			}
		case typ == wire.TypeKeepalive && opened:
			return nil
		case typ == wire.TypeNotification:
			return fmt.Errorf("NOTIFICATION: %s", wire.ParseNotification(body).Text())
		}
	}
}

func (s *speaker) message() (typ uint8, body []byte, err error) {
	var header [wire.HeaderLen]byte
	if _, err := io.ReadFull(s.conn, header[:]); err != nil {
		return 0, nil, err
	}
	typ, length, bad := wire.ParseHeader(header[:], wire.MaxLen)
	if bad != nil {
		return 0, nil, bad
	}
	body = make([]byte, length-wire.HeaderLen)
	_, err = io.ReadFull(s.conn, body)
	return typ, body, err
}

// read takes in what comes, answers for the session, and ends with it.
func (s *speaker) read() {
	defer close(s.done)
	for {
		typ, body, err := s.message()
		if err == nil && typ == wire.TypeNotification {
			err = fmt.Errorf("NOTIFICATION: %s", wire.ParseNotification(body).Text())
		}
		if err != nil {
			s.err = err
			return
		}
		if typ == wire.TypeKeepalive {
			s.work.Go(func() { _ = s.send(wire.AppendKeepalive(nil)) }) // not to wait for a table that is being written
		}
	}
}

func (s *speaker) send(b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.conn.Write(b)
	return err
}

// announce and withdraw say one route.
func (s *speaker) announce(p netip.Prefix, path ...uint32) error {
	a := &bgp.Attrs{Path: bgp.Sequence(append([]uint32{s.asn}, path...)...), NextHop: nextHops[bgp.FamilyOf(p)]}
	return s.send(wire.AppendUpdate(nil, speaks, a, []wire.NLRI{{Prefix: p}}, nil))
}

func (s *speaker) withdraw(p netip.Prefix) error {
	return s.send(wire.AppendUpdate(nil, speaks, nil, nil, []wire.NLRI{{Prefix: p}}))
}

func (s *speaker) close() {
	_ = s.conn.Close()
	<-s.done
	s.work.Wait()
}
