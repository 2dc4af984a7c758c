package session

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"peervane/bgp"
	"peervane/bgp/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds waits for what is sure to come; only a failure takes so long.
const patience = 20 * time.Second

// script is a neighbour that does what the test says, byte by byte.
type script struct {
	t    testing.TB
	conn net.Conn
	r    *bufio.Reader
	open *wire.Open // what it sends
	got  *wire.Open // what it received
}

func newScript(t testing.TB, conn net.Conn) *script {
	t.Cleanup(func() { _ = conn.Close() })
	return &script{t: t, conn: conn, r: bufio.NewReader(conn), open: testOpen()}
}

// read takes the next message.
func (p *script) read() (typ uint8, body []byte) {
	p.t.Helper()
	header := make([]byte, wire.HeaderLen)
	if _, err := io.ReadFull(p.r, header); err != nil {
		p.t.Fatalf("the neighbour reads: %v", err)
	}
	typ, n, bad := wire.ParseHeader(header, wire.MaxExtendedLen)
	if bad != nil {
		p.t.Fatal(bad)
	}
	body = make([]byte, n-wire.HeaderLen)
	if _, err := io.ReadFull(p.r, body); err != nil {
		p.t.Fatalf("the neighbour reads: %v", err)
	}
	return typ, body
}

func (p *script) expect(want uint8) []byte {
	p.t.Helper()
	typ, body := p.read()
	if typ != want {
		p.t.Fatalf("the neighbour gets a message of type %d (% x), want type %d", typ, body, want)
	}
	return body
}

// expectNotification passes over KEEPALIVEs, End-of-RIBs and the like.
func (p *script) expectNotification(code, subcode uint8) wire.Notification {
	p.t.Helper()
	for {
		typ, body := p.read()
		if typ != wire.TypeNotification {
			continue
		}
		n := wire.ParseNotification(body)
		if n.Code != code || n.Subcode != subcode {
			p.t.Fatalf("the neighbour gets %s, want %d/%d", n.Text(), code, subcode)
		}
		return n
	}
}

// expectClosed reads until the other side has closed.
func (p *script) expectClosed() {
	p.t.Helper()
	if _, err := io.Copy(io.Discard, p.r); err != nil {
		p.t.Fatalf("the connection should be closed, but: %v", err)
	}
}

func (p *script) send(msgs ...[]byte) {
	p.t.Helper()
	if _, err := p.conn.Write(bytes.Join(msgs, nil)); err != nil {
		p.t.Fatalf("the neighbour writes: %v", err)
	}
}

// handshake goes as far as to Established, and takes the End-of-RIB of each family.
func (p *script) handshake() *script {
	p.t.Helper()
	var err *wire.Error
	if p.got, err = wire.ParseOpen(p.expect(wire.TypeOpen)); err != nil {
		p.t.Fatal(err)
	}
	p.send(p.open.Append(nil))
	p.expect(wire.TypeKeepalive)
	p.send(wire.AppendKeepalive(nil))
	for f, agreed := range p.open.Caps.Families {
		if agreed && p.got.Caps.Families[f] {
			p.expect(wire.TypeUpdate)
		}
	}
	return p
}

func keepalive() []byte { return wire.AppendKeepalive(nil) }

// update is an UPDATE that withdraws n times the same prefix: what it says does not matter here.
func update(n int) []byte {
	body := []byte{byte(4 * n >> 8), byte(4 * n)}
	body = append(body, bytes.Repeat([]byte{24, 192, 0, 2}, n)...)
	return message(wire.TypeUpdate, append(body, 0, 0))
}

func message(typ uint8, body []byte) []byte {
	n := wire.HeaderLen + len(body)
	msg := append(bytes.Repeat([]byte{0xff}, 16), byte(n>>8), byte(n), typ)
	return append(msg, body...)
}

// heard is what a Handler was told.
type heard struct {
	what    string // established update refresh closed
	agreed  Negotiated
	body    int
	family  bgp.Family
	subtype uint8
	reason  Reason
}

// recorder is a Handler that passes on what it hears.
type recorder struct {
	t        testing.TB
	events   chan heard
	onUpdate func(body []byte) *wire.Error
}

func newRecorder(t testing.TB) *recorder {
	return &recorder{t: t, events: make(chan heard, 1000)}
}

func (r *recorder) Established(n Negotiated, _ time.Time) {
	r.events <- heard{what: "established", agreed: n}
}

func (r *recorder) Update(body []byte, _ time.Time) *wire.Error {
	if r.onUpdate != nil {
		if err := r.onUpdate(body); err != nil {
			return err
		}
	}
	r.events <- heard{what: "update", body: len(body)}
	return nil
}

func (r *recorder) Refresh(f bgp.Family, subtype uint8, _ time.Time) {
	r.events <- heard{what: "refresh", family: f, subtype: subtype}
}

func (r *recorder) Closed(reason Reason, _ time.Time) {
	r.events <- heard{what: "closed", reason: reason}
}

// next waits for what is heard next.
func (r *recorder) next(what string) heard {
	r.t.Helper()
	select {
	case h := <-r.events:
		if h.what != what {
			r.t.Fatalf("heard %+v, want %s", h, what)
		}
		return h
	case <-time.After(patience):
		r.t.Fatalf("never heard: %s", what)
	}
	return heard{}
}

func (r *recorder) silent() {
	r.t.Helper()
	select {
	case h := <-r.events:
		r.t.Fatalf("heard %+v", h)
	default:
	}
}

// start runs a session until the test ends, or stop is called.
func start(t testing.TB, s *Session) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = s.Run(ctx) })
	stop = func() {
		cancel()
		running.Wait()
	}
	t.Cleanup(stop)
	return stop
}

func logger(t testing.TB) *zap.Logger { return zaptest.NewLogger(t, zaptest.Level(zap.DebugLevel)) }

// pipes gives a dialler whose connections end at the test.
func pipes() (dial func(context.Context) (net.Conn, error), far chan net.Conn) {
	far = make(chan net.Conn)
	return func(ctx context.Context) (net.Conn, error) {
		near, other := net.Pipe()
		select {
		case far <- other:
			return near, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}, far
}

// listen opens a listener whose sockets are closed when the test ends, and runs it.
func listen(t testing.TB, addrs ...string) *Listener {
	t.Helper()
	l := prepareListener(t, addrs...)
	serve(t, l)
	return l
}

func prepareListener(t testing.TB, addrs ...string) *Listener {
	t.Helper()
	var list []netip.AddrPort
	for _, a := range addrs {
		list = append(list, netip.MustParseAddrPort(a))
	}
	sockets, err := Listen(context.Background(), list)
	if err != nil {
		t.Fatal(err)
	}
	l, err := NewListener(sockets, logger(t))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func serve(t testing.TB, l *Listener) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := l.Run(ctx); err != nil {
			t.Errorf("listener: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); running.Wait() })
}

// admit lets a session's neighbour in.
func admit(t testing.TB, l *Listener, s *Session) {
	t.Helper()
	cfg := s.Config()
	err := l.Add(Neighbours{
		Name: cfg.Name, Prefix: netip.PrefixFrom(cfg.Addr, cfg.Addr.BitLen()), Password: cfg.Password,
		Session: func(netip.Addr) *Session { return s },
	})
	if err != nil {
		t.Fatal(err)
	}
}
