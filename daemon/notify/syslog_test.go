package notify

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"peervane/config"
	"peervane/daemon/notice"
)

// rfc5424 is the ABNF of RFC 5424 section 6, as far as our messages use it: HEADER, one SD-ELEMENT, MSG.
var rfc5424 = regexp.MustCompile(`^<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}Z) ([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) ` +
	`\[origin software="peervane" swVersion="((?:[^"\\\]]|\\["\\\]])*)"\] (.*)$`)

func TestSyslogMessages(t *testing.T) {
	for name, sample := range config.Samples() {
		n, err := notice.Parse(sample)
		if err != nil {
			t.Fatal(err)
		}
		message := syslogMessage(&n, 16, "1.2.3")
		if !rfc5424.Match(message) {
			t.Errorf("%s is not RFC 5424: %s", name, message)
		}
		golden(t, "testdata/syslog/"+name+".txt", append(message, '\n'))
	}
}

func TestSyslogMessageOfAMonster(t *testing.T) {
	n, err := notice.Parse(monster(t, notice.Firing))
	if err != nil {
		t.Fatal(err)
	}
	n.Source = "höst name" + strings.Repeat("x", 300)
	message := string(syslogMessage(&n, 23, `"]\v`))
	m := rfc5424.FindStringSubmatch(message)
	if m == nil || len(message) > maxSyslog || !utf8.ValidString(message) {
		t.Fatalf("%d bytes: %s", len(message), message)
	}
	if m[1] != "188" || m[7] != `\"\]\\v` || !strings.HasPrefix(m[8], "\uFEFF") {
		t.Errorf("got %q", m[1:])
	}
}

func TestSyslogSeverities(t *testing.T) {
	for severity, want := range map[notice.Severity]string{notice.Critical: "<26>", notice.Error: "<27>", notice.Warning: "<28>", notice.Info: "<30>"} {
		if got := string(syslogMessage(&notice.Notice{Severity: severity, UpdatedAt: notice.At(epoch)}, 3, "1")); !strings.HasPrefix(got, want) {
			t.Errorf("%v: %s", severity, got)
		}
	}
}

