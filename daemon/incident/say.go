package incident

import (
	"cmp"
	"slices"
	"time"

	"peervane/daemon/notice"
)

const (
	// evidenceInterval is how often grown evidence is told of one incident: a hijack spreads over minutes, and a person
	// wants to know how far it got, not each step.
	evidenceInterval = time.Minute
	// groupInterval is how soon after its firing the growth of a group is told: by then it is known how many there are.
	groupInterval = 5 * time.Second
	// restInterval is how often what comes to the rest of a group is told: it may be one that comes and goes.
	restInterval = 10 * time.Minute
	// updateBurst is how many updates of one incident are told at once; after that one a minute, with the latest state.
	updateBurst = 4
	updateEvery = time.Minute
)

// say tells what is owed of an open incident as it stands now: nothing while it is held back, its firing if that was not
// told yet, or an update, once it is time for one. It is a function of what holds and what was told, so that whatever came
// between, the latest state is told, once.
func (b *Book) say(rec *Record, now time.Time) []notice.Notice {
	b.hold(rec)
	if g := b.groupOf[rec.Group]; g != nil {
		rec.Notice.Summary = rec.sentence(now)
		g.now = now
		g.seat(rec)
		return b.sayGroup(g, now)
	}
	b.watchFlaps(rec, now)
	switch {
	case rec.Held != "" && rec.untold() && !rec.Aside:
		rec.Aside = true
		return []notice.Notice{b.aside(rec, notice.Firing, "", now)}
	case rec.Held != "", rec.untold() && !rec.Cleared.IsZero(): // what is gone again is not told as firing
		return nil
	case rec.untold():
		if g := b.groupFor(rec, now); g != nil {
			b.join(g, rec, now)
			return b.sayGroup(g, now)
		}
		return []notice.Notice{b.tell(rec, notice.Firing, rec.flapReason(), now)}
	}
	reason := rec.news()
	if reason == "" {
		return nil
	}
	if wait := rec.wait(reason, now); wait > 0 {
		b.alarms.set(rec.ID(), now.Add(wait))
		return nil
	}
	if reason == notice.ReasonVantageLost {
		rec.Told.Lost = now
	}
	return []notice.Notice{b.tell(rec, notice.Updated, reason, now)}
}

// untold says that nobody was told of it yet.
func (r *Record) untold() bool { return r.Told.At.IsZero() }

// news is the reason for an update: how what holds differs from what was told; "" when it does not, or not in a way that
// is worth telling. Who works at an incident, and who waits for one to become steady, is told only that it became graver; but a
// group that others are concerned by, or twice as many, is more than anybody has seen.
func (r *Record) news() string {
	n, calm := &r.Notice, r.Ack == nil
	switch {
	case r.Ack != nil && !r.Told.Ack:
		return notice.ReasonAcknowledged
	case n.Severity > r.Told.Severity:
		return notice.ReasonSeverity
	case calm && r.Flapping && !r.Told.Flapping:
		return notice.ReasonFlapping
	case calm && !r.Flapping && r.Told.Flapping:
		return notice.ReasonSteady
	case !calm, r.Flapping:
		if r.Owed.Audience || r.larger() || calm && r.swelled() {
			return notice.ReasonEvidence
		}
		return ""
	case n.Severity != r.Told.Severity:
		return notice.ReasonSeverity
	case n.CulpritASN != r.Told.Culprit:
		return notice.ReasonCulprit
	case r.Owed.Loss:
		return notice.ReasonVantageLost
	case r.Owed.Amended != "":
		return r.Owed.Amended
	case r.Owed.Audience, r.swelled(), r.grew():
		return notice.ReasonEvidence
	}
	return ""
}

// wait is how long an update must wait. One that is graver than all that was told before does not, nor what a person did.
func (r *Record) wait(reason string, now time.Time) time.Duration {
	since := max(0, now.Sub(r.Told.At)) // the clock may have been set back
	spent := max(0, r.Told.Spent-float64(since)/float64(updateEvery))
	next := time.Duration((spent + 1 - updateBurst) * float64(updateEvery))
	switch {
	case reason == notice.ReasonAcknowledged, reason == notice.ReasonFlapping, reason == notice.ReasonSteady,
		reason == notice.ReasonSeverity && r.Notice.Severity > r.Told.Peak:
		return 0
	case reason == notice.ReasonEvidence && !r.Owed.Audience:
		next = max(next, r.interval()-since)
	}
	return max(0, next)
}

// interval is how long after the last notice grown evidence may be told.
func (r *Record) interval() time.Duration {
	switch {
	case r.grouped() && r.Notice.Status == notice.Firing:
		return groupInterval
	case r.grouped() && !r.larger() && !r.grew():
		return restInterval
	}
	return evidenceInterval
}

