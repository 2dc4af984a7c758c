package session

import (
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"peervane/bgp/wire"
)

// bubble runs a session against a script, on a clock of their own.
func bubble(t *testing.T, change func(*Config), f func(t *testing.T, s *Session, h *recorder, far chan net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig()
		if change != nil {
			change(&cfg)
		}
		dial, far := pipes()
		h := newRecorder(t)
		s := New(cfg, h, logger(t), Options{Dial: dial, Jitter: func() float64 { return 1 }})
		start(t, s)
		f(t, s, h, far)
	})
}

func TestSilentNeighbour(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *Session, h *recorder, far chan net.Conn) {
		p := newScript(t, <-far).handshake()
		h.next("established")
		since := time.Now()
		for _, want := range []time.Duration{10, 20, 30} { // the neighbour's hold time is 30 s
			p.expect(wire.TypeKeepalive)
			if got := time.Since(since); got != want*time.Second {
				t.Errorf("KEEPALIVE after %s, want %s", got, want*time.Second)
			}
		}
		p.expectNotification(wire.CodeHoldTimer, 0)
		if got := time.Since(since); got != 30*time.Second {
			t.Errorf("hold timer expired after %s", got)
		}
		if r := h.next("closed").reason; r.Sent == nil || r.Graceful {
			t.Errorf("reason %+v", r)
		}
		st := s.State()
		if st.Flaps != 1 || !strings.Contains(st.LastError, "silent") || st.State == Established || st.Negotiated != nil {
			t.Errorf("status %+v", st)
		}
	})
}

func TestEveryMessageIsASignOfLife(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *Session, h *recorder, far chan net.Conn) {
		p := newScript(t, <-far).handshake()
		h.next("established")
		discard(p)
		for _, msg := range [][]byte{keepalive(), update(1), keepalive(), wire.AppendRouteRefresh(nil, 0, 0), update(2)} {
			time.Sleep(29 * time.Second)
			p.send(msg)
		}
		time.Sleep(29 * time.Second)
		synctest.Wait()
		if s.State().State != Established {
			t.Error("the session was lost, but the neighbour was never silent for 30 s")
		}
	})
}

// discard reads on behalf of a script that does not care, until the connection is closed.
func discard(p *script) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.expectClosed()
	}()
	p.t.Cleanup(func() { <-done })
}

// The Handler is busy for longer than the hold time, while the neighbour keeps talking: it is not silent.
func TestHoldTimerWaitsForUnreadBytes(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *Session, h *recorder, far chan net.Conn) {
		h.onUpdate = func([]byte) *wire.Error {
			time.Sleep(200 * time.Second)
			return nil
		}
		p := newScript(t, <-far).handshake()
		h.next("established")
		discard(p)
		p.send(update(1))
		until := time.Now().Add(300 * time.Second)
		for time.Now().Before(until) {
			p.send(keepalive()) // waits while nobody reads
			time.Sleep(10 * time.Second)
		}
		h.next("update")
		h.silent()
		if st := s.State(); st.State != Established || st.Flaps != 0 {
			t.Errorf("status %+v", st)
		}
	})
}

// A neighbour that takes nothing in is given up at last (RFC 9687), however much it says.
func TestSendHoldTimer(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *Session, h *recorder, far chan net.Conn) {
		p := newScript(t, <-far).handshake()
		h.next("established")
		since := time.Now()
		for s.State().Flaps == 0 && time.Since(since) < time.Hour {
			_, _ = p.conn.Write(keepalive()) // fails once we have given up
			time.Sleep(10 * time.Second)
		}
		if r := h.next("closed").reason; r.Err != errSendHold {
			t.Errorf("reason %+v", r)
		}
		if took := time.Since(since); took > sendHoldTime+time.Minute {
			t.Errorf("given up after %s", took)
		}
	})
}

func TestRetries(t *testing.T) {
	bubble(t, func(c *Config) { c.ConnectRetry = 3 * time.Second }, func(t *testing.T, _ *Session, _ *recorder, far chan net.Conn) {
		last := time.Now()
		for i, want := range []time.Duration{0, 1, 2, 3, 3} {
			conn := <-far
			if got := time.Since(last); got != want*time.Second {
				t.Errorf("attempt %d after %s, want %ds", i, got, want)
			}
			last = time.Now()
			_ = conn.Close()
		}
	})
}

// An attempt that gets no answer is given up after connect_retry, and made again.
func TestConnectTimeout(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *Session, _ *recorder, far chan net.Conn) {
		time.Sleep(31 * time.Second)
		synctest.Wait()
		if st := s.State(); st.State != Connect || st.LastError != errConnectTimeout.Error() {
			t.Errorf("status %+v", st)
		}
		newScript(t, <-far).handshake()
	})
}

// A router that does not know us takes our connection and drops it. Who reads why we are not in session is told so.
func TestClosedWithoutOpen(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *Session, _ *recorder, far chan net.Conn) {
		_ = (<-far).Close()
		synctest.Wait()
		if got, want := s.State().LastError, "the neighbour closed the connection without an OPEN (has it a session for our address?)"; got != want {
			t.Errorf("last error %q, want %q", got, want)
		}
		p := newScript(t, <-far).handshake()
		_ = p.conn.Close()
		synctest.Wait()
		if got, want := s.State().LastError, "the neighbour closed the connection"; got != want {
			t.Errorf("last error %q, want %q", got, want)
		}
	})
}

