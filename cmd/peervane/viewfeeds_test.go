package main

import (
	"io"
	"strings"
	"testing"
	"time"

	"peervane/daemon/api"
	"peervane/daemon/notice"
)

// What a feed has met since it is up is told; what ended before is past.
func TestFeedComplaint(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	at := func(ago time.Duration) notice.Time { return notice.At(now.Add(-ago)) }
	f := api.Feed{Name: "ris", Kind: "ris-live", State: "up", Since: at(time.Hour), LastError: "no such filter", LastErrorAt: at(time.Minute)}
	if got := feedText(newScreen(io.Discard, now), f); !strings.Contains(got, "last error: no such filter (at ") {
		t.Errorf("it says %s", got)
	}
	f.Since, f.LastErrorAt = f.LastErrorAt, f.Since
	if got := feedText(newScreen(io.Discard, now), f); strings.Contains(got, "no such filter") {
		t.Errorf("it says %s", got)
	}
}
