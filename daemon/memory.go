package daemon

import (
	"cmp"
	"encoding/json"
	"iter"
	"net/netip"
	"slices"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/bgp/detect"
	"peervane/config"
	"peervane/daemon/incident"
	"peervane/daemon/store"
)

// reload puts another configuration in force.
func (e *engine) reload(cfg *config.Config) { e.engage(e.plan(cfg, e.settings.Replay)) }

// engage puts the configuration of a plan in force and asks for all that it may concern to be judged: no more than that, so
// that a reload of a million prefixes in which one changed is not felt.
func (e *engine) engage(p *plan) {
	before := e.watching
	e.adopt(p)
	e.young = append(e.young, p.added...)
	e.forgetUnwatched(before)
	e.book.Reload(p.cfg.Severity)
	e.reloaded = map[scope]bool{}
	other := &change{}
	if p.everything {
		e.touchAll(other)
	} else {
		e.touchChanged(p, other)
	}
	concerns := p.touches()
	for _, s := range e.book.Open() {
		switch {
		case s.Kind == incident.Routing && (p.known || concerns.LookupPrefix(s.Offending) || concerns.Get(s.Prefix)):
			e.agenda.review(scope{s.Prefix, s.Offending})
			e.reloaded[scope{s.Prefix, s.Offending}] = true
		case s.Kind == incident.Session:
			e.touchSession(s)
		case s.Kind == incident.Probing:
			e.touchPOP(s)
		}
	}
}

// touchChanged asks for what a plan says of single registrations to be judged: their own scopes, and those of all routes
// inside, which have another registration now.
func (e *engine) touchChanged(p *plan, other *change) {
	touch := func(reg *registration) {
		if now := e.regs.exact(reg.Prefix); now != nil && !now.Policy.Ignore {
			e.agenda.review(scope{reg.Prefix, reg.Prefix})
		}
		for q, entry := range e.table.byPrefix.Subnets(reg.Prefix) {
			if owner := e.regs.judges(q); owner != nil {
				entry.anew = other
				e.agenda.review(scope{owner.Prefix, q})
			}
		}
	}
	for _, list := range [2][]*registration{p.added, p.removed} {
		for _, reg := range list {
			touch(reg)
		}
	}
	for _, c := range p.changed {
		touch(c.registration)
	}
}

// touchAll asks for everything to be judged: by other rules where other is not nil.
func (e *engine) touchAll(other *change) {
	for _, f := range bgp.Families {
		e.agenda.reviewAll(f, e.cfg.Prefixes)
	}
	for p, entry := range e.table.byPrefix.AllSorted() {
		if reg := e.regs.judges(p); reg != nil {
			entry.anew = cmp.Or(other, entry.anew)
			e.agenda.review(scope{reg.Prefix, p})
		}
	}
	for _, s := range e.book.Open() {
		switch s.Kind {
		case incident.Routing:
			e.agenda.review(scope{s.Prefix, s.Offending})
		case incident.Session:
			e.touchSession(s)
		case incident.Probing:
			e.touchPOP(s)
		}
	}
}

// restore goes on from what an earlier run kept. Incidents stay as they are until what showed them is in sight again.
func (e *engine) restore(k kept) error {
	e.resumeUplink(&k)
	e.book.Restore(k.records, k.silences)
	e.recount(k.members)
	e.miss(&k)
	e.noteMovements(k)
	for p, m := range k.remembered(e.log) {
		if reg := e.regs.exact(p); reg != nil { // else it is no longer registered
			var gone []string // out of the configuration, meanwhile
			for i := range m.Traces {
				if name := m.Traces[i].Vantage; !e.known.mayReturn(name) {
					gone = append(gone, name)
				}
			}
			for _, name := range gone {
				m.Forget(name)
			}
			reg.memory = m
		}
	}
	e.rememberHijacks(k.hijacks, k.records)
	e.touchAll(nil)
	return nil
}

// recount has groups know whom they have counted already.
func (e *engine) recount(members []store.Member) {
	for _, m := range members {
		e.book.Counted(m.Group, m.Fingerprint)
	}
}

func (e *engine) noteMovements(k kept) {
	for i := range k.records {
		if k.records[i].Open {
			e.noteMovement(&k.records[i].Notice, k.records[i].Notice.UpdatedAt.Time)
		}
	}
}

// remembered reads what was remembered of prefixes.
func (k *kept) remembered(log *zap.Logger) iter.Seq2[netip.Prefix, detect.Memory] {
	return func(yield func(netip.Prefix, detect.Memory) bool) {
		for p, b := range k.memories {
			var m detect.Memory
			if err := json.Unmarshal(b, &m); err != nil {
				log.Error("what was remembered of a prefix cannot be read, going on without it", zap.Stringer("prefix", p), zap.Error(err))
				continue
			}
			m.Thin()
			if !k.at.IsZero() {
				m.NotAfter(k.at)
			}
			if !yield(p, m.WithoutHijacks()) {
				return
			}
		}
	}
}

// late is what an earlier run kept and could not be read before this one had run for some time.
type late struct {
	kept
	memories map[netip.Prefix]detect.Memory // read already: of a million prefixes that takes seconds
}

// rejoin goes on from that. What this run has seen since stands; what is remembered of prefixes fills what it does not know.
func (e *engine) rejoin(k *late, now time.Time, age time.Duration) {
	e.log.Info("state of the last run is read after all", zap.Int("incidents", len(k.told)), zap.Int("prefixes", len(k.memories)))
	e.book.Rejoin(k.records, k.silences)
	e.recount(k.members)
	e.miss(&k.kept)
	e.noteMovements(k.kept)
	for p, older := range k.memories {
		if reg := e.regs.exact(p); reg != nil {
			reg.memory.Fill(&older, now, age < e.settings.PathSettle)
		}
	}
	known := func(h store.Ended) bool {
		reg := e.regs.exact(h.Prefix)
		return reg != nil && reg.memory.Hijacks().Knows(h.Offending)
	}
	e.rememberHijacks(slices.DeleteFunc(k.hijacks, known), k.records)
	e.touchAll(nil)
	e.rpki.touched, e.uplink.touched = true, true
}
