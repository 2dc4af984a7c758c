package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"net/url"
	"syscall"

	"code.dny.dev/ssrf"
)

// reason tells why a request failed. The text of most network errors holds names and addresses, and that of url.Error
// the whole URL: where the URL is a secret, only the plain words are told.
func reason(err error, secret bool) error {
	words := inWords(err)
	if secret || words == err.Error() {
		return errors.New(words)
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // the URL is known from the configuration
	}
	return fmt.Errorf("%s: %w", words, err)
}

func inWords(err error) string {
	if errors.Is(err, ssrf.ErrProhibitedIP) || errors.Is(err, ssrf.ErrProhibitedNetwork) {
		return "the address is private, loopback, link-local or reserved: set allow_private if it is meant"
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "the name does not resolve"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "the certificate cannot be verified"
	}
	for _, own := range [...]error{errNotClosed, errNoStartTLS} {
		if errors.Is(err, own) {
			return own.Error()
		}
	}
	if answer, ok := errors.AsType[*textproto.Error](err); ok {
		return fmt.Sprint("answered ", answer.Code)
	}
	for _, known := range [...]struct {
		err   error
		words string
	}{
		{context.DeadlineExceeded, "no answer in time"},
		{syscall.ECONNREFUSED, "connection refused"},
		{syscall.ECONNRESET, "connection reset"},
		{syscall.EPIPE, "connection closed"},
		{syscall.ENOTCONN, "connection closed"},
		{syscall.EHOSTUNREACH, "host unreachable"},
		{syscall.ENETUNREACH, "network unreachable"},
		{io.ErrUnexpectedEOF, "connection closed before the answer"},
		{io.EOF, "connection closed before the answer"},
		{net.ErrClosed, "no answer in time"}, // we closed it
	} {
		if errors.Is(err, known.err) {
			return known.words
		}
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return "no answer in time"
	}
	return "the request failed"
}
