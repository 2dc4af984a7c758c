package api

import (
	"strings"
	"testing"
	"time"

	"peervane/daemon/notice"
)

// What a feed has met since it is up is shown; what ended before is past.
func TestFeedComplains(t *testing.T) {
	at := func(ago time.Duration) notice.Time { return notice.At(epoch.Add(-ago)) }
	for name, c := range map[string]struct {
		feed Feed
		want bool
	}{
		"since":  {Feed{State: "up", Since: at(time.Hour), LastError: "no such filter", LastErrorAt: at(time.Minute)}, true},
		"before": {Feed{State: "up", Since: at(time.Minute), LastError: "no such filter", LastErrorAt: at(time.Hour)}, false},
		"none":   {Feed{State: "up", Since: at(time.Minute)}, false},
	} {
		if got := strings.Contains(feedHealth(&c.feed, at(0)).Text, "last error: "); got != c.want {
			t.Errorf("%s: told %v", name, got)
		}
	}
}
