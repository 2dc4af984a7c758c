package store

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"peervane/daemon/notice"
)

// TestEventsGivesTheLatest: where there are too many, the latest, in the order in which they happened.
func TestEventsGivesTheLatest(t *testing.T) {
	s := start(t, Options{Path: path(t)})
	var b Batch
	for i := range 10 {
		of := prefix
		if i%2 == 1 {
			of = netip.MustParsePrefix("198.51.100.0/24")
		}
		b.Events = append(b.Events, Event{At: epoch.Add(time.Duration(i/4) * time.Second), Type: fmt.Sprint(i), Severity: notice.Info, Prefix: of})
	}
	s.mustPut(t, b)
	for _, c := range []struct {
		of    netip.Prefix
		since time.Time
		limit int
		want  string
	}{
		{netip.Prefix{}, epoch, 100, "0 1 2 3 4 5 6 7 8 9 "},
		{netip.Prefix{}, epoch, 3, "7 8 9 "},
		{netip.Prefix{}, epoch.Add(time.Second), 100, "4 5 6 7 8 9 "},
		{prefix, epoch, 100, "0 2 4 6 8 "},
		{prefix, epoch, 2, "6 8 "},
		{prefix, epoch.Add(2 * time.Second), 2, "8 "},
	} {
		events, err := s.Events(t.Context(), c.of, c.since, c.limit)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, e := range events {
			got += e.Type + " "
		}
		if got != c.want {
			t.Errorf("%d of %s since %s: got %s, want %s", c.limit, c.of, c.since, got, c.want)
		}
	}
}
