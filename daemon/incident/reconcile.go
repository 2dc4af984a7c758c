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
	for key := range r.page.pending {
		if here[key] == nil {
			delete(r.page.pending, key)
		}
	}
	for _, rec := range r.page.sorted() {
		if here[rec.Notice.Fingerprint] == nil {
			r.gone(rec)
		}
	}
	for _, key := range order {
		if rec := r.page.open[key]; rec != nil {
			r.update(rec, here[key])
		} else {
			r.fire(key, here[key])
		}
	}
}

// sorted lists the open incidents of a page in an order that depends on them alone.
func (p *page) sorted() []*Record {
	out := make([]*Record, 0, len(p.open))
	for _, rec := range p.open {
		out = append(out, rec)
	}
	slices.SortFunc(out, func(a, b *Record) int {
		return cmp.Or(
			cmp.Compare(a.Notice.Type, b.Notice.Type),
			a.Notice.Offending.Compare(b.Notice.Offending),
			cmp.Compare(a.Notice.Fingerprint, b.Notice.Fingerprint),
		)
	})
	return out
}

// fire opens an incident once its condition has held long enough at enough vantages. Until then the book keeps since when
// it holds, so that a route announced again does not begin its hold anew.
func (r *reconciliation) fire(key string, f *bgp.Finding) {
	since := cmp.Or(f.Since, r.now)
	if before, ok := r.page.pending[key]; ok && before.since.Before(since) {
		since = before.since
	}
	due := since.Add(f.Hold)
	if f.Quiet || r.now.Before(due) {
		r.page.pending[key] = waiting{f.Type, since}
		if !f.Quiet {
			r.wake(due)
		}
		return
	}
	delete(r.page.pending, key)
	r.ordinal++
	rec := &Record{Scope: r.scope, Open: true}
	rec.Notice = notice.Notice{
		Incident: r.opt.NewID(key, r.now, r.ordinal), Fingerprint: key,
		Type: f.Type, Source: r.opt.Source, StartedAt: notice.At(since),
	}
	if r.world.Latency != nil {
		rec.Notice.Evidence.Latency = r.world.Latency(since)
	}
	r.take(rec, f)
	r.page.open[key], r.byID[rec.ID()] = rec, rec
	r.out = append(r.out, r.tell(rec, notice.Firing, "", r.now))
}

// update follows an incident whose condition still holds, and tells what is worth telling.
func (r *reconciliation) update(rec *Record, f *bgp.Finding) {
	severity, culprit := rec.Notice.Severity, rec.Notice.CulpritASN
	lost := r.watch(rec, f.Bad)
	r.take(rec, f)
	switch {
	case rec.Notice.Severity != severity:
		r.tellUpdate(rec, notice.ReasonSeverity)
	case rec.Notice.CulpritASN != culprit:
		r.tellUpdate(rec, notice.ReasonCulprit)
	case lost.told:
		r.tellUpdate(rec, notice.ReasonVantageLost)
	case rec.grew():
		if due := rec.Told.At.Add(evidenceInterval); r.now.Before(due) {
			r.wake(due)
			return
		}
		r.tellUpdate(rec, notice.ReasonEvidence)
	}
}

// gone follows an incident whose condition is no longer seen. It resolves, unless some vantage that showed it is out of
// sight: blindness is not recovery.
func (r *reconciliation) gone(rec *Record) {
	if r.opt.Severity[rec.Notice.Type] == "off" {
		r.end(rec, notice.ReasonConfig)
		return
	}
	seen := r.watch(rec, nil)
	switch {
	case len(rec.Bad) == 0 && slices.Contains(r.world.Settled, rec.Notice.Type):
		r.end(rec, notice.ReasonSettled)
	case len(rec.Bad) == 0:
		r.end(rec, cmp.Or(seen.cleared, r.world.Reason, notice.ReasonCleared))
	case seen.told:
		r.tellUpdate(rec, notice.ReasonVantageLost)
	}
}

func (r *reconciliation) end(rec *Record, reason string) {
	delete(r.page.open, rec.Notice.Fingerprint)
	if r.world.Remains != nil {
		rec.Remains = r.world.Remains(&rec.Notice)
	}
	r.out = append(r.out, r.resolve(rec, r.now, reason))
}

func (r *reconciliation) tellUpdate(rec *Record, reason string) {
	if reason == notice.ReasonVantageLost {
		rec.Told.Lost = r.now
	}
	r.out = append(r.out, r.tell(rec, notice.Updated, reason, r.now))
}

// wake asks for the scope to be judged again at t.
func (r *reconciliation) wake(t time.Time) {
	if r.due.IsZero() || t.Before(r.due) {
		r.due = t
	}
}
