package netlab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// receiveBuffer is what a wire's socket asks for (the kernel grants at most
// net.core.rmem_max): room for a burst while the relay's thread waits for a CPU.
const receiveBuffer = 4 << 20

// wire is an AF_PACKET socket bound to the inner end of a link. One thread
// reads it, another may write it.
type wire struct {
	fd      int
	control [64]byte // of the reader
}

// openWire binds to an interface of the namespace that the calling thread is
// in. The socket sees what arrives there, not what it sends itself. It sends past
// the queueing discipline, which drops frames until the kernel has noticed, a
// little late, that the interface is up.
func openWire(ifindex int) (*wire, error) {
	// Protocol 0 until bind: so nothing of other interfaces gets in.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot open a packet socket: %w", err)
	}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ALL), Ifindex: ifindex}),
	)
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("cannot set a packet socket up: %w", err)
	}
	return &wire{fd: fd}, nil
}

// receive reads the next frame into buf and says when it came. The error is
// EAGAIN when none waits.
func (w *wire) receive(buf []byte) (n int, at time.Time, err error) {
	n, oobn, flags, _, err := unix.Recvmsg(w.fd, buf, w.control[:], 0)
	if err != nil {
		return 0, time.Time{}, err
	}
	if flags&unix.MSG_TRUNC != 0 {
		return 0, time.Time{}, unix.EMSGSIZE
	}
	now := time.Now()
	return n, now.Add(-arrival(w.control[:oobn]).age(now)), nil
}

func (w *wire) send(frame []byte) error {
	_, err := unix.Write(w.fd, frame)
	return err
}

// overflow says how many frames the kernel dropped, since it was last asked,
// because the socket's buffer was full.
func (w *wire) overflow() uint64 {
	stats, err := unix.GetsockoptTpacketStats(w.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return 0
	}
	return uint64(stats.Drops)
}

func (w *wire) close() error { return unix.Close(w.fd) }

// kernelStamp is the kernel's time of a frame's arrival (CLOCK_REALTIME), zero
// if there is none.
type kernelStamp int64

// arrival finds the SO_TIMESTAMPNS message, a struct timespec, if it is there.
func arrival(control []byte) kernelStamp {
	if len(control) < unix.CmsgLen(0) {
		return 0
	}
	header, data, _, err := unix.ParseOneSocketControlMessage(control)
	if err != nil || header.Type != unix.SO_TIMESTAMPNS || len(data) < int(unsafe.Sizeof(unix.Timespec{})) {
		return 0
	}
	ts := (*unix.Timespec)(unsafe.Pointer(&data[0]))
	return kernelStamp(ts.Nano())
}

// oldest is how old a waiting frame may be: a greater age is a step of the wall
// clock since it came, in which case the frame counts as new.
const oldest = time.Second

func (k kernelStamp) age(now time.Time) time.Duration {
	age := time.Duration(now.UnixNano() - int64(k))
	if k == 0 || age < 0 || age > oldest {
		return 0
	}
	return age
}

func networkOrder(v uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v))
}
