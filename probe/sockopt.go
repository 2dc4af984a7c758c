package probe

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"peervane/probe/stats"
)

// setPath sets what decides the way of a packet before routing does.
func setPath(fd int, t Target) error {
	if t.Interface != "" {
		if err := unix.BindToDevice(fd, t.Interface); err != nil {
			return fmt.Errorf("bind to interface %s: %w", t.Interface, err)
		}
	}
	if t.DSCP == 0 {
		return nil
	}
	level, option := unix.IPPROTO_IP, unix.IP_TOS
	if t.Addr.Is6() {
		level, option = unix.IPPROTO_IPV6, unix.IPV6_TCLASS
	}
	if err := unix.SetsockoptInt(fd, level, option, int(t.DSCP)<<2); err != nil {
		return fmt.Errorf("set dscp %d: %w", t.DSCP, err)
	}
	return nil
}

// setRecvErr asks for ICMP errors on the error queue: they name their sender
// there, which needs no privilege.
func setRecvErr(fd int, v6 bool) error {
	level, option := unix.IPPROTO_IP, unix.IP_RECVERR
	if v6 {
		level, option = unix.IPPROTO_IPV6, unix.IPV6_RECVERR
	}
	if err := unix.SetsockoptInt(fd, level, option, 1); err != nil {
		return fmt.Errorf("ask for icmp errors: %w", err)
	}
	return nil
}

// memInfo has the layout of SO_MEMINFO: SK_MEMINFO_VARS words, of which the
// last counts the packets that found the receive buffer full.
type memInfo [unix.SK_MEMINFO_VARS]uint32

// memory of a socket.
type memory struct {
	queued, room uint32 // bytes in the receive buffer, and how many it may hold
	drops        uint32 // packets that were dropped so far
}

// memoryOf asks for it. SO_RXQ_OVFL hands out the same count of drops, but only
// with the next packet that gets through; after the last packet of a batch there
// may be none.
func memoryOf(fd int) memory {
	var info memInfo
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return memory{}
	}
	return memory{info[unix.SK_MEMINFO_RMEM_ALLOC], info[unix.SK_MEMINFO_RCVBUF], info[unix.SK_MEMINFO_DROPS]}
}

// overflows counts the packets that found a receive buffer full. A raw socket of
// IPv6 counts among its drops those whose checksum is wrong, too, which are the
// network's, or a forger's: there a drop counts only if the buffer is found at
// least half full right after it. So it must be looked at before each packet that
// is taken out.
type overflows struct{ seen, counted uint32 }

func (o *overflows) count(s *echoSocket) uint32 {
	m := memoryOf(s.fd)
	if !s.mixesDrops() {
		return m.drops
	}
	if m.drops != o.seen && 2*m.queued >= m.room {
		o.counted += m.drops - o.seen
	}
	o.seen = m.drops
	return o.counted
}

// mixesDrops is true of a socket that counts bad checksums among its drops.
func (s *echoSocket) mixesDrops() bool { return s.raw && s.v6 }

// localKind judges an error of sending. Without a route the target is
// unreachable from here, which is what a probe is to find out; a full queue or
// our own packet filter says nothing of the network. Other errors are no
// outcome at all.
func localKind(err error) (stats.Kind, bool) {
	for _, unreachable := range []error{unix.ENETUNREACH, unix.EHOSTUNREACH, unix.EHOSTDOWN, unix.ENETDOWN, unix.EACCES} {
		if errors.Is(err, unreachable) {
			return stats.Unreachable, true
		}
	}
	for _, dropped := range []error{unix.EPERM, unix.ENOBUFS, unix.ENOMEM, unix.EAGAIN} {
		if errors.Is(err, dropped) {
			return stats.LocalDrop, true
		}
	}
	return 0, false
}
