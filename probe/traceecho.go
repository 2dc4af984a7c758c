package probe

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"time"

	"github.com/google/gopacket"
	"golang.org/x/sys/unix"
)

// echoHopper traces with ICMP echo requests. Their flow id is the type, the code, the checksum and the identifier; the sequence
// number tells them apart, and the first bytes of the payload make up for it, so that the checksum stays the same.
type echoHopper struct {
	echoSocket
	to     unix.Sockaddr
	target Target
	seq    uint16
	cookie [traceBytes]byte
	buffer gopacket.SerializeBuffer
	errors errorBuffer
	reply  [512]byte
}

func openEchoHopper(t Target) (hopper, error) {
	socket, err := openEcho(pathOf(t))
	if err != nil {
		return nil, err
	}
	h := &echoHopper{echoSocket: socket, to: sockaddr(t.Addr), target: t, buffer: gopacket.NewSerializeBuffer()}
	rand.Read(h.cookie[:])
	_ = unix.SetsockoptInt(h.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPING, 0) // stamps of transmission would wake us for nothing
	return h, nil
}

func (h *echoHopper) method() string { return "icmp" }

func (h *echoHopper) close() { unix.Close(h.fd) }

func (h *echoHopper) probe(ctx context.Context, ttl int) (*answer, error) {
	if err := setTTL(h.fd, h.v6, ttl); err != nil {
		return nil, err
	}
	h.seq++
	binary.BigEndian.PutUint16(h.cookie[:], ^h.seq)
	packet, err := echo{id: h.id, seq: h.seq, cookie: h.cookie[:]}.encode(h.buffer, h.v6)
	if err != nil {
		return nil, err
	}
	var sent time.Time
	err = transmitHop(func() error {
		sent = time.Now()
		return unix.Sendto(h.fd, packet, unix.MSG_DONTWAIT, h.to)
	})
	if err != nil {
		return nil, err
	}
	return awaitAnswer(ctx, h.fd, sent, h.look)
}

// look takes what is there, and gives the answer to the last packet.
func (h *echoHopper) look() *answer {
	for {
		q, err := h.errors.read(h.fd)
		if err != nil {
			break
		}
		e, err := h.decodeQuote(q.quote)
		if err == nil && e.id == h.id && e.seq == h.seq && sameAddr(q.to, h.target) {
			if a := q.judge(); a != nil {
				return a
			}
		}
	}
	for {
		n, from, err := unix.Recvfrom(h.fd, h.reply[:], unix.MSG_DONTWAIT)
		if err != nil {
			return nil
		}
		e, err := h.decode(h.reply[:n])
		if err == nil && e.reply && e.id == h.id && e.seq == h.seq && string(e.cookie) == string(h.cookie[:]) && sameAddr(addrOf(from), h.target) {
			return &answer{from: h.target.Addr.WithZone(""), arrived: true}
		}
	}
}
