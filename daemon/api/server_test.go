package api

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// wire is a listener without a network, so that time can be that of the test.
type wire struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newWire() *wire { return &wire{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (w *wire) Accept() (net.Conn, error) {
	select {
	case conn := <-w.conns:
		return conn, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

func (w *wire) Close() error {
	w.once.Do(func() { close(w.closed) })
	return nil
}

func (w *wire) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9479} }

func (w *wire) dial() net.Conn {
	ours, theirs := net.Pipe()
	w.conns <- theirs
	return ours
}

// serve runs a server in a bubble; stop ends it and gives what Run said.
func serve(source Source) (w *wire, stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	w = newWire()
	ended := make(chan error, 1)
	go func() { ended <- newServer(source).Run(ctx, w) }()
	return w, func() error { cancel(); return <-ended }
}

func TestRunServesAndStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, stop := serve(newFixed())
		conn := w.dial()
		defer conn.Close()
		fmt.Fprint(conn, "GET /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%v %v", resp, err)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Error("the connection outlives the server")
		}
	})
}

// TestRunAnswersNobodyAtTheEnd ends what waits for the daemon at once: nobody will answer it any more.
func TestRunAnswersNobodyAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, stop := serve(waiting{newFixed()})
		conn := w.dial()
		defer conn.Close()
		fmt.Fprint(conn, "GET /api/v1/prefixes HTTP/1.1\r\nHost: x\r\n\r\n")
		synctest.Wait() // the question waits
		began := time.Now()
		answer := make(chan string, 1)
		go func() {
			b, _ := io.ReadAll(conn)
			answer <- string(b)
		}()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if got := <-answer; !strings.HasPrefix(got, "HTTP/1.1 503 ") {
			t.Errorf("got %q", got)
		}
		if took := time.Since(began); took >= shutdownTimeout {
			t.Errorf("the end took %s", took)
		}
	})
}

// waiting is a daemon whose engine is busy for good.
type waiting struct{ *fixed }

func (waiting) Prefixes(ctx context.Context, _ func([]Prefix) error) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

func TestRunFails(t *testing.T) {
	w := newWire()
	w.Close()
	err := newServer(newFixed()).Run(t.Context(), w)
	if err == nil || !strings.HasPrefix(err.Error(), "serve http on 127.0.0.1:9479: ") {
		t.Errorf("got %v", err)
	}
}

// TestSlowClients holds no connection for somebody who neither asks nor reads.
func TestSlowClients(t *testing.T) {
	for name, c := range map[string]struct {
		say   string
		bound time.Duration
	}{
		"silent":            {"", readTimeout},
		"half a header":     {"GET / HTTP/1.1\r\nHost: x\r\n", readTimeout},
		"no more questions": {"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", idleTimeout},
		"does not read":     {"GET /api/v1/routes?prefix=10.0.0.0/8 HTTP/1.1\r\nHost: x\r\n\r\n", writeTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, stop := serve(talkative{newFixed()})
				conn := w.dial()
				defer conn.Close()
				began := time.Now()
				go io.WriteString(conn, c.say)
				if name == "no more questions" {
					go io.Copy(io.Discard, io.LimitReader(conn, 100))
				}
				time.Sleep(c.bound + time.Second) // in the time of the bubble
				synctest.Wait()
				_ = conn.SetReadDeadline(time.Now().Add(time.Second))
				if _, err := io.Copy(io.Discard, conn); err != nil {
					t.Errorf("still open after %s: %v", time.Since(began), err)
				}
				if err := stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// talkative answers with more than fits into any buffer.
type talkative struct{ *fixed }

func (talkative) Routes(context.Context, Wanted) ([]Route, error) {
	return []Route{{ASPath: strings.Repeat("64500 ", 1<<20)}}, nil
}

func TestHeadersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, stop := serve(newFixed())
		conn := w.dial()
		defer conn.Close()
		go fmt.Fprintf(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n", strings.Repeat("x", 2*maxHeaderBytes))
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%v %v", resp, err)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestPanicsAreLogged and end one connection, not the daemon.
func TestPanicsAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.DebugLevel)
		ctx, cancel := context.WithCancel(context.Background())
		w, ended := newWire(), make(chan error, 1)
		go func() { ended <- New(broken{newFixed()}, prometheus.NewRegistry(), zap.New(core)).Run(ctx, w) }()
		conn := w.dial()
		go io.WriteString(conn, "GET /api/v1/routes?prefix=10.0.0.0/8 HTTP/1.1\r\nHost: x\r\n\r\n")
		_, _ = io.Copy(io.Discard, conn)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if logs.Len() != 1 {
			t.Errorf("logged: %v", logs.All())
		}
	})
}

type broken struct{ *fixed }

func (broken) Routes(context.Context, Wanted) ([]Route, error) { panic("broken") }
