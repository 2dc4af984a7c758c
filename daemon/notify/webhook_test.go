package notify

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"peervane/config"
	"peervane/daemon/notice"
)

var sample = notice.Delivery{ID: "01JD", Channel: "noc", Incident: "i1", Body: []byte(`{"version":"notice.v1"}`)}

func open(t *testing.T, c config.Channel) *webhook {
	t.Helper()
	n, err := newWebhook(c, "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	return n.(*webhook)
}

func to(url string) config.Channel {
	return config.Channel{Name: "noc", Kind: "webhook", URL: config.NewURL(url, false), AllowPrivate: true}
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

func TestWebhookRequest(t *testing.T) {
	old, oldKey := whsec(1)
	fresh, freshKey := whsec(2)
	other, _ := whsec(3)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != string(sample.Body) {
			t.Errorf("body %q, %v", body, err)
		}
		for header, want := range map[string]string{
			"Content-Type": "application/json", "User-Agent": "peervane/1.2.3", "Webhook-Id": "01JD",
		} {
			if got := r.Header.Get(header); got != want {
				t.Errorf("%s is %q, want %q", header, got, want)
			}
		}
		if r.Method != http.MethodPost || r.ContentLength != int64(len(sample.Body)) {
			t.Errorf("%s with length %d", r.Method, r.ContentLength)
		}
		for _, secret := range []string{old, fresh} {
			if err := verify(secret, r.Header, body, time.Now()); err != nil {
				t.Error(err)
			}
		}
		if verify(other, r.Header, body, time.Now()) == nil {
			t.Error("a key that is not ours verifies")
		}
		if verify(old, r.Header, append(body, ' '), time.Now()) == nil {
			t.Error("a body that was changed verifies")
		}
	})
	c := to(url)
	c.Secrets = []config.Secret{freshKey, oldKey}
	if result := open(t, c).Send(t.Context(), sample); result.Outcome != Delivered {
		t.Errorf("got %+v", result)
	}
}

func TestWebhookWithoutKeysIsNotSigned(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Webhook-Signature") != "" || r.Header.Get("Webhook-Id") != "01JD" || r.Header.Get("Webhook-Timestamp") == "" {
			t.Errorf("headers %v", r.Header)
		}
	})
	open(t, to(url)).Send(t.Context(), sample)
}

func TestWebhookAnswers(t *testing.T) {
	date := func(in time.Duration) string { return time.Now().Add(in).UTC().Format(http.TimeFormat) }
	for _, c := range []struct {
		status     int
		retryAfter string
		want       Outcome
		after      time.Duration // within half a minute: a date is read a while after it was written
	}{
		{200, "", Delivered, 0}, {201, "", Delivered, 0}, {202, "60", Delivered, 0}, {204, "", Delivered, 0},
		{301, "", Retry, 0}, {302, "60", Retry, 0}, {304, "", Retry, 0}, {307, "", Retry, 0}, {308, "", Retry, 0},
		{400, "", Permanent, 0}, {401, "60", Permanent, 0}, {403, "", Permanent, 0}, {404, "", Permanent, 0}, {413, "", Permanent, 0},
		{410, "", Gone, 0},
		{408, "60", Retry, time.Minute}, {425, "60", Retry, time.Minute},
		{429, "60", Retry, time.Minute}, {429, date(time.Minute), Retry, time.Minute}, {429, "", Retry, 0}, {429, "soon", Retry, 0},
		{503, "60", Retry, time.Minute}, {503, date(-time.Minute), Retry, 0},
		{500, "60", Retry, 0}, {502, "", Retry, 0}, {504, "", Retry, 0}, {599, "", Retry, 0}, {777, "", Retry, 0},
	} {
		t.Run(fmt.Sprint(c.status, " ", c.retryAfter), func(t *testing.T) {
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if c.retryAfter != "" {
					w.Header().Set("Retry-After", c.retryAfter)
				}
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(c.status)
			})
			got := open(t, to(url)).Send(t.Context(), sample)
			if got.Outcome != c.want || (got.After-c.after).Abs() > 30*time.Second {
				t.Errorf("got %+v", got)
			}
			if (got.Err == nil) != (c.want == Delivered) {
				t.Errorf("the error is %v", got.Err)
			}
		})
	}
}

