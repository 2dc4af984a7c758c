package api

import (
	"fmt"
	"strings"
	"time"

	"peervane/daemon/notice"
)

// verdict is what a glance must tell: is something wrong, and if nothing is told, can that be believed?
type verdict struct {
	Grade grade
	Text  string
	Notes []string // what limits it
}

// silentAfter is when a snapshot is so old that the engine must be stuck: while it lives it makes one every five seconds at least.
const silentAfter = 20 * time.Second

func judgeWall(s *Snapshot, prefixes prefixStates, now notice.Time) verdict {
	v := verdict{Notes: limits(s, prefixes)}
	told, worst := openText(s.Incidents)
	switch old := now.Sub(s.Status.At.Time); {
	case old > silentAfter:
		v.Grade, v.Text = blinded, fmt.Sprintf("Blind: the engine has shown nothing new for %s", span(s.Status.At, now))
	case told == "" && s.Status.Peers > 0 && s.Status.PeersUp == 0:
		v.Grade, v.Text = blinded, "Blind: no BGP session is up"
	case told == "" && !s.Status.Ready:
		v.Grade, v.Text = blinded, "Not ready: the first judgement of all registered prefixes is under way"
	case told == "" && s.Status.Peers == 0:
		v.Grade, v.Text = blinded, "Blind: no peer is configured"
	case told == "" && len(v.Notes) > 0:
		v.Grade, v.Text = unsure, "Quiet, but not all is well"
	case told == "":
		v.Grade, v.Text = well, "All quiet"
	default:
		v.Grade, v.Text = grade(worst.String()), told
	}
	return v
}

// openText counts the open incidents by severity, the gravest first; those that are held back are told among the limits.
func openText(open []Incident) (text string, worst notice.Severity) {
	counts := map[notice.Severity]int{}
	for i := range open {
		if open[i].HeldBack == "" {
			counts[open[i].Severity]++
			worst = max(worst, open[i].Severity)
		}
	}
	var parts []string
	for sev := notice.Critical; sev >= notice.Info; sev-- {
		if n := counts[sev]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, sev))
		}
	}
	return strings.Join(parts, ", "), worst
}

// limits are what keeps the daemon from seeing, or from telling.
func limits(s *Snapshot, prefixes prefixStates) (notes []string) {
	note := func(is bool, format string, args ...any) {
		if is {
			notes = append(notes, fmt.Sprintf(format, args...))
		}
	}
	st := &s.Status
	var down, behind []string
	for i := range s.Peers {
		switch peerGrade(&s.Peers[i]) {
		case wrong:
			down = append(down, s.Peers[i].Name)
		case unsure:
			behind = append(behind, s.Peers[i].Name)
		}
	}
	note(len(down) > 0, "%d of %d sessions down: %s", len(down), len(s.Peers), some(down))
	note(len(behind) > 0, "not in sync: %s", some(behind))
	note(st.Prefixes == 0, "no prefix is registered")
	note(prefixes.pending > 0, "prefixes that cannot be judged yet: %d", prefixes.pending)
	note(st.HeldBack > 0, "incidents held back: %d", st.HeldBack)
	note(st.Store != "ok", "database: %s", st.Store)
	note(st.ReloadError != "", "the latest reload was refused: %s", st.ReloadError)
	var lost []string
	for _, f := range st.Feeds {
		if f.State == "down" {
			lost = append(lost, f.Name)
		}
	}
	note(len(lost) > 0, "feeds that are down: %s", some(lost))
	var failing []string
	for _, c := range st.Channels {
		if c.State == "failing" || c.State == "disabled" {
			failing = append(failing, c.Name)
		}
	}
	note(len(failing) > 0, "channels that fail: %s", some(failing))
	return notes
}

// some names a few.
func some(names []string) string {
	const few = 5
	if n := len(names); n > few {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), n-few)
	}
	return strings.Join(names, ", ")
}
