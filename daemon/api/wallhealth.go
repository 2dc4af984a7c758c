package api

import (
	"fmt"
	"strings"

	"peervane/daemon/notice"
)

// health is how the daemon itself is: what it is to be told with, and what it judges by.
func health(s *Snapshot, now notice.Time) (lines []wallLine) {
	st := &s.Status
	line := func(name, text string, g grade) { lines = append(lines, wallLine{name, text, g}) }
	line("running", "for "+span(st.StartedAt, now), well)
	if st.ReloadError != "" {
		line("reload", "refused: "+st.ReloadError, wrong)
	}
	g := well
	if st.Store != "ok" {
		g = wrong
	}
	line("database", st.Store, g)
	for i := range st.Feeds {
		lines = append(lines, feedHealth(&st.Feeds[i], now))
	}
	for i := range st.Channels {
		lines = append(lines, channelHealth(&st.Channels[i], now))
	}
	if len(st.Channels) == 0 {
		lines = append(lines, wallLine{Name: "channels", Text: "none: incidents go to the log alone"})
	}
	if st.Silences+st.Acknowledged > 0 {
		line("quiet", fmt.Sprintf("silences: %d, acknowledged: %d", st.Silences, st.Acknowledged), unsure)
	}
	if st.RPKI != nil {
		lines = append(lines, rpkiHealth("VRPs", st.RPKI.VRPs, now), rpkiHealth("ASPAs", st.RPKI.ASPAs, now))
		for _, err := range st.RPKI.Errors {
			line("RPKI", err, wrong)
		}
	}
	return lines
}

func feedHealth(f *Feed, now notice.Time) wallLine {
	l := wallLine{Name: "feed " + f.Name, Text: fmt.Sprintf("%s for %s; vantages up: %d of %d", f.State, span(f.Since, now), f.VantagesUp, f.Vantages), Grade: unsure}
	switch f.State {
	case "up":
		l.Grade = well
		if f.Complains() {
			l.Text += "; last error: " + brief(f.LastError)
		}
	case "down":
		l.Grade = wrong
		l.Text += "; " + brief(f.LastError)
	}
	return l
}

func channelHealth(c *Channel, now notice.Time) wallLine {
	l := wallLine{Name: "channel " + c.Name, Text: c.State, Grade: well}
	switch c.State {
	case "failing", "disabled":
		l.Grade = wrong
	case "unknown":
		l.Text, l.Grade = "not known yet", unsure
	}
	if c.DeadLetters > 0 && l.Grade == well {
		l.Grade = unsure
	}
	var more []string
	add := func(is bool, text string) {
		if is {
			more = append(more, text)
		}
	}
	add(!c.Since.IsZero(), "for "+span(c.Since, now))
	add(c.LastError != "" && c.State != "ok", brief(c.LastError))
	add(c.DeadLetters > 0, fmt.Sprintf("dead letters: %d", c.DeadLetters))
	add(c.Waiting > 0, fmt.Sprintf("waiting: %d", c.Waiting))
	if len(more) > 0 {
		l.Text += "; " + strings.Join(more, "; ")
	}
	return l
}

func rpkiHealth(kind string, d RPKIData, now notice.Time) wallLine {
	if d.Source == "" {
		return wallLine{Name: kind, Text: "none"}
	}
	return wallLine{kind, fmt.Sprintf("%d of %s, %s ago", d.Records, d.Source, span(d.At, now)), well}
}