func FuzzSyslogMessage(f *testing.F) {
	f.Add("host7", "subprefix", "a <b> \n é", "paris-1")
	f.Add("", "", "\x00\xff", `"=\`)
	f.Fuzz(func(t *testing.T, source, typ, summary, connection string) {
		n := notice.Notice{Source: source, Type: typ, Summary: summary, Connection: connection, UpdatedAt: notice.At(epoch)}
		message := syslogMessage(&n, 3, "1")
		if !rfc5424.Match(message) || len(message) > maxSyslog || !utf8.Valid(message) {
			t.Errorf("not RFC 5424: %q", message)
		}
	})
}

// collector takes connections one after the other, and says what it reads of each.
func collector(t *testing.T, listener net.Listener, serve func(net.Conn)) string {
	t.Helper()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serve(conn)
			conn.Close()
		}
	}()
	t.Cleanup(func() { listener.Close(); <-ended })
	return listener.Addr().String()
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

func syslogTo(t *testing.T, c config.Channel) *syslog {
	t.Helper()
	n, err := newSyslog(c, "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	return n.(*syslog)
}

// readFrame reads one message of RFC 6587 section 3.4.1.
func readFrame(r *bufio.Reader) (string, error) {
	length, err := r.ReadString(' ')
	if err != nil {
		return "", err
	}
	n, err := strconv.Atoi(strings.TrimSuffix(length, " "))
	if err != nil {
		return "", err
	}
	message := make([]byte, n)
	_, err = io.ReadFull(r, message)
	return string(message), err
}

func firingSample(t *testing.T) notice.Delivery {
	t.Helper()
	for name, body := range config.Samples() {
		if name == "firing" {
			return deliveryOf(body)
		}
	}
	t.Fatal("no sample")
	return notice.Delivery{}
}

func TestSyslogStreams(t *testing.T) {
	a := newAuthority(t)
	for _, network := range []string{"tcp", "tls"} {
		t.Run(network, func(t *testing.T) {
			got := make(chan string, 1)
			listener := listen(t)
			if network == "tls" {
				listener = tls.NewListener(listener, a.serverTLS())
			}
			address := collector(t, listener, func(conn net.Conn) {
				r := bufio.NewReader(conn)
				message, err := readFrame(r)
				if _, more := r.ReadByte(); err != nil || more != io.EOF {
					t.Errorf("%v, then %v", err, more)
				}
				got <- message
			})
			s := syslogTo(t, a.trusted(to(network+"://"+address)))
			for range 3 {
				if result := s.Send(t.Context(), firingSample(t)); result.Outcome != Delivered {
					t.Fatalf("got %+v", result)
				}
				if message := <-got; !rfc5424.MatchString(message) {
					t.Errorf("got %s", message)
				}
			}
		})
	}
}

func TestSyslogBadReceivers(t *testing.T) {
	hang := make(chan struct{})
	for name, c := range map[string]struct {
		serve func(net.Conn)
		words string
	}{
		"hangs":           {func(c net.Conn) { readFrame(bufio.NewReader(c)); <-hang }, "did not close"},
		"does not read":   {func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) }, "connection "},
		"reads and quits": {func(c net.Conn) { c.Read(make([]byte, 10)); c.(*net.TCPConn).SetLinger(0) }, "connection "},
	} {
		t.Run(name, func(t *testing.T) {
			s := syslogTo(t, to("tcp://"+collector(t, listen(t), c.serve)))
			if name == "hangs" {
				t.Cleanup(func() { close(hang) })
			}
			s.wait = 100 * time.Millisecond
			if got := s.Send(t.Context(), firingSample(t)); got.Outcome != Retry || !strings.Contains(got.Err.Error(), c.words) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestSyslogThatNobodyHears(t *testing.T) {
	for _, network := range []string{"udp", "tcp", "tls"} {
		s := syslogTo(t, to(network+"://127.0.0.1:"+freePort(t)))
		if got := s.Send(t.Context(), firingSample(t)); got.Outcome != Retry || !strings.Contains(got.Err.Error(), "connection refused") {
			t.Errorf("%s: got %+v", network, got)
		}
	}
}

func TestSyslogDatagram(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s := syslogTo(t, to("udp://"+conn.LocalAddr().String()))
	if got := s.Send(t.Context(), firingSample(t)); got.Outcome != Delivered {
		t.Errorf("got %+v", got)
	}
	message := make([]byte, 2*maxSyslog)
	n, _, err := conn.ReadFrom(message)
	if err != nil || !rfc5424.Match(message[:n]) {
		t.Errorf("%v: %s", err, message[:n])
	}
}

func TestSyslogTrustsNobodyElse(t *testing.T) {
	a, stranger := newAuthority(t), newAuthority(t)
	address := collector(t, tls.NewListener(listen(t), a.serverTLS()), func(c net.Conn) { io.Copy(io.Discard, c) })
	for name, c := range map[string]struct {
		channel config.Channel
		words   string
	}{
		"a server of another authority": {stranger.trusted(to("tls://" + address)), "certificate cannot be verified"},
		"a server of the wrong name":    {a.trusted(to("tls://" + strings.Replace(address, "127.0.0.1", "127.0.0.2", 1))), "certificate cannot be verified"},
		"a client without certificate":  {func() config.Channel { c := to("tls://" + address); c.CA = a.pem; return c }(), ""},
	} {
		if strings.Contains(name, "wrong name") {
			other, err := net.Listen("tcp", strings.Replace(address, "127.0.0.1", "127.0.0.2", 1))
			if err != nil {
				t.Fatal(err)
			}
			collector(t, tls.NewListener(other, a.serverTLS()), func(c net.Conn) { io.Copy(io.Discard, c) })
		}
		if got := syslogTo(t, c.channel).Send(t.Context(), firingSample(t)); got.Outcome != Retry || !strings.Contains(got.Err.Error(), c.words) {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestSyslogRefusesPrivateAddresses(t *testing.T) {
	for _, network := range []string{"udp", "tcp", "tls"} {
		for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "10.0.0.1", "169.254.169.254"} {
			c := to(fmt.Sprintf("%s://%s:514", network, host))
			c.AllowPrivate = false
			if got := syslogTo(t, c).Send(t.Context(), firingSample(t)); got.Outcome != Retry || !strings.Contains(got.Err.Error(), "allow_private") {
				t.Errorf("%s %s: got %+v", network, host, got)
			}
		}
	}
}

func TestSyslogTellsNoSecretAddress(t *testing.T) {
	c := to("tcp://secret-host.invalid:514")
	c.URL = config.NewURL(c.URL.Reveal(), true)
	if got := syslogTo(t, c).Send(t.Context(), firingSample(t)); got.Outcome != Retry || strings.Contains(got.Err.Error(), "secret-host") {
		t.Errorf("got %+v", got)
	}
}
