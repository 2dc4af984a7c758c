package probe

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// TestCorruptedReplyIsNoReply answers with checksums that are wrong: nothing of
// such an answer can be trusted, so it is not even foreign. Nor is it a drop of
// ours, whatever the socket counts: an outage must not hide behind it.
func TestCorruptedReplyIsNoReply(t *testing.T) {
	eachSocket(t, func(t *testing.T, l *lab, v6 bool) {
		fd := -1
		l.in(t, l.far, func() {
			var err error
			fd, err = unix.Socket(either(v6, unix.AF_INET, unix.AF_INET6), unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
			must(t, err)
		})
		t.Cleanup(func() { unix.Close(fd) })
		l.respond(t, v6, func(_ *responder, q request) {
			corrupted := either(v6, corrupted4, corrupted6)
			if err := unix.Sendto(fd, corrupted(q), 0, sockaddr(q.from)); err != nil {
				t.Error(err)
			}
		})
		b := l.probe(t, labTarget(either(v6, far4, far6)), 1, quick)[0]
		expect(t, b.Lost, 3)
		expect(t, b.LocalDrop, 0)
		expect(t, b.Received, 0)
		expect(t, b.Foreign, 0)
	})
}

// corrupted4 is an IPv4 packet with an echo reply whose checksum is wrong.
func corrupted4(q request) []byte {
	message := sealed(append([]byte{0, 0, 0, 0, byte(q.id >> 8), byte(q.id), byte(q.seq >> 8), byte(q.seq)}, q.cookie...))
	message[2] ^= 0xff
	header := ip4Header(len(message), unix.IPPROTO_ICMP)
	from, to := netip.MustParseAddr(far4).As4(), q.from.As4()
	copy(header[12:], from[:])
	copy(header[16:], to[:])
	return append(header, message...)
}

// corrupted6 is that of IPv6, whose checksum covers the addresses, too.
func corrupted6(q request) []byte {
	from, to := netip.MustParseAddr(far6).As16(), q.from.As16()
	message := append([]byte{129, 0, 0, 0, byte(q.id >> 8), byte(q.id), byte(q.seq >> 8), byte(q.seq)}, q.cookie...)
	pseudo := append(append([]byte{}, from[:]...), to[:]...)
	pseudo = append(binary.BigEndian.AppendUint32(pseudo, uint32(len(message))), 0, 0, 0, unix.IPPROTO_ICMPV6)
	binary.BigEndian.PutUint16(message[2:], checksum(append(pseudo, message...))^0xff00)
	header := []byte{0x60, 0, 0, 0, 0, byte(len(message)), unix.IPPROTO_ICMPV6, 64}
	header = append(append(header, from[:]...), to[:]...)
	return append(header, message...)
}
