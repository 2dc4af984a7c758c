package session

import (
	"bytes"
	"net"
	"testing"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/bgp/wire"
)

// counter is a Handler that does next to nothing.
type counter struct {
	updates, want int
	up, done      chan struct{}
}

func (c *counter) Established(Negotiated, time.Time)    { close(c.up) }
func (c *counter) Refresh(bgp.Family, uint8, time.Time) {}
func (c *counter) Closed(Reason, time.Time)             {}
func (c *counter) Update(_ []byte, _ time.Time) *wire.Error {
	if c.updates++; c.updates == c.want {
		close(c.done)
	}
	return nil
}

// BenchmarkUpdates is what a session costs for each UPDATE of 100 bytes, from the socket to the Handler, the sender
// included.
func BenchmarkUpdates(b *testing.B) {
	ln := tcpPeer(b, "127.0.1.2", nil)
	c := &counter{want: b.N, up: make(chan struct{}), done: make(chan struct{})}
	s := New(tcpConfig("127.0.1.1", "127.0.1.2", portOf(ln)), c, zap.NewNop(), Options{})
	start(b, s)
	p := accept(b, ln).handshake()
	_ = p.conn.SetDeadline(time.Time{})
	<-c.up
	many := bytes.Repeat(update(19), 1000) // 99 bytes each
	b.SetBytes(int64(len(many) / 1000))
	b.ReportAllocs()
	b.ResetTimer()
	for left := b.N; left > 0; left -= 1000 {
		if _, err := p.conn.Write(many[:len(many)/1000*min(left, 1000)]); err != nil {
			b.Fatal(err)
		}
	}
	<-c.done
}

// BenchmarkLatency is the way of one UPDATE from write to Handler, both ends at rest.
func BenchmarkLatency(b *testing.B) {
	ln := tcpPeer(b, "127.0.1.2", nil)
	h := &echo{up: make(chan struct{}), got: make(chan struct{})}
	s := New(tcpConfig("127.0.1.1", "127.0.1.2", portOf(ln)), h, zap.NewNop(), Options{})
	start(b, s)
	p := accept(b, ln).handshake()
	<-h.up
	_ = p.conn.(*net.TCPConn).SetDeadline(time.Time{})
	msg := update(1)
	b.ReportAllocs()
	for b.Loop() {
		p.send(msg)
		<-h.got
	}
}

type echo struct{ up, got chan struct{} }

func (e *echo) Established(Negotiated, time.Time)    { close(e.up) }
func (e *echo) Refresh(bgp.Family, uint8, time.Time) {}
func (e *echo) Closed(Reason, time.Time)             {}
func (e *echo) Update([]byte, time.Time) *wire.Error { e.got <- struct{}{}; return nil }

// A full table is a million of these steps.
func TestUpdateAllocatesNothing(t *testing.T) {
	m := newMachine(testConfig())
	for _, ev := range ways["Established"] {
		m.step(ev)
	}
	ev := event(UpdateMsg)
	if n := testing.AllocsPerRun(1000, func() { m.Step(ev) }); n != 0 {
		t.Errorf("%v allocations for each UPDATE", n)
	}
}
