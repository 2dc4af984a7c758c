package daemon

import (
	"slices"
	"time"

	"peervane/bgp"
	"peervane/daemon/incident"
)

// lastWords judges what a vantage has shown and nobody has judged yet, before its session rises or falls. What it withdrew
// before it was lost is gone, not out of sight; what it announced was there; and a session that was up for an instant was up.
// So what is found does not depend on how much was read at once.
func (e *engine) lastWords(v *vantage, at time.Time) {
	now := at
	if now.Before(e.judged) {
		now = e.judged // it is told late: the clock of the incidents never goes back
	}
	if slices.Contains(e.sessions.touched, v) {
		e.judgeSession(v, now)
	}
	for _, s := range e.unjudged(v) {
		e.judgeScope(s, now)
	}
}

// unjudged lists the scopes that wait and in which a vantage has a say: it shows the prefix, or an open incident names it. A
// million may wait, and sessions come and go meanwhile: those that have shown nothing do not go through them.
func (e *engine) unjudged(v *vantage) (out []scope) {
	for _, q := range [...]*queue{&e.agenda.touched, &e.agenda.shown} {
		if v.showed == [bgp.NumFamilies]bool{} {
			break
		}
		for _, s := range q.list {
			if v.showed[bgp.FamilyOf(s.prefix)] && q.has[s].wanted && len(e.table.get(s.prefix).of(v)) > 0 {
				out = append(out, s)
			}
		}
	}
	if len(e.agenda.later.has) == 0 {
		return out
	}
	for _, s := range e.book.Of(v.Name) {
		if at := (scope{s.Prefix, s.Offending}); s.Kind == incident.Routing && e.agenda.later.has[at].wanted {
			out = append(out, at)
		}
	}
	return out
}
