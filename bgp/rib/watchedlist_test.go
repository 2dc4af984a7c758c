package rib

import (
	"fmt"
	"net/netip"
	"testing"
)

func TestWatchedWidest(t *testing.T) {
	p := netip.MustParsePrefix
	w := NewWatched([]netip.Prefix{p("192.0.2.128/25"), p("2001:db8::/32"), p("192.0.2.0/24"), p("198.51.100.0/24")}, nil)
	w = w.With([]netip.Prefix{p("192.0.2.1/32"), p("203.0.113.1/32")}, nil)
	if got, want := fmt.Sprint(w.Widest()), "[192.0.2.0/24 198.51.100.0/24 203.0.113.1/32 2001:db8::/32]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if w = nil; w.Widest() != nil {
		t.Error("the nil set watches something")
	}
}
