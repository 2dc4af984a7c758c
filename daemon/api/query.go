package api

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"peervane/config"
	"peervane/daemon/notice"
)

// maxSpan is how far back one may ask: nothing is kept for longer.
const maxSpan = 10 * 365 * 24 * time.Hour

const defaultWindow = 6 * time.Hour

// prefixOf reads ?prefix=, a prefix or an address; not valid where there is none.
func prefixOf(r *http.Request) (netip.Prefix, error) {
	text := r.URL.Query().Get("prefix")
	if text == "" {
		return netip.Prefix{}, nil
	}
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, bad("prefix", text, "give one as in 203.0.113.0/24")
	}
	return p.Masked(), nil
}

// statuses are what ?status= may be; without it, open.
var statuses = map[string][]notice.Status{
	"":         {notice.Firing, notice.Updated},
	"open":     {notice.Firing, notice.Updated},
	"firing":   {notice.Firing},
	"updated":  {notice.Updated},
	"resolved": {notice.Resolved},
	"all":      {notice.Firing, notice.Updated, notice.Resolved},
}

func statusOf(r *http.Request) ([]notice.Status, error) {
	text := r.URL.Query().Get("status")
	which, ok := statuses[text]
	if !ok {
		return nil, bad("status", text, "give one of open, firing, updated, resolved, all")
	}
	return which, nil
}

// sinceOf reads ?since=, a time or how long ago; without it, everything.
func sinceOf(r *http.Request, now time.Time) (time.Time, error) {
	text := r.URL.Query().Get("since")
	if text == "" {
		return time.Unix(0, 0), nil
	}
	if ago, ok := parseSpan(text); ok {
		return now.Add(-ago), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, bad("since", text, "give a time as in 2026-11-22T10:00:00Z, or how long ago as in 6h or 7d")
	}
	return at, nil
}

// windowOf reads ?window=, how far back to look.
func windowOf(r *http.Request) (time.Duration, error) {
	text := r.URL.Query().Get("window")
	if text == "" {
		return defaultWindow, nil
	}
	window, ok := parseSpan(text)
	if !ok || window == 0 {
		return 0, bad("window", text, "give how far to look back as in 6h or 7d")
	}
	return window, nil
}

// parseSpan reads a duration as the configuration has it.
func parseSpan(text string) (time.Duration, bool) {
	d, err := config.ParseSpan(text)
	return d, err == nil && d <= maxSpan
}

func bad(name, text, better string) error {
	return refusal{http.StatusBadRequest, fmt.Sprintf("%s %s: %s", name, quote(text), better)}
}

// quote tells what was asked for, but not at any length.
func quote(text string) string {
	if len(text) > 80 {
		text = text[:80] + "…"
	}
	return strconv.Quote(text)
}
