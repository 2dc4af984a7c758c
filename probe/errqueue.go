package probe

import (
	"encoding/binary"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ICMP types of RFC 792 and RFC 4443 that end the way of a packet.
const (
	icmp4Unreachable  = 3
	icmp4TimeExceeded = 11
	icmp6Unreachable  = 1
	icmp6TimeExceeded = 3

	icmp4FragNeeded = 4 // a code of icmp4Unreachable, of path MTU discovery
)

const (
	sizeofTimespec    = int(unsafe.Sizeof(unix.Timespec{}))
	sizeofExtendedErr = int(unsafe.Sizeof(unix.SockExtendedErr{}))
)

// queued is one message of a socket's error queue: the stamp of a transmitted
// packet, or an ICMP error about one.
type queued struct {
	origin   uint8 // SO_EE_ORIGIN_…
	icmpType uint8
	icmpCode uint8
	key      uint32     // of a stamp: the number of the packet, from SOF_TIMESTAMPING_OPT_ID
	stamp    int64      // of a stamp: nanoseconds of the wall clock
	offender netip.Addr // of an ICMP error: who sent it
	to       netip.Addr // of an ICMP error: where our packet was going
	quote    []byte     // of an ICMP error: our packet as it was quoted; valid until the next read
}

// transmitted is true of a stamp.
func (q *queued) transmitted() bool {
	return q.origin == unix.SO_EE_ORIGIN_TIMESTAMPING && q.stamp != 0
}

// unreachable is true of an ICMP error that says that the packet did not
// arrive.
func (q *queued) unreachable() bool {
	switch q.origin {
	case unix.SO_EE_ORIGIN_ICMP:
		return q.icmpType == icmp4Unreachable && q.icmpCode != icmp4FragNeeded || q.icmpType == icmp4TimeExceeded
	case unix.SO_EE_ORIGIN_ICMP6:
		return q.icmpType == icmp6Unreachable || q.icmpType == icmp6TimeExceeded
	}
	return false
}

// errorBuffer is room for one message of an error queue.
type errorBuffer struct {
	data [256]byte
	oob  [512]byte
}

// read takes the next message without waiting; unix.EAGAIN when there is none.
func (b *errorBuffer) read(fd int) (queued, error) {
	n, oobn, _, to, err := unix.Recvmsg(fd, b.data[:], b.oob[:], unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
	if err != nil {
		return queued{}, err
	}
	q := parseQueued(b.oob[:oobn])
	q.to, q.quote = addrOf(to), b.data[:n]
	return q, nil
}

// parseQueued reads the control messages of an error queue, of both families.
func parseQueued(oob []byte) queued {
	var q queued
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return q
	}
	for _, m := range messages {
		switch {
		case m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SO_TIMESTAMPING:
			q.stamp = softwareStamp(m.Data)
		case m.Header.Level == unix.SOL_IP && m.Header.Type == unix.IP_RECVERR,
			m.Header.Level == unix.SOL_IPV6 && m.Header.Type == unix.IPV6_RECVERR:
			q.parseExtendedErr(m.Data)
		}
	}
	return q
}

// parseExtendedErr reads a struct sock_extended_err and the sockaddr of the
// offender that stands behind it.
func (q *queued) parseExtendedErr(b []byte) {
	if len(b) < sizeofExtendedErr {
		return
	}
	q.origin, q.icmpType, q.icmpCode = b[4], b[5], b[6]
	q.key = binary.NativeEndian.Uint32(b[12:])
	offender := b[sizeofExtendedErr:]
	if len(offender) < 2 {
		return
	}
	switch family := binary.NativeEndian.Uint16(offender); {
	case family == unix.AF_INET && len(offender) >= unix.SizeofSockaddrInet4:
		q.offender = netip.AddrFrom4([4]byte(offender[4:8]))
	case family == unix.AF_INET6 && len(offender) >= unix.SizeofSockaddrInet6:
		q.offender = netip.AddrFrom16([16]byte(offender[8:24])).Unmap()
	}
}

// softwareStamp reads a struct scm_timestamping: three timespecs, of which the
// first is the software stamp. It gives nanoseconds of the wall clock, 0 = none.
func softwareStamp(b []byte) int64 {
	const word = sizeofTimespec / 2
	if len(b) < sizeofTimespec {
		return 0
	}
	return nativeInt(b[:word])*int64(time.Second) + nativeInt(b[word:2*word])
}

// nativeInt reads a C long.
func nativeInt(b []byte) int64 {
	if len(b) == 4 {
		return int64(int32(binary.NativeEndian.Uint32(b)))
	}
	return int64(binary.NativeEndian.Uint64(b))
}
