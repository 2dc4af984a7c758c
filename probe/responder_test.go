package probe

import (
	"net/netip"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"golang.org/x/sys/unix"
)

// responder answers echo requests at far in the kernel's place, as a test
// tells it to.
type responder struct {
	t      testing.TB
	v6     bool
	fd     int
	answer func(*responder, request)
	done   chan struct{}
}

// request is an echo request that came in.
type request struct {
	echo
	from netip.Addr
	n    int // how many came before it
}

// respond silences the kernel at far and starts a responder.
func (l *lab) respond(t testing.TB, v6 bool, answer func(*responder, request)) *responder {
	t.Helper()
	r := &responder{t: t, v6: v6, answer: answer, done: make(chan struct{})}
	l.in(t, l.far, func() {
		setSysctl(t, "net/ipv4/icmp_echo_ignore_all", "1")
		setSysctl(t, "net/ipv6/icmp/echo_ignore_all", "1")
		family, protocol := unix.AF_INET, unix.IPPROTO_ICMP
		if v6 {
			family, protocol = unix.AF_INET6, unix.IPPROTO_ICMPV6
		}
		var err error
		r.fd, err = unix.Socket(family, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
		must(t, err)
		must(t, unix.SetsockoptTimeval(r.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 20_000}))
	})
	stop := make(chan struct{})
	go r.run(stop)
	t.Cleanup(func() {
		close(stop)
		<-r.done
		unix.Close(r.fd)
	})
	return r
}

func (r *responder) run(stop <-chan struct{}) {
	defer close(r.done)
	socket := echoSocket{v6: r.v6, raw: true}
	buffer := make([]byte, 512)
	for n := 0; ; {
		select {
		case <-stop:
			return
		default:
		}
		length, from, err := unix.Recvfrom(r.fd, buffer, 0)
		if err != nil {
			continue // the receive timeout, so that stop is seen
		}
		asked, err := socket.decode(buffer[:length])
		if err != nil || asked.reply {
			continue
		}
		asked.cookie = append([]byte(nil), asked.cookie...)
		r.answer(r, request{echo: asked, from: addrOf(from), n: n})
		n++
	}
}

// reply sends an echo reply to whoever asked, from the address that the kernel
// chooses.
func (r *responder) reply(q request) { r.replyFrom(r.fd, q) }

func (r *responder) replyFrom(fd int, q request) {
	buffer := gopacket.NewSerializeBuffer()
	var err error
	if r.v6 {
		err = gopacket.SerializeLayers(buffer, gopacket.SerializeOptions{},
			&layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(layers.ICMPv6TypeEchoReply, 0)},
			&layers.ICMPv6Echo{Identifier: q.id, SeqNumber: q.seq}, gopacket.Payload(q.cookie))
	} else {
		err = gopacket.SerializeLayers(buffer, gopacket.SerializeOptions{ComputeChecksums: true},
			&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(layers.ICMPv4TypeEchoReply, 0), Id: q.id, Seq: q.seq},
			gopacket.Payload(q.cookie))
	}
	if err == nil {
		err = unix.Sendto(fd, buffer.Bytes(), 0, sockaddr(q.from))
	}
	if err != nil {
		r.t.Errorf("responder: %v", err)
	}
}

// bound opens another socket at far that sends from addr.
func (l *lab) bound(t testing.TB, v6 bool, addr string) int {
	fd := -1
	l.in(t, l.far, func() {
		family, protocol := unix.AF_INET, unix.IPPROTO_ICMP
		if v6 {
			family, protocol = unix.AF_INET6, unix.IPPROTO_ICMPV6
		}
		var err error
		fd, err = unix.Socket(family, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
		must(t, err)
		must(t, unix.Bind(fd, sockaddr(netip.MustParseAddr(addr))))
	})
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}
