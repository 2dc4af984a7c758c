package config

import (
	"testing"
	"time"
)

func TestParseSpan(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"0s": 0, "0": 0, "90s": 90 * time.Second, "1h30m": 90 * time.Minute, "1.5s": 1500 * time.Millisecond, "100ms": 100 * time.Millisecond,
		"1d": day, "2w": 14 * day, "1w2d3h": 9*day + 3*time.Hour, "1d0s": day,
	} {
		if got, err := ParseSpan(s); err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "90", "d", "-1s", "-1d", "1d-1s", "1d1w", "1.5d", "d1", "1 d", "99999d99999w", "65535w", "9999999h", "1e3s", "ten"} {
		if got, err := ParseSpan(s); err == nil {
			t.Errorf("%q is read as %v", s, got)
		}
	}
}

func TestFormatSpan(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0s": 0, "90s": 90 * time.Second, "2m": 2 * time.Minute, "36h": 36 * time.Hour, "2d": 2 * day, "1ms": time.Millisecond, "1.5ms": 1500 * time.Microsecond,
	} {
		if got := formatSpan(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestParseSize(t *testing.T) {
	for s, want := range map[string]int64{"1GB": 1e9, "500 MB": 500e6, "1kB": 1000, "2GiB": 2 << 30, "7B": 7} {
		if got, err := parseSize(s); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "1", "GB", "1PB", "-1GB", "1.5GB", "1GBB", "99999999999TB", "1 G B"} {
		if got, err := parseSize(s); err == nil {
			t.Errorf("%q is read as %d", s, got)
		}
	}
}

func TestNearest(t *testing.T) {
	words := []string{"hold_time", "hold", "port", "primary", "password_file"}
	for s, want := range map[string]string{"hold_tim": "hold_time", "holdtime": "hold_time", "Port": "port", "prot": "port", "prmary": "primary", "password": "password_file", "x": "", "asn": "", "": ""} {
		if got := nearest(s, words); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

func TestHostNames(t *testing.T) {
	for _, s := range []string{"localhost", "par1.example.net", "par1.example.net.", "1and1.com", "xn--bcher-kva.example"} {
		if !isHostName(s) {
			t.Errorf("%q is a host name", s)
		}
	}
	for _, s := range []string{"", ".", "198.51.100.1", "198.51.100.256", "a..b", "-a.net", "a-.net", "a b", "2001:db8::1", "1"} {
		if isHostName(s) {
			t.Errorf("%q is no host name", s)
		}
	}
}