// After a Cease with an idle time the neighbour is refused, and then welcome again.
func TestIdleTime(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *Session, h *recorder, far chan net.Conn) {
		p := newScript(t, <-far).handshake()
		h.next("established")
		s.Cease(wire.SubMaxPrefixes, "too many prefixes", 15*time.Minute)
		p.expectNotification(wire.CodeCease, wire.SubMaxPrefixes)
		_ = p.conn.Close()
		if r := h.next("closed").reason; r.Graceful || !strings.Contains(r.Text, "too many prefixes") {
			t.Errorf("reason %+v", r)
		}
		since := time.Now()
		incoming(t, s).expectClosed()
		if s.State().State != Idle {
			t.Errorf("state %s", s.State().State)
		}
		newScript(t, <-far).handshake()
		if got := time.Since(since); got != 15*time.Minute {
			t.Errorf("back after %s", got)
		}
	})
}

// The neighbour restarts, and its new connection comes before the loss of the old one is seen: it takes its place.
func TestRestartedNeighbour(t *testing.T) {
	bubble(t, func(c *Config) { c.Passive = true }, func(t *testing.T, s *Session, h *recorder, _ chan net.Conn) {
		old := incoming(t, s)
		old.open = restartable(true)
		old.handshake()
		h.next("established")
		time.Sleep(8 * time.Second)
		again := incoming(t, s)
		again.open = restartable(true)
		again.handshake()
		old.expectClosed() // without a NOTIFICATION
		if r := h.next("closed").reason; r.Err != errReplaced || !r.Graceful {
			t.Errorf("reason %+v", r)
		}
		h.next("established")
	})
}

// incoming connects a script to a session.
func incoming(t *testing.T, s *Session) *script {
	near, far := net.Pipe()
	s.Incoming(near)
	return newScript(t, far)
}

// A Handler may end the session from within; nothing of what follows in the same read reaches it.
func TestCeaseFromHandler(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *Session, h *recorder, far chan net.Conn) {
		h.onUpdate = func([]byte) *wire.Error {
			s.Cease(wire.SubMaxPrefixes, "", time.Minute)
			return nil
		}
		p := newScript(t, <-far).handshake()
		h.next("established")
		p.send(update(1), update(2), update(3))
		p.expectNotification(wire.CodeCease, wire.SubMaxPrefixes)
		h.next("update")
		h.next("closed")
		h.silent()
	})
}

func TestAnnouncesItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial, far := pipes()
		h := newRecorder(t)
		s := New(testConfig(), h, logger(t), Options{Dial: dial})
		stop := start(t, s)
		p := newScript(t, <-far).handshake()
		h.next("established")
		go stop()
		n := p.expectNotification(wire.CodeCease, wire.SubAdminShutdown)
		if !strings.Contains(n.Text(), "peervane stopped") {
			t.Errorf("NOTIFICATION %s", n.Text())
		}
		_ = p.conn.Close()
		h.next("closed")
		synctest.Wait()
		if s.State().State != Idle {
			t.Errorf("state %s", s.State().State)
		}
	})
}

// Nobody reads the NOTIFICATION: stopping takes its time, and no more.
func TestStopIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial, far := pipes()
		h := newRecorder(t)
		stop := start(t, New(testConfig(), h, logger(t), Options{Dial: dial}))
		newScript(t, <-far).handshake()
		h.next("established")
		since := time.Now()
		stop()
		if took := time.Since(since); took > linger {
			t.Errorf("stopping took %s", took)
		}
	})
}

// A neighbour that cannot bear a capability gets an OPEN without it.
func TestRefusedCapabilityOnTheWire(t *testing.T) {
	bubble(t, nil, func(t *testing.T, _ *Session, h *recorder, far chan net.Conn) {
		p := newScript(t, <-far)
		p.expect(wire.TypeOpen)
		p.send(wire.AppendNotification(nil, &wire.Error{Code: wire.CodeOpen, Subcode: wire.SubUnsupportedCapability,
			Data: []byte{wire.CapRole, 1, wire.RoleCustomer}}))
		_ = p.conn.Close()
		p = newScript(t, <-far).handshake()
		h.next("established")
		if p.got.Caps.Role != nil || !p.got.Caps.AS4 {
			t.Errorf("the second OPEN offers %+v", p.got.Caps)
		}
	})
}

// What keeps failing in the same way is a warning once, and again after a session.
func TestFailuresAreLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zapcore.WarnLevel)
		dial, far := pipes()
		h := newRecorder(t)
		start(t, New(testConfig(), h, zap.New(core), Options{Dial: dial}))
		for range 5 {
			_ = (<-far).Close()
		}
		p := newScript(t, <-far).handshake()
		h.next("established")
		if got := logs.FilterMessage("session not established").Len(); got != 1 {
			t.Errorf("%d warnings of the same failure", got)
		}
		_ = p.conn.Close()
		for range 2 {
			_ = (<-far).Close()
		}
		synctest.Wait()
		if got := logs.FilterMessage("session not established").Len(); got != 2 {
			t.Errorf("%d warnings after a session", got)
		}
	})
}