func TestWebhookFollowsNoRedirect(t *testing.T) {
	var followed atomic.Bool
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			followed.Store(true)
		}
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	if got := open(t, to(url+"/")).Send(t.Context(), sample); got.Outcome != Retry || followed.Load() {
		t.Errorf("got %+v; followed: %v", got, followed.Load())
	}
}

func TestWebhookAsksNoProxy(t *testing.T) {
	var asked atomic.Bool
	proxy := serve(t, func(http.ResponseWriter, *http.Request) { asked.Store(true) })
	t.Setenv("HTTP_PROXY", proxy)
	t.Setenv("http_proxy", proxy)
	open(t, to("http://192.0.2.1.invalid/")).Send(t.Context(), sample)
	if asked.Load() {
		t.Error("the proxy of the environment was asked")
	}
}

// raw serves each connection with a function of its own, once the request's headers have come.
func raw(t *testing.T, answer func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			for r := bufio.NewReader(conn); ; {
				if line, err := r.ReadString('\n'); err != nil || strings.TrimSpace(line) == "" {
					break
				}
			}
			answer(conn)
			conn.Close()
		}
	}()
	t.Cleanup(func() { listener.Close(); <-ended })
	return "http://" + listener.Addr().String()
}

func TestWebhookBadReceivers(t *testing.T) {
	reset := func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) }
	for name, c := range map[string]struct {
		answer func(net.Conn)
		want   Outcome
	}{
		"hang":              {func(c net.Conn) { io.Copy(io.Discard, c) }, Retry},
		"close":             {func(c net.Conn) {}, Retry},
		"reset":             {reset, Retry},
		"garbage":           {func(c net.Conn) { c.Write([]byte("\x00\xff\x16\x03 nonsense\r\n\r\n")) }, Retry},
		"half a status":     {func(c net.Conn) { c.Write([]byte("HTTP/1.1 2")) }, Retry},
		"endless headers":   {func(c net.Conn) { c.Write([]byte("HTTP/1.1 200 OK\r\n")); pour(c, "X-More: and more\r\n") }, Retry},
		"reset in the body": {func(c net.Conn) { c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nha")); reset(c) }, Delivered},
		"failing, reset":    {func(c net.Conn) { c.Write([]byte("HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\nha")); reset(c) }, Retry},
		"drip":              {drip, Retry},
		"endless body":      {func(c net.Conn) { c.Write([]byte("HTTP/1.1 200 OK\r\n\r\n")); pour(c, "ha") }, Delivered},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t, to(raw(t, c.answer)))
			if name == "hang" || name == "drip" {
				w.client.Timeout = 300 * time.Millisecond
			}
			if got := w.Send(t.Context(), sample); got.Outcome != c.want {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// drip sends a byte at a time of an answer whose head never ends.
func drip(c net.Conn) {
	next := time.NewTicker(20 * time.Millisecond)
	defer next.Stop()
	for head := "HTTP/1.1 204 No Content\r\nX-Slow: "; ; head += "o" {
		if _, err := io.WriteString(c, head[:1]); err != nil {
			return
		}
		head = head[1:]
		<-next.C
	}
}

// pour writes until the other side has had enough.
func pour(c net.Conn, text string) {
	for {
		if _, err := io.WriteString(c, text); err != nil {
			return
		}
	}
}

func TestWebhookDrippingAnswerCountsByItsStatus(t *testing.T) {
	drip := make(chan struct{})
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		select {
		case <-drip:
		case <-r.Context().Done():
		}
	})
	defer close(drip)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	w := open(t, to(url))
	w.client.Timeout = time.Hour
	if got := w.Send(ctx, sample); got.Outcome != Delivered || ctx.Err() != nil {
		t.Errorf("got %+v, %v", got, ctx.Err())
	}
}

func TestWebhookRefusesPrivateAddresses(t *testing.T) {
	var reached atomic.Bool
	local := serve(t, func(http.ResponseWriter, *http.Request) { reached.Store(true) })
	port := local[strings.LastIndex(local, ":"):]
	for _, url := range []string{
		local, "http://localhost" + port, "http://[::1]" + port, "http://[::ffff:127.0.0.1]" + port, "http://0.0.0.0" + port,
		"http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.1.1/", "http://169.254.169.254/latest/meta-data/",
		"http://100.64.0.1/", "http://[fe80::1]/", "http://[fd00::1]/", "http://224.0.0.1/", "http://192.0.2.1/", "http://[64:ff9b::a00:1]/",
	} {
		c := to(url)
		c.AllowPrivate = false
		got := open(t, c).Send(t.Context(), sample)
		if got.Outcome != Retry || !strings.Contains(got.Err.Error(), "allow_private") {
			t.Errorf("%s: got %+v", url, got)
		}
	}
	if reached.Load() {
		t.Error("a private address was reached")
	}
}

func TestWebhookBadCertificate(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	got := open(t, to(server.URL)).Send(t.Context(), sample)
	if got.Outcome != Retry || !strings.Contains(got.Err.Error(), "certificate") {
		t.Errorf("got %+v", got)
	}
}

func TestWebhookNothingListens(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	got := open(t, to("http://"+listener.Addr().String())).Send(t.Context(), sample)
	if got.Outcome != Retry || !strings.Contains(got.Err.Error(), "connection refused") {
		t.Errorf("got %+v", got)
	}
}

func TestWebhookTellsNoSecret(t *testing.T) {
	const token = "T0K3N"
	echo := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "no such hook: "+r.URL.Path, http.StatusNotFound)
	})
	secret := func(url string) config.Channel {
		c := to(url)
		c.URL = config.NewURL(url, true)
		return c
	}
	password := to(strings.Replace(echo, "http://", "http://user:"+token+"@", 1) + "/" + token)
	refused := secret("http://127.0.0.1:1/" + token)
	guarded := secret("http://127.0.0.1:1/" + token)
	guarded.AllowPrivate = false
	for name, c := range map[string]config.Channel{
		"echoed": secret(echo + "/" + token), "password": password, "refused": refused, "guarded": guarded,
		"unresolved": secret("http://" + token + ".invalid/"),
		"garbled":    secret(raw(t, func(c net.Conn) { fmt.Fprintf(c, "%s\r\n", token) }) + "/" + token),
	} {
		got := open(t, c).Send(t.Context(), sample)
		if got.Err == nil || strings.Contains(strings.ToUpper(got.Err.Error()), token) {
			t.Errorf("%s: the error is %v", name, got.Err)
		}
	}
	if _, err := newWebhook(secret("http://\x7f/"+token), ""); err == nil || strings.Contains(err.Error(), token) {
		t.Errorf("the error is %v", err)
	}
}

func TestWebhookShowsTheReceiversWords(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "invalid_payload "+strings.Repeat("x", 10_000), http.StatusBadRequest)
	})
	got := open(t, to(url)).Send(t.Context(), sample)
	if text := got.Err.Error(); !strings.Contains(text, "answered 400 Bad Request") || !strings.Contains(text, "invalid_payload") || len(text) > 300 {
		t.Errorf("the error is %v", got.Err)
	}
}

func TestWebhookIsBrokenOff(t *testing.T) {
	arrived := make(chan struct{})
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		close(arrived)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	if got := open(t, to(url)).Send(ctx, sample); got.Outcome != Retry {
		t.Errorf("got %+v", got)
	}
}
