package incident

import (
	"cmp"
	"slices"
	"time"

	"peervane/bgp"
	"peervane/daemon/notice"
)

// reconciliation is one run over one scope.
type reconciliation struct {
	*Book
	scope Scope
	page  *page
	now   time.Time
	world World
	due   time.Time
	out   []notice.Notice
}

func (r *reconciliation) run(findings []bgp.Finding) {
	here := make(map[string]*bgp.Finding, len(findings))
	order := make([]string, 0, len(findings))
	for i := range findings {
		f := &findings[i]
		key := fingerprint(f)
		if r.opt.Severity[f.Type] == "off" || here[key] != nil {
			continue
		}
		here[key] = f
		order = append(order, key)
	}
	r.page.pending = slices.DeleteFunc(r.page.pending, func(w waiting) bool { return here[w.fingerprint] == nil })
	for _, rec := range r.page.sorted() {
		if here[rec.Notice.Fingerprint] == nil {
			r.gone(rec)
		}
	}
	for _, key := range order {
		if rec := r.page.record(key); rec != nil {
			r.update(rec, here[key])
		} else {
			r.fire(key, here[key])
		}
	}
}

// fire opens an incident once its condition has held long enough at enough vantages. Until then the book keeps since when
// it holds, so that a route announced again does not begin its hold anew.
func (r *reconciliation) fire(key string, f *bgp.Finding) {
	since := cmp.Or(f.Since, r.now)
	if before, waits := r.page.waits(key); waits && before.since.Before(since) {
		since = before.since
	}
	due := since.Add(f.Hold)
	if f.Quiet || r.now.Before(due) {
		r.page.wait(waiting{key, f.Type, since})
		if !f.Quiet {
			r.wake(due)
		}
		return
	}
	r.page.done(key)
	r.ordinal++
	rec := &Record{Scope: r.scope, Open: true, Since: since}
	rec.Notice = notice.Notice{
		Incident: r.opt.NewID(key, r.now, r.ordinal), Fingerprint: key,
		Type: f.Type, Source: r.opt.Source, StartedAt: notice.At(since),
	}
	if r.world.Latency != nil {
		rec.Notice.Evidence.Latency = r.world.Latency(since)
	}
	r.take(rec, f)
	r.recall(rec, r.now)
	r.enter(rec)
	r.say(rec)
	r.raise(rec)
	r.out = append(r.out, r.inhibited(rec, r.now)...)
}

// say tells what is owed of an incident, and asks to be called again if that must wait.
func (r *reconciliation) say(rec *Record) {
	r.out = append(r.out, r.Book.say(rec, r.now)...)
	if at, waits := r.alarms.due[rec.ID()]; waits {
		r.wake(at)
	}
}

// update follows an incident whose condition still holds, and tells what is worth telling.
func (r *reconciliation) update(rec *Record, f *bgp.Finding) {
	r.back(rec, r.now)
	r.watch(rec, f.Bad)
	r.take(rec, f)
	r.say(rec)
	r.show(rec)
}

// show brings up to date what those see who look: of another error, one more vantage, or one that is back nobody is told.
func (r *reconciliation) show(rec *Record) {
	n := &rec.Notice
	seen := notice.Vantages{Bad: len(rec.Bad), Total: rec.Total}
	if rec.Group != "" || rec.grouped() || !rec.Open {
		return
	}
	if text := rec.sentence(r.now); n.Vantages != seen || n.Summary != text {
		n.Vantages, n.Summary = seen, text
		r.dirty[rec.ID()] = rec
	}
}

// gone follows an incident whose condition is no longer seen. It resolves, unless some vantage that showed it is out of
// sight: blindness is not recovery.
func (r *reconciliation) gone(rec *Record) {
	if r.opt.Severity[rec.Notice.Type] == "off" {
		r.end(rec, notice.ReasonConfig)
		return
	}
	cleared := r.watch(rec, r.unjudged(rec))
	if len(rec.Bad) == 0 && r.world.Remains != nil {
		rec.Remains = r.world.Remains(&rec.Notice)
	}
	switch {
	case len(rec.Bad) > 0:
		r.say(rec)
		r.show(rec)
	case slices.Contains(r.world.Settled, rec.Notice.Type):
		r.end(rec, notice.ReasonSettled)
	default:
		r.out = append(r.out, r.over(rec, r.now, cmp.Or(cleared, r.world.Reason, notice.ReasonCleared))...)
		r.show(rec) // one that flaps stays open
		if at, waits := r.alarms.due[rec.ID()]; waits {
			r.wake(at)
		}
	}
}

// unjudged are the vantages of an incident at which it cannot be seen whether its condition holds: they show it on.
func (r *reconciliation) unjudged(rec *Record) (bad []string) {
	if r.world.Unjudged == nil {
		return nil
	}
	for _, w := range rec.Bad {
		if r.world.Unjudged(&rec.Notice, w.Vantage) {
			bad = append(bad, w.Vantage)
		}
	}
	return bad
}

func (r *reconciliation) end(rec *Record, reason string) {
	r.out = append(r.out, r.Book.end(rec, r.now, reason)...)
}

// wake asks for the scope to be judged again at t.
func (r *reconciliation) wake(t time.Time) {
	if r.due.IsZero() || t.Before(r.due) {
		r.due = t
	}
}
