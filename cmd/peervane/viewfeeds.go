package main

import (
	"fmt"

	"peervane/daemon/api"
)

// printFeeds tells of each feed, why one that is down is, and what one has met since it is up: nothing else names it.
func printFeeds(s *screen, feeds []api.Feed) {
	colours := map[string]string{"up": green, "down": red}
	for _, f := range feeds {
		c, ok := colours[f.State]
		if !ok {
			c = yellow
		}
		s.row("feed", cell{feedText(s, f), c})
	}
}

func feedText(s *screen, f api.Feed) string {
	text := fmt.Sprintf("%s (%s) is %s for %s", f.Name, f.Kind, f.State, s.ago(f.Since))
	if f.State != "up" && f.LastError != "" {
		return text + ": " + f.LastError + " (at " + when(f.LastErrorAt) + ")"
	}
	text += fmt.Sprintf("; vantages up: %d of %d, routes: %d, records: %d", f.VantagesUp, f.Vantages, f.Routes, f.Records)
	if f.Bad > 0 {
		text += fmt.Sprintf(", bad: %d", f.Bad)
	}
	if f.Complains() {
		text += "; last error: " + f.LastError + " (at " + when(f.LastErrorAt) + ")"
	}
	return text
}
