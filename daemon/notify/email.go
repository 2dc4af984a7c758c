package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/smtp"
	"net/url"
	"slices"
	"time"

	"peervane/config"
	"peervane/daemon/notice"
)

const mailTimeout = time.Minute // servers greet late, on purpose

// email submits mail to a server. A recipient that the server refuses for good keeps the others from nothing; one that
// it puts off is tried again alone, and holds up the others for a quarter of an hour at most.
type email struct {
	submission
	secret bool // the address must not be told
	from   *mail.Address
	to     []string            // as they stand in the header
	taken  map[string][]string // the recipients who have a delivery that is tried again for others, by its id
}

func newEmail(c config.Channel, _ string) (Notifier, error) {
	u, err := url.Parse(c.URL.Reveal())
	if err != nil {
		return nil, errors.New("the channel's address is not a URL") // err would tell it
	}
	trust, err := newTLS(c)
	if err != nil {
		return nil, err
	}
	from, err := mail.ParseAddress(c.From)
	if err != nil {
		return nil, fmt.Errorf("from: %w", err)
	}
	trust.ServerName = u.Hostname()
	implicit := u.Scheme == "smtps"
	port := "587"
	if implicit {
		port = "465"
	}
	e := &email{
		submission: submission{
			address: net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port)), host: u.Hostname(), implicit: implicit,
			startTLS: c.StartTLS && !implicit, user: u.User.Username(), dialer: newDialer(c.AllowPrivate), trust: trust,
		},
		secret: c.URL.String() != c.URL.Reveal(), from: from, to: c.To, taken: map[string][]string{},
	}
	if len(c.Secrets) > 0 {
		e.password = c.Secrets[0]
	}
	return e, nil
}

func (e *email) Close() {}

func (e *email) Send(ctx context.Context, d notice.Delivery) Result {
	n, err := notice.Parse(d.Body)
	if err != nil {
		return Result{Outcome: Permanent, Err: err}
	}
	message, err := mailMessage(&n, e.from, e.to)
	if err != nil {
		return Result{Outcome: Permanent, Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, mailTimeout)
	defer cancel()
	result := e.submit(ctx, d.ID, message)
	if result.Outcome != Retry {
		delete(e.taken, d.ID)
	}
	if result.Err != nil {
		result.Err = reason(result.Err, e.secret)
	}
	return result
}

// submit is one transaction with the server (RFC 5321 section 3.3).
func (e *email) submit(ctx context.Context, id string, message []byte) Result {
	conn, err := e.dial(ctx)
	if err != nil {
		return Result{Outcome: Retry, Err: err}
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	client, err := e.open(conn)
	if err != nil {
		return Result{Outcome: Retry, Err: err}
	}
	if err := client.Mail(e.from.Address); err != nil {
		return refused("MAIL", err)
	}
	accepted, final, later := e.recipients(client, id)
	switch {
	case len(accepted) > 0:
	case later != nil:
		return Result{Outcome: Retry, Err: later, Partly: len(e.taken[id]) > 0 && answered(later)}
	case len(e.taken[id]) > 0:
		return Result{Outcome: Delivered, Err: final}
	default:
		return Result{Outcome: Permanent, Err: final}
	}
	if err := transmit(client, message); err != nil {
		return refused("DATA", err)
	}
	_ = client.Quit() // the mail is taken, whatever comes now
	if later != nil {
		e.note(id, accepted)
		return Result{Outcome: Retry, Err: later, Partly: answered(later)}
	}
	return Result{Outcome: Delivered, Err: final}
}

// recipients names all to whom the mail still must go, and says why some are refused for good, or for now.
func (e *email) recipients(client *smtp.Client, id string) (accepted []string, final, later error) {
	for _, to := range e.to {
		address, err := mail.ParseAddress(to)
		if err != nil {
			final = err
			continue
		}
		if slices.Contains(e.taken[id], address.Address) {
			continue
		}
		switch err := client.Rcpt(address.Address); {
		case err == nil:
			accepted = append(accepted, address.Address)
		case isFinal(err):
			final = fmt.Errorf("RCPT %s: %w", address.Address, err)
		default:
			later = fmt.Errorf("RCPT %s: %w", address.Address, err)
		}
	}
	return accepted, final, later
}

func transmit(client *smtp.Client, message []byte) error {
	w, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(message); err != nil {
		return err
	}
	return w.Close()
}

// refused judges what the server says of the mail.
func refused(stage string, err error) Result {
	result := Result{Outcome: Retry, Err: fmt.Errorf("%s: %w", stage, err)}
	if isFinal(err) {
		result.Outcome = Permanent
	}
	return result
}

// note keeps who has a mail, so that only the others get it again. What is kept is lost with the process, and bounded:
// whoever gets it twice gets it with the same Message-ID.
func (e *email) note(id string, recipients []string) {
	if len(e.taken) >= window {
		clear(e.taken)
	}
	e.taken[id] = append(e.taken[id], recipients...)
}
