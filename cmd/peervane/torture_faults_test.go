package main

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// fault is a way in which a receiver treats a request, and whether it has taken the notice all the same.
type fault struct {
	name string
	// treat answers. freed is closed when the fault ends.
	treat func(w http.ResponseWriter, r *http.Request, freed <-chan struct{}) (taken bool)
	// shut: nobody listens. forged: TLS shows a certificate of nobody who is trusted. rebinds: the name leads to a private
	// address from the second look-up on.
	shut, forged, rebinds bool
	logged                string // what the log says of it; "": nothing that tells it from others
}

var well = fault{name: "well", treat: answers(http.StatusNoContent)}

// passing are the faults that a retry mends; at refusing the notice becomes a dead letter.
var (
	passing = []fault{
		{name: "hang", treat: hang},
		{name: "refuse", shut: true, logged: "connection refused"},
		{name: "reset in the middle of the body", treat: resetInBody, logged: "connection reset"},
		{name: "301", treat: answers(http.StatusMovedPermanently, "Location", "/elsewhere"), logged: "answered 301"},
		{name: "429 for seconds", treat: answers(http.StatusTooManyRequests, "Retry-After", "1"), logged: "answered 429"},
		{name: "429 until a date", treat: untilADate},
		{name: "500", treat: answers(http.StatusInternalServerError), logged: "answered 500"},
		{name: "503", treat: answers(http.StatusServiceUnavailable, "Retry-After", "2"), logged: "answered 503"},
		{name: "a byte a second", treat: drip},
		{name: "taken, the answer lost", treat: loseAnswer},
		{name: "201, slowly", treat: slowly},
		{name: "200", treat: answers(http.StatusOK)},
	}
	refusing = []fault{
		{name: "400", treat: answers(http.StatusBadRequest), logged: "answered 400"}, {name: "401", treat: answers(http.StatusUnauthorized), logged: "answered 401"},
		{name: "404", treat: answers(http.StatusNotFound), logged: "answered 404"}, {name: "413", treat: answers(http.StatusRequestEntityTooLarge), logged: "answered 413"},
	}
	leaving  = fault{name: "410", treat: answers(http.StatusGone), logged: "answered 410"}
	forging  = fault{name: "a bad certificate", forged: true, treat: answers(http.StatusNoContent), logged: "the certificate cannot be verified"}
	rebinder = fault{name: "a name that leads to a private address", rebinds: true, logged: "the address is private"}
)

func answers(status int, header ...string) func(http.ResponseWriter, *http.Request, <-chan struct{}) bool {
	return func(w http.ResponseWriter, _ *http.Request, _ <-chan struct{}) bool {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		return status < 300
	}
}

func untilADate(w http.ResponseWriter, r *http.Request, freed <-chan struct{}) bool {
	date := time.Now().Add(2 * time.Second).UTC().Format(http.TimeFormat)
	return answers(http.StatusTooManyRequests, "Retry-After", date)(w, r, freed)
}

func hang(_ http.ResponseWriter, r *http.Request, freed <-chan struct{}) bool {
	select {
	case <-freed:
	case <-r.Context().Done():
	}
	panic(http.ErrAbortHandler)
}

func resetInBody(w http.ResponseWriter, _ *http.Request, _ <-chan struct{}) bool {
	taking(w, func(c net.Conn) { reset(c, "HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\nha") })
	return false
}

func reset(c net.Conn, first string) {
	_, _ = io.WriteString(c, first)
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}

func loseAnswer(w http.ResponseWriter, _ *http.Request, _ <-chan struct{}) bool {
	taking(w, func(c net.Conn) { reset(c, "") })
	return true
}

// drip answers so slowly that its status is never known.
func drip(w http.ResponseWriter, _ *http.Request, freed <-chan struct{}) bool {
	taking(w, func(c net.Conn) {
		second := time.NewTicker(time.Second)
		defer second.Stop()
		for _, b := range []byte("HTTP/1.1 204 No Content\r\n\r\n") {
			if _, err := c.Write([]byte{b}); err != nil {
				return
			}
			select {
			case <-second.C:
			case <-freed:
				return
			}
		}
	})
	return false
}

func slowly(w http.ResponseWriter, r *http.Request, freed <-chan struct{}) bool {
	select {
	case <-time.After(30 * time.Millisecond):
	case <-freed:
	}
	return answers(http.StatusCreated)(w, r, freed)
}

func taking(w http.ResponseWriter, with func(net.Conn)) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	with(conn)
	conn.Close()
}

// victim is the receiver of one channel. What it takes goes into the ledger.
type victim struct {
	channel string
	address string
	certify func(forged bool) *tls.Certificate // nil: it speaks no TLS
	ledger  *ledger
	rebind  func(yes bool) // nil: its name is an address

	mu     sync.Mutex
	fault  fault
	freed  chan struct{}
	server *http.Server // nil: nobody listens
	ended  chan struct{}
}

// trap listens at the private address to which the name leads, where nobody may come.
func (v *victim) trap(http.ResponseWriter, *http.Request) {
	v.ledger.complain(v.channel + ": a private address was reached")
}

// behave changes how the receiver treats what comes from now on, and ends what it was doing.
func (v *victim) behave(f fault) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.freed != nil {
		close(v.freed)
	}
	v.fault, v.freed = f, make(chan struct{})
	if v.rebind != nil {
		v.rebind(f.rebinds)
	}
	// A connection that is kept alive would outlive a change of the certificate, or of who listens.
	v.close()
	if f.rebinds {
		return v.listen("127.0.0.1:"+v.port(), http.HandlerFunc(v.trap))
	}
	if f.shut {
		return nil
	}
	return v.listen(v.address, v)
}

// does gives what the receiver does now.
func (v *victim) does() fault {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.fault
}

func (v *victim) listen(address string, handler http.Handler) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	if v.address == address {
		v.address = l.Addr().String() // with its port
	}
	if v.certify != nil {
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{*v.certify(v.fault.forged)}, NextProtos: []string{"http/1.1"}})
	}
	server, ended := &http.Server{Handler: handler, ErrorLog: silent}, make(chan struct{})
	v.server, v.ended = server, ended
	go func() { defer close(ended); _ = server.Serve(l) }() // it ends with an error, whatever ends it
	return nil
}

func (v *victim) close() {
	if v.server != nil {
		v.server.Close()
		<-v.ended
		v.server = nil
	}
}

// end frees what hangs, and closes.
func (v *victim) end() {
	v.mu.Lock()
	defer v.mu.Unlock()
	close(v.freed)
	v.close()
}

func (v *victim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the sender was killed in the middle of it
	}
	v.mu.Lock()
	f, freed := v.fault, v.freed
	v.mu.Unlock()
	if f.treat(w, r, freed) {
		v.ledger.take(v.channel, r.Header.Get("webhook-id"), body)
	}
}

func (v *victim) port() string {
	_, port, _ := net.SplitHostPort(v.address) // it is one
	return port
}
