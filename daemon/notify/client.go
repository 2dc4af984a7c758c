package notify

import (
	"net"
	"net/http"
	"time"

	"code.dny.dev/ssrf"
)

const (
	connectTimeout = 5 * time.Second
	answerTimeout  = 10 * time.Second
	attemptTimeout = 15 * time.Second // all of it
)

// newClient makes the HTTP client of one channel. It follows no redirect and asks no proxy of the environment: what is
// configured is where a notice goes. Unless allowPrivate is set, it connects to public addresses only, which is judged
// for each connection, after the name was resolved.
func newClient(allowPrivate bool) *http.Client {
	dialer := &net.Dialer{Timeout: connectTimeout}
	if !allowPrivate {
		dialer.Control = ssrf.New(ssrf.WithAnyPort()).Safe
	}
	return &http.Client{
		Timeout:       attemptTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			ForceAttemptHTTP2:      true,
			TLSHandshakeTimeout:    connectTimeout,
			ResponseHeaderTimeout:  answerTimeout,
			IdleConnTimeout:        time.Minute,
			MaxIdleConnsPerHost:    1,
			MaxResponseHeaderBytes: 64 << 10,
			DisableCompression:     true,
		},
	}
}