// grew says whether there is materially more evidence than was told: twice as many vantages, more than half of all where
// it was not before, another method; of a group, twice as many incidents.
func (r *Record) grew() bool {
	if r.grouped() {
		return r.Notice.Evidence.Group.Total >= 2*r.Told.Bad
	}
	bad := len(r.Bad)
	doubled := bad >= 2*r.Told.Bad
	most := 2*r.Told.Bad <= r.Told.Total && 2*bad > r.Total
	return bad > r.Told.Bad && (doubled || most) ||
		slices.ContainsFunc(r.Notice.Evidence.Methods, func(m string) bool { return !slices.Contains(r.Told.Methods, m) })
}

// swelled says whether a group is larger than ever, or has twice as many open as were left of it since: what comes to the rest of
// an old group would be a firing, were that not there.
func (r *Record) swelled() bool {
	return r.larger() || r.grouped() && r.Told.Low > 0 && r.Notice.Evidence.Group.Open >= 2*r.Told.Low
}

// larger says whether twice as many of a group are open as ever were when it was told.
func (r *Record) larger() bool {
	return r.grouped() && r.Told.Most > 0 && r.Notice.Evidence.Group.Open >= 2*r.Told.Most
}

// tell makes the notice of an incident as it stands.
func (b *Book) tell(rec *Record, status notice.Status, reason string, now time.Time) notice.Notice {
	n := &rec.Notice
	since := max(0, now.Sub(rec.Told.At))
	t := Told{
		At: now, Bad: len(rec.Bad), Total: rec.Total, Methods: n.Evidence.Methods, Lost: rec.Told.Lost,
		Severity: n.Severity, Peak: max(n.Severity, rec.Told.Peak), Culprit: n.CulpritASN, Ack: rec.Ack != nil, Flapping: rec.Flapping,
	}
	if status == notice.Updated {
		t.Spent = 1 + max(0, rec.Told.Spent-float64(since)/float64(updateEvery))
	}
	if g := b.groupOf[rec.ID()]; g != nil {
		in := n.Evidence.Group
		t.Bad, t.Most, t.Low = in.Total, max(in.Open, rec.Told.Most), in.Open
		g.hear()
	}
	rec.Told, rec.Owed = t, Owed{}
	b.dirty[rec.ID()] = rec
	told := b.write(rec, status, reason, now)
	told.Known = rec.Aside
	return told
}

// aside is a notice that only the log gets, of an incident that is held back.
func (b *Book) aside(rec *Record, status notice.Status, reason string, now time.Time) notice.Notice {
	b.dirty[rec.ID()] = rec
	n := b.write(rec, status, reason, now)
	n.Held = cmp.Or(rec.Held, "held back until its end")
	return n
}

// write writes into an incident what is told of it now.
func (b *Book) write(rec *Record, status notice.Status, reason string, now time.Time) notice.Notice {
	n := &rec.Notice
	n.Status, n.Reason, n.UpdatedAt = status, reason, notice.At(now)
	if g := b.groupOf[rec.ID()]; g != nil {
		g.render()
	} else if !rec.grouped() {
		n.Vantages = notice.Vantages{Bad: len(rec.Bad), Total: rec.Total}
		n.Audience = rec.audiences()
	}
	n.Summary = rec.sentence(now)
	return *n
}

// audiences are the several connections that an incident concerns; none where its notice names all.
func (r *Record) audiences() (out []notice.Audience) {
	for _, c := range r.Connections {
		out = append(out, notice.Audience{Severity: r.Notice.Severity, Connection: c, Labels: r.Notice.Labels})
	}
	return out
}

// end ends an incident. Its end is told to those who were told of it, whatever holds it back; one of which nobody was told
// ends for the log alone, and one of a group with the group: for the log by itself too, where that was told before a group took it in.
func (b *Book) end(rec *Record, now time.Time, reason string) (out []notice.Notice) {
	rec.Open = false
	rec.Notice.ResolvedAt = notice.At(now)
	b.leave(rec)
	switch g := b.groupOf[rec.Group]; {
	case g != nil:
		if n := b.aside(rec, notice.Resolved, reason, now); rec.Aside { // the log was told of it before the group took it in
			n.Held = "told by " + g.rec.ID()
			out = append(out, n)
		}
		out = append(out, b.leaveGroup(g, rec, now)...)
	case rec.untold():
		out = append(out, b.aside(rec, notice.Resolved, reason, now))
	default:
		out = append(out, b.tell(rec, notice.Resolved, reason, now))
	}
	if rec.Group == "" {
		b.remember(rec, now)
	}
	if rec.grouped() {
		b.forgetGroup(rec)
	}
	out = append(out, b.endElders(rec, now, reason)...)
	return append(out, b.inhibited(rec, now)...)
}

// enter makes an incident known, raise has it counted among the loud where no group tells of it, leave forgets it.
func (b *Book) enter(rec *Record) {
	b.page(rec.Scope).put(rec)
	b.byID[rec.ID()] = rec
}

func (b *Book) raise(rec *Record) {
	if rec.Group == "" {
		b.loud[rec.ID()] = rec
	}
}

func (b *Book) leave(rec *Record) {
	if p := b.find(rec.Scope); p != nil {
		p.drop(rec)
	}
	delete(b.byID, rec.ID())
	delete(b.loud, rec.ID())
	b.alarms.drop(rec.ID())
}
