package notify

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"code.dny.dev/ssrf"

	"peervane/config"
)

const (
	connectTimeout = 5 * time.Second
	answerTimeout  = 10 * time.Second
	attemptTimeout = 15 * time.Second // all of it
)

// newDialer makes what every kind connects with. Unless allowPrivate is set, it connects to public addresses only, which
// is judged for each connection, after the name was resolved.
func newDialer(allowPrivate bool) *net.Dialer {
	dialer := &net.Dialer{Timeout: connectTimeout}
	if !allowPrivate {
		dialer.Control = ssrf.New(ssrf.WithAnyPort(), ssrf.WithNetworks("tcp4", "tcp6", "udp4", "udp6")).Safe
	}
	return dialer
}

// newTLS says whom a channel trusts, and what it shows of itself.
func newTLS(c config.Channel) (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CA != "" {
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM([]byte(c.CA)) {
			return nil, errors.New("ca_file holds no certificate")
		}
	}
	if c.Certificate != "" {
		pair, err := tls.X509KeyPair([]byte(c.Certificate), []byte(c.Key.Reveal()))
		if err != nil {
			return nil, fmt.Errorf("cert_file and key_file: %w", err)
		}
		t.Certificates = []tls.Certificate{pair}
	}
	return t, nil
}

// newClient makes the HTTP client of one channel. It follows no redirect and asks no proxy of the environment: what is
// configured is where a notice goes.
func newClient(c config.Channel) (*http.Client, error) {
	trust, err := newTLS(c)
	if err != nil {
		return nil, err
	}
	return &http.Client{
		Timeout:       attemptTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            newDialer(c.AllowPrivate).DialContext,
			TLSClientConfig:        trust,
			ForceAttemptHTTP2:      true,
			TLSHandshakeTimeout:    connectTimeout,
			ResponseHeaderTimeout:  answerTimeout,
			IdleConnTimeout:        time.Minute,
			MaxIdleConnsPerHost:    1,
			MaxResponseHeaderBytes: 64 << 10,
			DisableCompression:     true,
		},
	}, nil
}
