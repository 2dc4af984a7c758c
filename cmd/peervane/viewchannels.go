package main

import (
	"fmt"

	"peervane/daemon/api"
)

// quietText says what keeps incidents from being told.
func quietText(st api.Status) string {
	if st.Silences+st.HeldBack+st.Acknowledged == 0 {
		return ""
	}
	return fmt.Sprintf("silences: %d, incidents held back: %d, acknowledged: %d", st.Silences, st.HeldBack, st.Acknowledged)
}

// printChannels names those that are not as they should be: the only one cannot tell of itself.
func printChannels(s *screen, channels []api.Channel) {
	well := 0
	for _, c := range channels {
		if c.State == "ok" {
			well++
		}
	}
	s.row("channels", good(well == len(channels), fmt.Sprintf("%d of %d well", well, len(channels))))
	for _, c := range channels {
		if c.State != "ok" {
			s.row("", cell{channelText(s, c), map[string]string{"failing": red, "disabled": red, "unknown": yellow}[c.State]})
		}
	}
}

func channelText(s *screen, c api.Channel) string {
	text := c.Name + " is " + map[string]string{"failing": "failing", "disabled": "disabled", "unknown": "not known yet"}[c.State]
	if !c.Since.IsZero() {
		text += " for " + s.ago(c.Since)
	}
	if c.LastError != "" {
		text += ": " + c.LastError
	}
	if !c.LastErrorAt.IsZero() {
		text += " (at " + when(c.LastErrorAt) + ")"
	}
	if c.DeadLetters > 0 {
		text += fmt.Sprintf("; dead letters: %d", c.DeadLetters)
	}
	if c.Waiting > 0 {
		text += fmt.Sprintf("; waiting: %d", c.Waiting)
	}
	return text
}
