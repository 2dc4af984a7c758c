package netlab

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const ms = time.Millisecond

func TestRoundTripTime(t *testing.T) {
	p := newPair(t)
	for _, test := range []struct{ out, back time.Duration }{
		{0, 0}, {10 * ms, 0}, {0, 10 * ms}, {10 * ms, 30 * ms}, {30 * ms, 30 * ms},
	} {
		p.set(t, AtoB, Impairment{Delay: test.out})
		p.set(t, BtoA, Impairment{Delay: test.back})
		for _, to := range []netip.Addr{addrB.Addr(), addrB6.Addr()} {
			t.Run(fmt.Sprintf("%s+%s to %s", test.out, test.back, to), func(t *testing.T) {
				ping := newPinger(t, p.a, to)
				var rtts []time.Duration
				for range 5 {
					rtts = append(rtts, ping.ping(t))
				}
				if least := slices.Min(rtts); least < test.out+test.back {
					t.Errorf("least round-trip time %s, want %s at least", least, test.out+test.back)
				}
				t.Log(rtts)
			})
		}
	}
	if s := p.link.Stats(Both); s.Lost+s.Duplicated+s.Overflow != 0 {
		t.Errorf("%+v, want every frame carried once", s)
	}
}

// The first packet on a path takes no longer than the others: no neighbour is
// resolved over the delayed link.
func TestFirstPacketWaitsForNobody(t *testing.T) {
	p := newPair(t)
	p.set(t, Both, Impairment{Delay: 200 * ms})
	for _, to := range []netip.Addr{addrB.Addr(), addrB6.Addr()} {
		if rtt := newPinger(t, p.a, to).ping(t); rtt < 400*ms || rtt >= 800*ms {
			t.Errorf("first round-trip time to %s %s, want 400ms", to, rtt)
		}
	}
}

func TestBlackhole(t *testing.T) {
	p := newQuietPair(t)
	ping := newPinger(t, p.a, addrB.Addr())
	ping.ping(t)
	before := p.link.Stats(AtoB).Lost
	p.set(t, AtoB, Impairment{Blackhole: true})
	for range 10 {
		ping.send(t)
	}
	for p.link.Stats(AtoB).Lost < before+10 {
		runtime.Gosched()
	}
	p.set(t, AtoB, Impairment{})
	ping.ping(t) // and its reply is the next to arrive
}

func TestLoss(t *testing.T) {
	p := newQuietPair(t)
	got := p.flow(t, Impairment{Loss: 0.3}, 2000)
	if s := p.link.Stats(AtoB); !near(len(got), 1400) || !near(int(s.Lost), 600) {
		t.Errorf("%d of 2000 arrived, %+v; want about 1400", len(got), s)
	}
	if !slices.IsSorted(got) {
		t.Error("loss reordered what arrived")
	}
}

func TestDuplicates(t *testing.T) {
	p := newQuietPair(t)
	got := p.flow(t, Impairment{Delay: ms, Duplicate: 1}, 100)
	var want []int
	for i := range 100 {
		want = append(want, i, i)
	}
	if !slices.Equal(got, want) {
		t.Errorf("arrived: %v, want each twice", got)
	}
}

func TestReorder(t *testing.T) {
	p := newQuietPair(t)
	got := p.flow(t, Impairment{Delay: ms, Reorder: 0.2, ReorderBy: 20 * ms}, 500)
	if len(got) != 500 || slices.IsSorted(got) {
		t.Errorf("%d of 500 arrived, in order: %t; want all, out of order", len(got), slices.IsSorted(got))
	}
}

func TestJitterKeepsOrder(t *testing.T) {
	p := newQuietPair(t)
	got := p.flow(t, Impairment{Delay: ms, Jitter: 10 * ms}, 500)
	if len(got) != 500 || !slices.IsSorted(got) {
		t.Errorf("%d of 500 arrived, in order: %t; want all, in order", len(got), slices.IsSorted(got))
	}
}

// flow sends numbered datagrams from a to b and returns the numbers in the order
// of arrival.
func (p *pair) flow(t *testing.T, imp Impairment, n int) []int {
	t.Helper()
	const address = "192.0.2.2:7000"
	server := listenUDP(t, p.b, address)
	defer server.Close()
	check(t, server.SetDeadline(time.Now().Add(30*time.Second)))
	read := numbers{last: uint64(n)}
	var reading sync.WaitGroup
	reading.Go(func() { read.from(t, server) })
	defer reading.Wait()

	client := must(p.a.Dial(t.Context(), "udp4", address))(t)
	defer client.Close()
	p.set(t, AtoB, imp)
	for i := range n {
		p.sendNumber(t, client, uint64(i), &read)
	}
	// The last must arrive, and after all others.
	p.set(t, AtoB, Impairment{Delay: imp.Delay + imp.Jitter + imp.ReorderBy})
	p.sendNumber(t, client, uint64(n), &read)
	reading.Wait()
	return read.got
}

