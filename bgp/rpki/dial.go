package rpki

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
)

// Dial connects to a cache: tcp://HOST:PORT, or tls://HOST:PORT, where the system's roots must vouch for HOST as a
// subjectAltName (8210bis section 9.2).
func Dial(ctx context.Context, cache string) (net.Conn, error) {
	u, err := url.Parse(cache)
	if err != nil {
		return nil, fmt.Errorf("rtr cache: %w", err)
	}
	switch u.Scheme {
	case "tcp":
		return new(net.Dialer).DialContext(ctx, "tcp", u.Host)
	case "tls":
		d := tls.Dialer{Config: &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}}
		return d.DialContext(ctx, "tcp", u.Host)
	}
	return nil, fmt.Errorf("rtr cache %s: write tcp://HOST:PORT or tls://HOST:PORT", cache)
}
