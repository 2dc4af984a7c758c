package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"time"

	"peervane/config"
	"peervane/daemon/notice"
)

const (
	closeWait = 5 * time.Second        // for a receiver to close what it has read to the end
	icmpWait  = 100 * time.Millisecond // for word that nothing listens
)

// syslog sends RFC 5424 messages over UDP (RFC 5426), TCP with octet counting (RFC 6587), or TLS (RFC 5425). None of them
// acknowledges. Over TCP and TLS each message has a connection of its own, and is delivered when the receiver, told that
// no more will come, has closed it too: then it has read it all. Over UDP only what ICMP says of a closed port is heard.
type syslog struct {
	network  string
	address  string
	secret   bool
	facility int
	version  string
	dialer   *net.Dialer
	trust    *tls.Config
	wait     time.Duration // for the receiver to close
}

func newSyslog(c config.Channel, version string) (Notifier, error) {
	u, err := url.Parse(c.URL.Reveal())
	if err != nil {
		return nil, errors.New("the channel's address is not a URL") // err would tell it
	}
	trust, err := newTLS(c)
	if err != nil {
		return nil, err
	}
	trust.ServerName = u.Hostname()
	return &syslog{
		network: u.Scheme, address: u.Host, secret: c.URL.String() != c.URL.Reveal(), facility: c.Facility, version: version,
		dialer: newDialer(c.AllowPrivate), trust: trust, wait: closeWait,
	}, nil
}

func (s *syslog) Send(ctx context.Context, d notice.Delivery) Result {
	n, err := notice.Parse(d.Body)
	if err != nil {
		return Result{Outcome: Permanent, Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	if err := s.send(ctx, syslogMessage(&n, s.facility, s.version)); err != nil {
		return Result{Outcome: Retry, Err: reason(err, s.secret)}
	}
	return Result{Outcome: Delivered}
}

func (s *syslog) Close() {}

func (s *syslog) send(ctx context.Context, message []byte) error {
	conn, err := s.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if s.network == "udp" {
		return sendDatagram(conn, message)
	}
	return sendStream(conn.(halfCloser), message, s.wait)
}

func (s *syslog) dial(ctx context.Context) (net.Conn, error) {
	if s.network == "tls" {
		return (&tls.Dialer{NetDialer: s.dialer, Config: s.trust}).DialContext(ctx, "tcp", s.address)
	}
	return s.dialer.DialContext(ctx, s.network, s.address)
}

// halfCloser is a connection whose two directions end apart: TCP, and TLS over it.
type halfCloser interface {
	net.Conn
	CloseWrite() error
}

var errNotClosed = errors.New("the receiver did not close the connection, so that it may not have read the message")

func sendStream(conn halfCloser, message []byte, wait time.Duration) error {
	conn.SetDeadline(time.Now().Add(answerTimeout))
	if _, err := fmt.Fprintf(conn, "%d %s", len(message), message); err != nil {
		return err
	}
	if err := conn.CloseWrite(); err != nil {
		return err
	}
	conn.SetDeadline(time.Now().Add(wait))
	_, err := io.Copy(io.Discard, io.LimitReader(conn, bodyLimit)) // ends without an error at the end
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return errNotClosed
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil // TLS that was ended by the end of TCP
	}
	return err
}

func sendDatagram(conn net.Conn, message []byte) error {
	if _, err := conn.Write(message); err != nil {
		return err
	}
	conn.SetReadDeadline(time.Now().Add(icmpWait))
	_, err := conn.Read(make([]byte, 1))
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return nil
	}
	return err
}
