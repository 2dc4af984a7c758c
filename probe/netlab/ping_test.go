package netlab

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// pinger sends ICMP echo requests from a raw socket on a host.
type pinger struct {
	conn  *icmp.PacketConn
	to    net.Addr
	proto int
	ask   icmp.Type
	reply icmp.Type
	seq   int
}

func newPinger(t testing.TB, h *Host, to netip.Addr) *pinger {
	t.Helper()
	p := &pinger{to: &net.IPAddr{IP: to.AsSlice()}, proto: 1, ask: ipv4.ICMPTypeEcho, reply: ipv4.ICMPTypeEchoReply}
	network, any := "ip4:icmp", "0.0.0.0"
	if to.Is6() {
		p.proto, p.ask, p.reply = 58, ipv6.ICMPTypeEchoRequest, ipv6.ICMPTypeEchoReply
		network, any = "ip6:ipv6-icmp", "::"
	}
	check(t, h.Do(func() (err error) {
		p.conn, err = icmp.ListenPacket(network, any)
		return err
	}))
	t.Cleanup(func() { p.conn.Close() })
	check(t, p.conn.SetDeadline(time.Now().Add(30*time.Second)))
	return p
}

func (p *pinger) send(t testing.TB) (seq int) {
	t.Helper()
	p.seq++
	m := icmp.Message{Type: p.ask, Body: &icmp.Echo{ID: 77, Seq: p.seq, Data: make([]byte, 56)}}
	_, err := p.conn.WriteTo(must(m.Marshal(nil))(t), p.to)
	check(t, err)
	return p.seq
}

// receive waits for the next reply and returns its sequence number.
func (p *pinger) receive(t testing.TB) int {
	t.Helper()
	buf := make([]byte, mtu)
	for {
		n, _, err := p.conn.ReadFrom(buf)
		check(t, err)
		m := must(icmp.ParseMessage(p.proto, buf[:n]))(t)
		if echo, ok := m.Body.(*icmp.Echo); ok && m.Type == p.reply && echo.ID == 77 {
			return echo.Seq
		}
	}
}

// ping returns the round-trip time of one request.
func (p *pinger) ping(t testing.TB) time.Duration {
	t.Helper()
	start := time.Now()
	seq := p.send(t)
	if got := p.receive(t); got != seq {
		t.Fatalf("reply %d, want %d", got, seq)
	}
	return time.Since(start)
}
