package incident

import (
	"maps"
	"slices"
	"time"

	"peervane/daemon/notice"
)

// hold looks whether something holds an incident back.
func (b *Book) hold(rec *Record) { rec.Held = b.holds(rec) }

// holds says what holds an incident back: the uplink, a silence, or a wider incident; "" when nothing does.
func (b *Book) holds(rec *Record) string {
	if b.cutOff && rec.Notice.Type != notice.Uplink {
		return "uplink"
	}
	if g := b.groupOf[rec.ID()]; g != nil && len(g.seats) > 0 {
		return g.quiet() // a silence holds its members back, each as grave as it is
	}
	for i := range b.silences {
		if b.silences[i].matches(rec) {
			return "silence " + b.silences[i].ID
		}
	}
	return b.unseen(rec)
}

// unseen names the session whose loss explains a withdrawal: the only ones that could show the prefix are down. One that is up
// again and has not shown all of its table yet may be about to show the prefix: nobody is told before that it is withdrawn.
func (b *Book) unseen(rec *Record) (why string) {
	if rec.Notice.Type != notice.Withdrawn {
		return ""
	}
	for _, w := range rec.Bad {
		switch {
		case b.isDown(w.Vantage):
			why = "session_down of " + w.Vantage
		case rec.untold() && !w.Lost.IsZero():
			why = w.Vantage + " out of sight"
		default:
			return ""
		}
	}
	return why
}

func (b *Book) isDown(peer string) bool {
	p := b.find(Scope{Kind: Session, Subject: peer})
	if p == nil {
		return false
	}
	for _, rec := range p.open {
		if rec.Notice.Type == notice.SessionDown && rec.Cleared.IsZero() {
			return true
		}
	}
	return false
}

// inhibited tells what a session that went down or came up holds back, or no longer does.
func (b *Book) inhibited(session *Record, now time.Time) (out []notice.Notice) {
	if session.Notice.Type != notice.SessionDown {
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(b.byID)) {
		if rec := b.byID[id]; rec != nil && rec.Notice.Type == notice.Withdrawn && rec.has(session.Notice.Peer) {
			out = append(out, b.say(rec, now)...)
		}
	}
	return out
}

// HoldBack holds everything back but what is told of the uplink, because this host itself is cut off or may be; and tells
// it, as it stands then, when that is over.
func (b *Book) HoldBack(all bool, now time.Time) []notice.Notice {
	if b.cutOff == all {
		return nil
	}
	b.cutOff = all
	return b.sweep(now)
}

// sweep looks at everything again, after a change of what holds back.
func (b *Book) sweep(now time.Time) (out []notice.Notice) {
	for _, g := range b.groupOf {
		g.now = now
		for _, rec := range g.seats {
			b.hold(rec)
			g.seat(rec)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(b.loud)) {
		if rec := b.loud[id]; rec != nil {
			out = append(out, b.look(rec, now)...)
		}
	}
	return out
}

// Tick does what is due by the clock alone: silences end, updates that had to wait are told, what flapped is steady, the numbers of
// a group have changed for some time. It gives the scopes too in which something ended by that.
func (b *Book) Tick(now time.Time) (out []notice.Notice, ended []Scope) {
	b.writeSwollen(now)
	if b.expire(now) {
		out = b.sweep(now)
	}
	for {
		id, ok := b.alarms.take(now)
		if !ok {
			return out, ended
		}
		rec := b.byID[id]
		if rec == nil {
			continue
		}
		out = append(out, b.look(rec, now)...)
		if !rec.Open {
			ended = append(ended, rec.Scope)
			b.prune(rec.Scope)
		}
	}
}

// look ends an incident that flapped, is clear and has become steady, and tells what is owed of any other.
func (b *Book) look(rec *Record, now time.Time) []notice.Notice {
	if !rec.Cleared.IsZero() && rec.Flaps.now(now) < flapReuse {
		return b.end(rec, now, notice.ReasonCleared)
	}
	if g := b.groupOf[rec.ID()]; g != nil {
		return b.sayGroup(g, now)
	}
	return b.say(rec, now)
}

// Next is when Tick has something to do; zero when never.
func (b *Book) Next() time.Time {
	at := b.swollen.due
	if alarm := b.alarms.next(); at.IsZero() || !alarm.IsZero() && alarm.Before(at) {
		at = alarm
	}
	for _, s := range b.silences {
		if at.IsZero() || s.Until.Before(at) {
			at = s.Until
		}
	}
	return at
}
