package netlab

import (
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkAddedLatency measures what the relay itself adds to the delay that
// was asked for, between the kernel's stamps of the frame on the interfaces of
// the two hosts.
func BenchmarkAddedLatency(b *testing.B) {
	for _, delay := range []time.Duration{0, 5 * time.Millisecond, 25 * time.Millisecond} {
		for _, busy := range []int{0, 2, 4} {
			b.Run(fmt.Sprintf("delay=%s/busy=%d", delay, busy), func(b *testing.B) {
				defer keepBusy(busy)()
				benchmarkAdded(b, delay)
			})
		}
	}
}

func benchmarkAdded(b *testing.B, delay time.Duration) {
	pair := newPair(b)
	pair.set(b, AtoB, Impairment{Delay: delay})
	left := capture(b, pair.a, "b", true)
	right := capture(b, pair.b, "a", false)
	const address = "192.0.2.2:7000"
	defer listenUDP(b, pair.b, address).Close() // without it, ICMP would answer
	conn := must(pair.a.Dial(b.Context(), "udp4", address))(b)
	defer conn.Close()
	var added []time.Duration
	for b.Loop() {
		added = append(added, once(b, conn, left, right)-delay)
	}
	slices.Sort(added)
	b.ReportMetric(float64(added[len(added)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(added[len(added)*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(float64(added[len(added)-1].Microseconds()), "max-µs")
}

// once sends a datagram and returns how long its frame was between the hosts.
func once(b *testing.B, conn net.Conn, left, right *wire) time.Duration {
	if _, err := conn.Write([]byte("x")); err != nil {
		b.Fatal(err)
	}
	return next(b, right).Sub(next(b, left))
}

// next waits for a UDP frame and returns its stamp.
func next(b *testing.B, w *wire) time.Time {
	buf := make([]byte, frameSize)
	for {
		fds := []unix.PollFd{{Fd: int32(w.fd), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); err != nil && err != unix.EINTR {
			b.Fatal(err)
		}
		n, at, err := w.receive(buf)
		if err == nil && n > 23 && buf[12] == 8 && buf[23] == unix.IPPROTO_UDP {
			return at
		}
	}
}
