package notify

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"net/textproto"
	"os"
	"slices"
	"strings"

	"peervane/config"
)

// submission is how mail is handed to a server (RFC 6409): over TLS from the start (RFC 8314), with STARTTLS (RFC 3207),
// or in the clear.
type submission struct {
	address  string
	host     string
	implicit bool // TLS from the start
	startTLS bool // no mail without it
	user     string
	password config.Secret
	dialer   *net.Dialer
	trust    *tls.Config
}

func (s *submission) dial(ctx context.Context) (net.Conn, error) {
	if s.implicit {
		return (&tls.Dialer{NetDialer: s.dialer, Config: s.trust}).DialContext(ctx, "tcp", s.address)
	}
	return s.dialer.DialContext(ctx, "tcp", s.address)
}

var errNoStartTLS = errors.New("the server offers no STARTTLS: write smtps:// if it speaks TLS from the start, or starttls = false if it speaks none")

// open begins the conversation and, where there is a user, logs in. Nothing that fails here says anything of the mail.
func (s *submission) open(conn net.Conn) (*smtp.Client, error) {
	client, err := smtp.NewClient(conn, s.host)
	if err != nil {
		return nil, fmt.Errorf("greeting: %w", err)
	}
	return client, s.greet(client, conn.LocalAddr())
}

func (s *submission) greet(client *smtp.Client, local net.Addr) error {
	if err := client.Hello(helloName(local)); err != nil {
		return fmt.Errorf("EHLO: %w", err)
	}
	if s.startTLS {
		if offered, _ := client.Extension("STARTTLS"); !offered {
			return errNoStartTLS
		}
		if err := client.StartTLS(s.trust); err != nil {
			return fmt.Errorf("STARTTLS: %w", err)
		}
	}
	if s.user == "" {
		return nil
	}
	auth, err := s.mechanism(client)
	if err != nil {
		return err
	}
	if err := client.Auth(auth); err != nil {
		return fmt.Errorf("AUTH: %w", s.withoutPassword(err))
	}
	return nil
}

// helloName is this host's name, or its address where it has no name that means something outside (RFC 5321 section 4.1.3).
func helloName(local net.Addr) string {
	if name, err := os.Hostname(); err == nil && strings.Contains(name, ".") && !strings.ContainsAny(name, " \r\n") {
		return name
	}
	host, _, _ := net.SplitHostPort(local.String())
	if strings.Contains(host, ":") {
		return "[IPv6:" + host + "]"
	}
	return "[" + host + "]"
}

func (s *submission) mechanism(client *smtp.Client) (smtp.Auth, error) {
	_, offered := client.Extension("AUTH")
	mechanisms := strings.Fields(strings.ToUpper(offered))
	switch {
	case slices.Contains(mechanisms, "PLAIN"):
		return smtp.PlainAuth("", s.user, s.password.Reveal(), s.host), nil
	case slices.Contains(mechanisms, "LOGIN"):
		return loginAuth{s.user, s.password}, nil
	}
	return nil, fmt.Errorf("the server offers neither AUTH PLAIN nor LOGIN, but %q", offered)
}

// loginAuth is AUTH LOGIN (draft-murchison-sasl-login), which some servers offer alone.
type loginAuth struct {
	user     string
	password config.Secret
}

var errLoginInClear = errors.New("no password is sent without TLS")

func (a loginAuth) Start(server *smtp.ServerInfo) (string, []byte, error) {
	if !server.TLS {
		return "", nil, errLoginInClear
	}
	return "LOGIN", nil, nil
}

// Next answers the two prompts in their order, whatever they are called.
func (a loginAuth) Next(prompt []byte, more bool) ([]byte, error) {
	switch {
	case !more:
		return nil, nil
	case strings.HasPrefix(strings.ToLower(string(prompt)), "pass"):
		return []byte(a.password.Reveal()), nil
	}
	return []byte(a.user), nil
}

// withoutPassword takes the password out of what a server says: it may repeat what it was sent.
func (s *submission) withoutPassword(err error) error {
	answer, ok := errors.AsType[*textproto.Error](err)
	if !ok || s.password.IsZero() {
		return err
	}
	hidden, password := s.password.String(), s.password.Reveal()
	inBase64 := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	words := strings.NewReplacer(inBase64("\x00"+s.user+"\x00"+password), hidden, inBase64(password), hidden, password, hidden).Replace(answer.Msg)
	return &textproto.Error{Code: answer.Code, Msg: words}
}

// answered says whether a server that works has put something off: one that closes has not (RFC 5321 section 3.8).
func answered(err error) bool {
	answer, ok := errors.AsType[*textproto.Error](err)
	return ok && answer.Code != 421
}

// isFinal says whether a server's answer means that the same will never be taken (RFC 5321 section 4.2.1).
func isFinal(err error) bool {
	answer, ok := errors.AsType[*textproto.Error](err)
	return ok && answer.Code >= 500
}
