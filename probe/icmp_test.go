package probe

import (
	"context"
	"math/bits"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"go.uber.org/zap/zaptest"
	"golang.org/x/sys/unix"
)

// eachSocket runs a test over both families and both kinds of ICMP socket.
func eachSocket(t *testing.T, test func(t *testing.T, l *lab, v6 bool)) {
	for _, socket := range []string{"datagram", "raw"} {
		for _, family := range []string{"ipv4", "ipv6"} {
			t.Run(socket+"/"+family, func(t *testing.T) {
				l := newLab(t)
				if socket == "datagram" {
					l.openPing(t)
				}
				test(t, l, family == "ipv6")
			})
		}
	}
}

// either chooses by family.
func either[T any](v6 bool, four, six T) T {
	if v6 {
		return six
	}
	return four
}

func TestReplies(t *testing.T) {
	eachSocket(t, func(t *testing.T, l *lab, v6 bool) {
		for _, b := range l.probe(t, labTarget(either(v6, far4, far6)), 3, quick) {
			expect(t, b.Received, 3)
			expect(t, b.Sent, 3)
			expect(t, b.TSSource, SourceKernel)
			expect(t, b.Err, "")
			if lowest, ok := b.Min(); !ok || lowest <= 0 || slices.Max(b.RTTs) > quick.Timeout {
				t.Errorf("round-trip times %v", b.RTTs)
			}
		}
	})
}

func TestSocketKindFollowsPingGroupRange(t *testing.T) {
	l := newLab(t)
	kind := func() (raw bool) {
		l.in(t, l.near, func() {
			s, err := openEcho(lanePath{})
			must(t, err)
			must(t, unix.Close(s.fd))
			raw = s.raw
		})
		return raw
	}
	expect(t, kind(), true)
	l.openPing(t)
	expect(t, kind(), false)
}

func TestUnreachableNamesItsOffender(t *testing.T) {
	for name, kind := range map[string]int{"no route": unix.RTN_UNREACHABLE, "prohibited": unix.RTN_PROHIBIT} {
		t.Run(name, func(t *testing.T) {
			eachSocket(t, func(t *testing.T, l *lab, v6 bool) {
				l.route(t, either(v6, "10.78.0.0/24", "fd78::/64"), kind)
				b := l.probe(t, labTarget(either(v6, "10.78.0.1", "fd78::1")), 1, quick)[0]
				expect(t, b.Unreachable, 3)
				expect(t, b.Offender, netip.MustParseAddr(either(v6, far4, far6)))
				expect(t, b.FullyLost(), true)
			})
		})
	}
}

func TestNoRouteHereIsUnreachable(t *testing.T) {
	eachSocket(t, func(t *testing.T, l *lab, v6 bool) {
		b := l.probe(t, labTarget(either(v6, "10.99.0.1", "fd99::1")), 1, quick)[0]
		expect(t, b.Unreachable, 3)
		expect(t, b.Offender.IsValid(), false)
		expect(t, b.Err, "send icmp echo: network is unreachable")
	})
}

func TestBlackholeIsLoss(t *testing.T) {
	eachSocket(t, func(t *testing.T, l *lab, v6 bool) {
		l.route(t, either(v6, "10.78.0.0/24", "fd78::/64"), unix.RTN_BLACKHOLE)
		b := l.probe(t, labTarget(either(v6, "10.78.0.1", "fd78::1")), 1, quick)[0]
		expect(t, b.Lost, 3)
		expect(t, b.Loss(), 1.0)
		if spent := b.Ended.Sub(b.Started); spent < quick.Timeout {
			t.Errorf("the batch took %v with a timeout of %v", spent, quick.Timeout)
		}
	})
}

func TestDuplicates(t *testing.T) {
	eachSocket(t, func(t *testing.T, l *lab, v6 bool) {
		l.respond(t, v6, func(r *responder, q request) {
			if q.n%3 < 2 { // the last ends the batch, and its copy would come too late for it
				r.reply(q)
			}
			r.reply(q)
		})
		b := l.probe(t, labTarget(either(v6, far4, far6)), 1, Settings{Packets: 3, Spacing: 20 * time.Millisecond, Timeout: time.Second})[0]
		expect(t, b.Received, 3)
		expect(t, b.Duplicate, 2)
		expect(t, b.Lost, 0)
	})
}

