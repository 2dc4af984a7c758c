package probe

import (
	"context"
	"encoding/binary"
	"math/bits"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"peervane/probe/stats"
)

// BenchmarkMeasurementError compares each round-trip time with that between
// the same two packets in a capture on the interface, at rest, beside two
// goroutines that make garbage, and beside four that leave no processor idle.
// The capture shares the kernel's clock: what is left is the error of this
// program, without that of the network card.
func BenchmarkMeasurementError(b *testing.B) {
	for _, load := range []struct {
		name string
		work []func(stop <-chan struct{})
	}{
		{"idle", nil},
		{"garbage", []func(<-chan struct{}){litter, litter}},
		{"busy", []func(<-chan struct{}){spin, spin, spin, spin}},
	} {
		for _, source := range []string{SourceKernel, SourceUser} {
			b.Run(load.name+"/"+source, func(b *testing.B) { measureError(b, source, load.work) })
		}
	}
}

func measureError(b *testing.B, source string, work []func(<-chan struct{})) {
	l := newLab(b)
	seen := l.capture(b)
	lanes := newLanes(zap.NewNop())
	flow := &icmpFlow{target: labTarget(far4), lanes: lanes}
	var lane *lane
	l.in(b, l.near, func() {
		var err error
		lane, err = flow.hold()
		must(b, err)
	})
	defer flow.close()
	defer lanes.release(lane)
	if source == SourceUser {
		must(b, unix.SetsockoptInt(lane.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPING, 0))
	}
	stop := make(chan struct{})
	var working sync.WaitGroup
	for _, w := range work {
		working.Go(func() { w(stop) })
	}
	r := newRound(Settings{Packets: b.N, Timeout: time.Second})
	b.ResetTimer()
	flow.fly(context.Background(), lane, r, Settings{Packets: b.N, Spacing: time.Millisecond, Timeout: time.Second})
	outcomes := lane.conclude(r)
	b.StopTimer()
	close(stop)
	working.Wait()
	reportErrors(b, outcomes, r.flights, lane.id, seen(), source)
}

// reportErrors gives the quantiles of how far the times are off, and the share
// that comes from the wanted source.
func reportErrors(b *testing.B, outcomes []Outcome, flights []*flight, id uint16, seen map[uint32]*passage, source string) {
	var off []time.Duration
	wanted := 0
	for i, o := range outcomes {
		if o.Kind != stats.Reply {
			continue
		}
		p := seen[uint32(id)<<16|uint32(flights[i].seq)]
		if p == nil || p.out == 0 || p.back == 0 {
			continue
		}
		off = append(off, (o.RTT - time.Duration(p.back-p.out)).Abs())
		if o.TSSource == source {
			wanted++
		}
	}
	if len(off) == 0 {
		return
	}
	slices.Sort(off)
	b.ReportMetric(float64(stats.Quantile(off, .5).Nanoseconds())/1000, "p50-us")
	b.ReportMetric(float64(stats.Quantile(off, .99).Nanoseconds())/1000, "p99-us")
	b.ReportMetric(100*float64(wanted)/float64(len(off)), "%-of-source")
	b.ReportMetric(float64(len(off)), "probes")
}

// passage is when an echo request and its reply passed the interface.
type passage struct{ out, back int64 }

// capture notes the echoes on near's interface until it is asked for them.
func (l *lab) capture(b *testing.B) func() map[uint32]*passage {
	fd := -1
	l.in(b, l.near, func() {
		var err error
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, int(bits.ReverseBytes16(unix.ETH_P_ALL)))
		must(b, err)
		must(b, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1))
		must(b, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20))
		must(b, unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000}))
	})
	stop, done := make(chan struct{}), make(chan struct{})
	seen := make(map[uint32]*passage)
	go func() {
		defer close(done)
		data, oob := make([]byte, 256), make([]byte, 128)
		for {
			n, oobn, _, _, err := unix.Recvmsg(fd, data, oob, 0)
			if err == nil {
				note(seen, data[:n], oob[:oobn])
				continue
			}
			select {
			case <-stop: // and nothing is left to read
				return
			default:
			}
		}
	}()
	finish := sync.OnceFunc(func() { close(stop); <-done; unix.Close(fd) })
	b.Cleanup(finish)
	return func() map[uint32]*passage { finish(); return seen }
}

func note(seen map[uint32]*passage, packet, oob []byte) {
	e, err := decodeRaw4(packet)
	messages, failed := unix.ParseSocketControlMessage(oob)
	if err != nil || failed != nil || len(messages) != 1 {
		return
	}
	stamp := int64(binary.NativeEndian.Uint64(messages[0].Data))*int64(time.Second) + int64(binary.NativeEndian.Uint64(messages[0].Data[8:]))
	key := uint32(e.id)<<16 | uint32(e.seq)
	if seen[key] == nil {
		seen[key] = &passage{}
	}
	if e.reply {
		seen[key].back = stamp
	} else {
		seen[key].out = stamp
	}
}

// litter keeps the garbage collector busy.
func litter(stop <-chan struct{}) {
	var heap [1024][]byte
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		default:
			heap[i%len(heap)] = make([]byte, 16<<10)
		}
	}
}

// spin never gives way.
func spin(stop <-chan struct{}) {
	for i := 0; ; i++ {
		if i%(1<<20) == 0 {
			select {
			case <-stop:
				return
			default:
			}
		}
	}
}
