package api

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"peervane/daemon/notice"
)

// verdict is what a glance must tell: is something wrong, and if nothing is told, can that be believed?
type verdict struct {
	Grade  grade
	Text   string
	Counts string   // of what is open
	Notes  []string // what limits it
}

// Title is the text for the tab of a browser.
func (v verdict) Title() string {
	const most = 90
	title := v.Text
	if runes := []rune(title); len(runes) > most {
		title = string(runes[:most]) + "…"
	}
	if v.Grade != blinded && v.Counts != "" {
		return v.Counts + ": " + title
	}
	return title
}

// silentAfter is when a snapshot is so old that the engine must be stuck: while it lives it makes one every five seconds at least.
const silentAfter = 20 * time.Second

// idleAfter is when a feed that has not come up yet is no longer one that was just begun.
const idleAfter = 10 * time.Minute

// judgeWall: blindness comes before whatever is told, since what is not seen is not told.
func judgeWall(s *Snapshot, open []Incident, a *wallAsked, now time.Time) verdict {
	v := verdict{Notes: limits(s, &a.prefixes, now)}
	var worst notice.Severity
	v.Counts, worst = countOpen(open)
	switch blind := blindness(s, &a.prefixes, now); {
	case blind != "":
		v.Grade, v.Text = blinded, blind
	case v.Counts != "":
		v.Grade, v.Text = grade(worst.String()), brief(open[0].Summary)
		if len(v.Notes) > 0 && worseFirst(unsure, v.Grade) < 0 {
			v.Grade = unsure
		}
	case len(v.Notes) > 0:
		v.Grade, v.Text = unsure, "Quiet, but not all is well"
	default:
		v.Grade, v.Text = well, "All quiet"
	}
	return v
}

// blindness says why nothing can be seen; "" where something can.
func blindness(s *Snapshot, prefixes *kept[prefixStates], now time.Time) string {
	switch p := &prefixes.answer; {
	case s.Made.IsZero():
		return "Starting: nothing is known yet"
	case now.Sub(s.Made) > silentAfter:
		return "Blind: the engine has shown nothing new for " + lasting(now.Sub(s.Made))
	case s.Status.Peers+len(s.Status.Feeds) == 0:
		return "Blind: no peer is configured"
	case s.Status.PeersUp == 0 && !slices.ContainsFunc(s.Status.Feeds, func(f Feed) bool { return f.VantagesUp > 0 }):
		if len(s.Status.Feeds) > 0 {
			return "Blind: no BGP session is up, and no vantage of a feed"
		}
		return "Blind: no BGP session is up"
	case !s.Status.Ready:
		return "Not ready: the first judgement of all registered prefixes is under way"
	case p.all > 0 && p.counts["pending"] == p.all:
		return "Blind: none of the registered prefixes can be judged yet"
	}
	return ""
}

// countOpen counts the open incidents by severity, the gravest first; those that are held back are told among the limits.
func countOpen(open []Incident) (text string, worst notice.Severity) {
	counts, acknowledged := map[notice.Severity]int{}, map[notice.Severity]int{}
	for i := range open {
		if open[i].HeldBack != "" {
			continue
		}
		counts[open[i].Severity]++
		worst = max(worst, open[i].Severity)
		if open[i].Acknowledged != nil {
			acknowledged[open[i].Severity]++
		}
	}
	var parts []string
	for sev := notice.Critical; sev >= notice.Info; sev-- {
		n := counts[sev]
		if n == 0 {
			continue
		}
		part := fmt.Sprintf("%d %s", n, sev)
		if acks := acknowledged[sev]; acks > 0 {
			part += fmt.Sprintf(" (%d acknowledged)", acks)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", "), worst
}

// limits are what keeps the daemon from seeing, or from telling.
func limits(s *Snapshot, prefixes *kept[prefixStates], now time.Time) (notes []string) {
	note := func(is bool, format string, args ...any) {
		if is {
			notes = append(notes, fmt.Sprintf(format, args...))
		}
	}
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
	st := &s.Status
	note(st.Prefixes == 0, "no prefix is registered")
	note(prefixes.err != nil, "registrations: %s", prefixes.missing())
	for _, state := range stateOrder[:len(stateOrder)-1] {
		n := prefixes.answer.counts[state]
		note(n > 0, "registrations that are %s: %d", state, n)
	}
	silent := silentPOPs(s)
	note(len(silent) > 0, "no answer from POPs: %s", some(silent))
	note(s.LocalDrops > 0 && len(silent) > 0, "probes that this host dropped itself: %d", s.LocalDrops)
	return append(notes, mute(st, now)...)
}

// mute is what keeps it from telling, or from judging by what others say.
func mute(st *Status, now time.Time) (notes []string) {
	note := func(is bool, format string, args ...any) {
		if is {
			notes = append(notes, fmt.Sprintf(format, args...))
		}
	}
	note(st.HeldBack > 0, "incidents held back: %d", st.HeldBack)
	note(st.Silences > 0, "silences that hold: %d", st.Silences)
	note(st.Store != "ok", "database: %s", st.Store)
	note(st.ReloadError != "", "the latest reload was refused: %s", brief(st.ReloadError))
	var lost, idle []string
	for _, f := range st.Feeds {
		switch f.State {
		case "down":
			lost = append(lost, f.Name)
		case "starting", "waiting":
			if now.Sub(f.Since.Time) > idleAfter {
				idle = append(idle, f.Name)
			}
		}
	}
	note(len(lost) > 0, "feeds that are down: %s", some(lost))
	note(len(idle) > 0, "feeds that show nothing: %s", some(idle))
	var failing []string
	letters := 0
	for _, c := range st.Channels {
		letters += c.DeadLetters
		if c.State == "failing" || c.State == "disabled" {
			failing = append(failing, c.Name)
		}
	}
	note(len(failing) > 0, "channels that fail: %s", some(failing))
	note(letters > 0, "dead letters: %d", letters)
	if st.RPKI != nil {
		note(st.RPKI.VRPs.Source == "", "RPKI: there are no VRPs")
		note(len(st.RPKI.Errors) > 0, "RPKI: sources that fail: %d", len(st.RPKI.Errors))
	}
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