// sendNumber returns when the link has taken the frame, and when no more are
// under way or unread than the reader's socket holds.
func (p *pair) sendNumber(t *testing.T, conn net.Conn, i uint64, read *numbers) {
	before := p.link.Stats(AtoB).Taken
	_, err := conn.Write(binary.BigEndian.AppendUint64(nil, i))
	check(t, err)
	for {
		s := p.link.Stats(AtoB)
		if s.Taken > before && s.Taken-s.Lost+s.Duplicated <= read.count.Load()+64 {
			return
		}
		runtime.Gosched()
	}
}

// numbers is what arrived, up to the last.
type numbers struct {
	last  uint64
	got   []int
	count atomic.Uint64
}

func (r *numbers) from(t *testing.T, conn net.PacketConn) {
	buf := make([]byte, 8)
	for {
		if _, _, err := conn.ReadFrom(buf); err != nil {
			t.Error(err)
			r.count.Store(math.MaxUint32) // wait for nothing more
			return
		}
		i := binary.BigEndian.Uint64(buf)
		if i == r.last {
			return
		}
		r.got = append(r.got, int(i))
		r.count.Add(1)
	}
}

// TCP hands large unfinished segments to an interface that offers to finish
// them; the link must carry whole and correct frames all the same.
func TestTCPTransfer(t *testing.T) {
	links := map[string]Impairment{
		"plain":   {},
		"delayed": {Delay: 5 * ms},
		"rough":   {Delay: 2 * ms, Jitter: ms, Loss: 0.01, Duplicate: 0.02, Reorder: 0.02, ReorderBy: ms},
	}
	for name, imp := range links {
		for _, host := range []string{"192.0.2.2", "[2001:db8::2]"} {
			t.Run(name+" to "+host, func(t *testing.T) {
				p := newPair(t)
				p.set(t, Both, imp)
				sent := make([]byte, 1<<20)
				rand.NewChaCha8([32]byte{}).Read(sent)
				received := p.transfer(t, host+":7000", sent)
				if sha256.Sum256(received) != sha256.Sum256(sent) {
					t.Errorf("received %d bytes that are not the %d sent", len(received), len(sent))
				}
				s := p.link.Stats(AtoB)
				if least := uint64(len(sent) / mtu); s.Taken < least {
					t.Errorf("%d bytes took %d frames, want at least %d of one MTU", len(sent), s.Taken, least)
				}
				t.Logf("%+v", s)
			})
		}
	}
}

// transfer sends bytes over TCP from a to an address of b.
func (p *pair) transfer(t *testing.T, address string, bytes []byte) (received []byte) {
	ln := must(p.b.Listen(t.Context(), "tcp", address))(t)
	defer ln.Close()
	var serving sync.WaitGroup
	serving.Go(func() {
		conn, err := ln.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		if received, err = io.ReadAll(conn); err != nil {
			t.Error(err)
		}
	})
	conn := must(p.a.Dial(t.Context(), "tcp", address))(t)
	_, err := conn.Write(bytes)
	check(t, err)
	check(t, conn.Close())
	serving.Wait()
	return received
}

// A datagram as large as the MTU allows, and one that is fragmented.
func TestLargeDatagrams(t *testing.T) {
	p := newPair(t)
	const address = "192.0.2.2:7000"
	server := listenUDP(t, p.b, address)
	defer server.Close()
	client := must(p.a.Dial(t.Context(), "udp4", address))(t)
	defer client.Close()
	for _, size := range []int{mtu - 28, 9000} {
		sent := bytes.Repeat([]byte{0xa5}, size)
		_, err := client.Write(sent)
		check(t, err)
		check(t, server.SetDeadline(time.Now().Add(10*time.Second)))
		buf := make([]byte, 65536)
		n, _, err := server.ReadFrom(buf)
		if check(t, err); !bytes.Equal(buf[:n], sent) {
			t.Errorf("received %d bytes that are not the %d sent", n, size)
		}
	}
}

func TestLinkErrors(t *testing.T) {
	p := newPair(t)
	if err := p.link.Set(Both, Impairment{Loss: 2}); err == nil {
		t.Error("Set takes a loss of 2")
	}
	if err := p.link.Number(addrA, addrB6); err == nil {
		t.Error("Number takes two families")
	}
	if k, err := p.lab.Link(p.a, addrA, p.b, netip.MustParsePrefix("198.51.100.1/30")); err == nil {
		t.Error("Link takes two subnets:", k)
	}
}