func TestLateIsNotLost(t *testing.T) {
	eachSocket(t, func(t *testing.T, l *lab, v6 bool) {
		var held []request
		l.respond(t, v6, func(r *responder, q request) {
			if held = append(held, q); len(held) == 2 { // the first is answered when the second comes
				r.reply(held[0])
				r.reply(held[1])
			}
		})
		s := Settings{Packets: 2, Spacing: 600 * time.Millisecond, Timeout: 300 * time.Millisecond}
		b := l.probe(t, labTarget(either(v6, far4, far6)), 1, s)[0]
		expect(t, b.Late, 1)
		expect(t, b.Received, 1)
		expect(t, b.Lost, 0)
		expect(t, slices.Max(b.RTTs) >= s.Spacing, true)
	})
}

func TestAnswerAfterItsBatchIsRecovered(t *testing.T) {
	eachSocket(t, func(t *testing.T, l *lab, v6 bool) {
		var held []request
		l.respond(t, v6, func(r *responder, q request) {
			if held = append(held, q); len(held) < 3 {
				return
			}
			for _, q := range held {
				r.reply(q)
			}
		})
		batches := l.probe(t, labTarget(either(v6, far4, far6)), 2, Settings{Packets: 2, Spacing: time.Millisecond, Timeout: 50 * time.Millisecond})
		expect(t, batches[0].Lost, 2)
		expect(t, batches[1].Recovered, 2)
	})
}

func TestForeignRepliesDoNotCount(t *testing.T) {
	eachSocket(t, func(t *testing.T, l *lab, v6 bool) {
		other := either(v6, "10.77.0.3", "fd77::3")
		l.in(t, l.far, func() { l.address(t, "far", other+either(v6, "/24", "/64")) })
		l.await(t, labTarget(other))
		elsewhere := l.bound(t, v6, other)
		l.respond(t, v6, func(r *responder, q request) { r.replyFrom(elsewhere, q) })
		b := l.probe(t, labTarget(either(v6, far4, far6)), 1, quick)[0]
		expect(t, b.Lost, 3)
		expect(t, b.Foreign, 3)
		expect(t, len(b.RTTs), 0)
	})
}

func TestForgedCookiesDoNotCount(t *testing.T) {
	eachSocket(t, func(t *testing.T, l *lab, v6 bool) {
		l.respond(t, v6, func(r *responder, q request) {
			forged := q
			forged.cookie = slices.Clone(q.cookie)
			forged.cookie[0] ^= 1
			r.reply(forged)
			forged.cookie = q.cookie[:8]
			r.reply(forged)
			r.reply(q)
		})
		b := l.probe(t, labTarget(either(v6, far4, far6)), 1, quick)[0]
		expect(t, b.Received, 3)
		expect(t, b.Foreign, 6)
	})
}

func TestSourceAndInterface(t *testing.T) {
	eachSocket(t, func(t *testing.T, l *lab, v6 bool) {
		source := either(v6, "10.77.0.9", "fd77::9")
		l.in(t, l.near, func() { l.address(t, "near", source+either(v6, "/24", "/64")) })
		target := labTarget(either(v6, far4, far6))
		target.Source, target.Interface = netip.MustParseAddr(source), "near"
		l.await(t, target)
		asked := make(chan netip.Addr, quick.Packets)
		l.respond(t, v6, func(r *responder, q request) { asked <- q.from; r.reply(q) })
		expect(t, l.probe(t, target, 1, quick)[0].Received, 3)
		expect(t, <-asked, target.Source)
	})
}

func TestWhatThisHostLacksIsSaid(t *testing.T) {
	l := newLab(t)
	absent := labTarget(far4)
	absent.Source = netip.MustParseAddr("192.0.2.77")
	b := l.probe(t, absent, 1, quick)[0]
	expect(t, b.Err, "bind to source 192.0.2.77: cannot assign requested address")
	expect(t, b.Sent, 0)

	absent = labTarget(far4)
	absent.Interface = "nosuch0"
	b = l.probe(t, absent, 1, quick)[0]
	expect(t, b.Err, "bind to interface nosuch0: no such device")
}

func TestSilentFlowTakesAnotherID(t *testing.T) {
	eachSocket(t, func(t *testing.T, l *lab, v6 bool) {
		ids := make(map[uint16]int)
		done := make(chan struct{})
		l.respond(t, v6, func(r *responder, q request) {
			ids[q.id]++
			if len(ids) > 1 { // the second id passes
				r.reply(q)
			}
			if q.n == 3*silentBatches-1 {
				close(done)
			}
		})
		s := Settings{Packets: 1, Timeout: 100 * time.Millisecond}
		batches := l.probe(t, labTarget(either(v6, far4, far6)), 3*silentBatches, s)
		<-done
		expect(t, len(ids), 2)
		for i, b := range batches {
			expect(t, b.FullyLost(), i < silentBatches)
		}
	})
}

