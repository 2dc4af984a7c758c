package notify

import (
	"testing"
	"time"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                               0,
		"120":                            2 * time.Minute,
		" 120 ":                          2 * time.Minute,
		"0":                              time.Nanosecond,
		"-1":                             0,
		"1.5":                            0,
		"+5":                             0,
		"soon":                           0,
		"99999999999999999999999999":     maxAsked,
		"Sun, 22 Nov 2026 10:01:30 GMT":  90 * time.Second, // IMF-fixdate
		"Sunday, 22-Nov-26 10:01:30 GMT": 90 * time.Second, // RFC 850
		"Sun Nov 22 10:01:30 2026":       90 * time.Second, // asctime
		"Sun, 22 Nov 2026 09:00:00 GMT":  0,
		"Sun, 32 Nov 2026 09:00:00 GMT":  0,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("%q: got %v, want %v", value, got, want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "120", "0", "-1", "99999999999999999999", "Sun, 22 Nov 2026 10:01:30 GMT", "Sun Nov 22 10:01:30 2026"} {
		f.Add(seed, int64(1795341600))
	}
	f.Fuzz(func(t *testing.T, value string, now int64) {
		if got := asked(retryAfter(value, time.Unix(now, 0))); got < minAsked || got > maxAsked {
			t.Errorf("%q: %v is out of bounds", value, got)
		}
	})
}
