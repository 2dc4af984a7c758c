package probe

import (
	"context"
	"encoding/binary"
	"math/bits"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	probing "github.com/prometheus-community/pro-bing"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"peervane/probe/stats"
)

// BenchmarkMeasurementError compares each round-trip time with that between
// the same two packets in a capture on the interface, at rest, beside two
// goroutines that make garbage, and beside four that leave no processor idle:
// ours by the kernel's stamps and without them, those of fping, and those of
// pro-bing, all to the same host in the same run.
// The capture shares the kernel's clock: what is left is the error of each
// program, without that of the network card.
//
//	go test ./probe -run '^$' -bench MeasurementError -benchtime 1000x
func BenchmarkMeasurementError(b *testing.B) {
	for _, load := range []struct {
		name string
		work []func(stop <-chan struct{})
	}{
		{"rest", nil},
		{"garbage", []func(<-chan struct{}){litter, litter}},
		{"busy", []func(<-chan struct{}){spin, spin, spin, spin}},
	} {
		for _, tool := range []struct {
			name    string
			measure func(*testing.B, *lab) timer
		}{
			{"peervane", ourTimes(SourceKernel)}, {"peervane-user", ourTimes(SourceUser)}, {"fping", fpingTimes}, {"pro-bing", proBingTimes},
		} {
			b.Run(load.name+"/"+tool.name, func(b *testing.B) { measureError(b, tool.measure, load.work) })
		}
	}
}

// errorSpacing is between the packets of each tool.
const errorSpacing = 5 * time.Millisecond

// timer gives the round-trip times that a tool measured, each with the packet
// that it is of.
type timer func(*captured) map[uint32]time.Duration

func measureError(b *testing.B, measure func(*testing.B, *lab) timer, work []func(<-chan struct{})) {
	l := newLab(b)
	stop := make(chan struct{})
	var working sync.WaitGroup
	for _, w := range work {
		working.Go(func() { w(stop) })
	}
	finish := sync.OnceFunc(func() { close(stop); working.Wait() })
	defer finish()
	seen := l.capture(b)
	b.ResetTimer()
	times := measure(b, l)
	b.StopTimer()
	finish()
	reportErrors(b, seen(), times)
}

// ourTimes measures as a batch does, with the kernel's stamps or without.
func ourTimes(source string) func(*testing.B, *lab) timer {
	return func(b *testing.B, l *lab) timer {
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
		s := Settings{Packets: b.N, Spacing: errorSpacing, Timeout: time.Second}
		r := newRound(s)
		flow.fly(context.Background(), lane, r, s)
		times, other := map[uint32]time.Duration{}, 0
		for i, o := range lane.conclude(r) {
			if o.Kind == stats.Reply {
				times[uint32(lane.id)<<16|uint32(r.flights[i].seq)] = o.RTT
			}
			if o.Kind == stats.Reply && o.TSSource != source {
				other++
			}
		}
		b.ReportMetric(float64(other), "fall-backs")
		return func(*captured) map[uint32]time.Duration { return times }
	}
}

// fpingTimes runs fping 5. It tells its times in the order in which it sent.
func fpingTimes(b *testing.B, l *lab) timer {
	program, err := exec.LookPath("fping")
	if err != nil {
		b.Skip("fping is not installed")
	}
	var told []byte
	l.in(b, l.near, func() {
		told, _ = exec.Command(program, "-q", "-C", strconv.Itoa(b.N), "-p", strconv.Itoa(int(errorSpacing/time.Millisecond)), far4).CombinedOutput()
	})
	_, list, _ := strings.Cut(string(told), ": ")
	return func(c *captured) map[uint32]time.Duration {
		times := map[uint32]time.Duration{}
		for i, field := range strings.Fields(list) {
			if ms, err := strconv.ParseFloat(field, 64); err == nil && i < len(c.sent) {
				times[c.sent[i]] = time.Duration(ms * float64(time.Millisecond))
			}
		}
		return times
	}
}

// proBingTimes runs prometheus-community/pro-bing in this process, which its
// users do, too.
func proBingTimes(b *testing.B, l *lab) timer {
	times := map[uint32]time.Duration{}
	l.in(b, l.near, func() {
		pinger := probing.New(far4)
		pinger.SetPrivileged(true)
		pinger.Count, pinger.Interval, pinger.Timeout = b.N, errorSpacing, time.Duration(b.N)*errorSpacing+5*time.Second
		pinger.OnRecv = func(p *probing.Packet) { times[uint32(p.ID)<<16|uint32(uint16(p.Seq))] = p.Rtt }
		must(b, pinger.Run())
	})
	return func(*captured) map[uint32]time.Duration { return times }
}

// reportErrors gives the quantiles of how far the times are off.
func reportErrors(b *testing.B, seen *captured, times timer) {
	var off []time.Duration
	for key, rtt := range times(seen) {
		if p := seen.passages[key]; p != nil && p.out != 0 && p.back != 0 {
			off = append(off, (rtt - time.Duration(p.back-p.out)).Abs())
		}
	}
	if len(off) == 0 {
		return
	}
	slices.Sort(off)
	us := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
	b.ReportMetric(us(stats.Quantile(off, .5)), "p50-us")
	b.ReportMetric(us(stats.Quantile(off, .99)), "p99-us")
	b.ReportMetric(us(off[len(off)-1]), "max-us")
	b.ReportMetric(float64(len(off)), "probes")
	b.ReportMetric(0, "ns/op") // the spacing, no more
}

// captured is what a capture saw.
type captured struct {
	passages map[uint32]*passage // by id and sequence number
	sent     []uint32            // the requests, in order
}

// passage is when an echo request and its reply passed the interface.
type passage struct{ out, back int64 }

// capture notes the echoes on near's interface until it is asked for them. The socket holds them all until then, and nobody waits for
// them: to wake a reader takes the kernel some microseconds between the stamp of a request here and its transmission, which would
// count as an error of what is measured.
func (l *lab) capture(b *testing.B) func() *captured {
	fd := -1
	l.in(b, l.near, func() {
		var err error
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, int(bits.ReverseBytes16(unix.ETH_P_ALL)))
		must(b, err)
		must(b, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1))
		must(b, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 256<<20))
	})
	b.Cleanup(func() { unix.Close(fd) })
	return func() *captured {
		seen := &captured{passages: make(map[uint32]*passage)}
		data, oob := make([]byte, 256), make([]byte, 128)
		for {
			n, oobn, _, _, err := unix.Recvmsg(fd, data, oob, 0)
			if err != nil {
				return seen
			}
			seen.note(data[:n], oob[:oobn])
		}
	}
}

func (c *captured) note(packet, oob []byte) {
	e, err := decodeRaw4(packet)
	messages, failed := unix.ParseSocketControlMessage(oob)
	if err != nil || failed != nil || len(messages) != 1 {
		return
	}
	stamp := int64(binary.NativeEndian.Uint64(messages[0].Data))*int64(time.Second) + int64(binary.NativeEndian.Uint64(messages[0].Data[8:]))
	key := uint32(e.id)<<16 | uint32(e.seq)
	p := c.passages[key]
	if p == nil {
		p = &passage{}
		c.passages[key] = p
	}
	switch {
	case e.reply && p.back == 0:
		p.back = stamp
	case !e.reply && p.out == 0:
		p.out = stamp
		c.sent = append(c.sent, key)
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