func TestICMPErrorAboutOneTargetSparesTheOthers(t *testing.T) {
	eachSocket(t, func(t *testing.T, l *lab, v6 bool) {
		l.route(t, either(v6, "10.78.0.0/24", "fd78::/64"), unix.RTN_UNREACHABLE)
		var bad, good []Batch
		l.in(t, l.near, func() {
			shared := openICMP(zaptest.NewLogger(t))
			dead := shared.prober(labTarget(either(v6, "10.78.0.1", "fd78::1")))
			live := shared.prober(labTarget(either(v6, far4, far6)))
			defer dead.close()
			defer live.close()
			s := Settings{Packets: 20, Spacing: time.Millisecond, Timeout: 200 * time.Millisecond}
			ended := make(chan struct{})
			warm := live.probe(context.Background(), quick) // opens the lane here, in the namespace
			good = append(good, warm)
			go func() {
				defer close(ended)
				bad = append(bad, dead.probe(context.Background(), s))
			}()
			good = append(good, live.probe(context.Background(), s))
			<-ended
		})
		expect(t, bad[0].Unreachable > 0, true) // routers send few such errors a second
		expect(t, bad[0].Answered(), 0)
		for _, b := range good {
			expect(t, b.Answered(), b.Sent)
			expect(t, b.TSSource != SourceUser, true)
		}
	})
}

func TestInterfaceThatComesBack(t *testing.T) {
	eachSocket(t, func(t *testing.T, l *lab, v6 bool) {
		target := labTarget(either(v6, far4, far6))
		target.Interface = "near"
		l.in(t, l.near, func() {
			p := l.prober(t, target)
			defer p.close()
			brief := Settings{Packets: 1, Timeout: 250 * time.Millisecond}
			expect(t, p.probe(t.Context(), brief).Received, 1)

			link, err := netlink.LinkByName("near")
			must(t, err)
			must(t, netlink.LinkDel(link))
			for range silentBatches {
				expect(t, p.probe(t.Context(), brief).Received, 0)
			}
			expect(t, p.probe(t.Context(), brief).Err, "bind to interface near: no such device")

			l.cable(t)
			expect(t, p.probe(t.Context(), quick).Received, quick.Packets)
		})
	})
}

func TestLinkLocalAddress(t *testing.T) {
	l := newLab(t)
	var addr netip.Addr
	l.in(t, l.far, func() { addr = l.linkLocal(t, "far") })
	target := labTarget(addr.WithZone("near").String())
	l.await(t, target)
	expect(t, l.probe(t, target, 1, quick)[0].Received, quick.Packets)
}

func TestDSCPIsOnTheWire(t *testing.T) {
	for _, method := range []Method{ICMP, TCP(443)} {
		eachFamily(t, func(t *testing.T, l *lab, v6 bool) {
			target := Target{POP: "p", Addr: netip.MustParseAddr(either(v6, far4, far6)), Method: method, DSCP: 46}
			l.await(t, target)
			tap := l.tap(t)
			l.probe(t, target, 1, quick)
			expect(t, firstDSCP(t, tap, target), uint8(46))
		})
	}
}

// tap opens a packet socket at near.
func (l *lab) tap(t *testing.T) int {
	fd := -1
	l.in(t, l.near, func() {
		var err error
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, int(bits.ReverseBytes16(unix.ETH_P_ALL)))
		must(t, err)
	})
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// firstDSCP reads that of the first packet to a target, its neighbour
// discovery aside.
func firstDSCP(t *testing.T, tap int, target Target) uint8 {
	buffer := make([]byte, 512)
	for {
		n, err := unix.Read(tap, buffer)
		if err != nil {
			t.Fatalf("no packet was seen: %v", err)
		}
		switch b := buffer[:n]; {
		case n >= 20 && b[0]>>4 == 4 && netip.AddrFrom4([4]byte(b[16:20])) == target.Addr:
			return b[1] >> 2
		case n >= 41 && b[0]>>4 == 6 && netip.AddrFrom16([16]byte(b[24:40])) == target.Addr && !(b[6] == 58 && (b[40] == 135 || b[40] == 136)):
			return (b[0]<<4 | b[1]>>4) >> 2
		}
	}
}
