package daemon

import (
	"encoding/json"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/bgp/detect"
	"peervane/config"
	"peervane/daemon/incident"
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
	if p.everything {
		e.touchAll()
	} else {
		e.touchChanged(p)
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
func (e *engine) touchChanged(p *plan) {
	touch := func(reg *registration) {
		if now := e.regs.exact(reg.Prefix); now != nil && !now.Policy.Ignore {
			e.agenda.review(scope{reg.Prefix, reg.Prefix})
		}
		for q := range e.table.byPrefix.Subnets(reg.Prefix) {
			if owner := e.regs.judges(q); owner != nil {
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

// touchAll asks for everything to be judged.
func (e *engine) touchAll() {
	for _, f := range bgp.Families {
		e.agenda.reviewAll(f, e.cfg.Prefixes)
	}
	for p := range e.table.byPrefix.AllSorted() {
		if reg := e.regs.judges(p); reg != nil {
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
	e.book.Restore(k.records, k.silences)
	e.noteMovements(k)
	for p, b := range k.memories {
		reg := e.regs.exact(p)
		if reg == nil {
			continue // no longer registered
		}
		var m detect.Memory
		if err := json.Unmarshal(b, &m); err != nil {
			e.log.Error("what was remembered of a prefix cannot be read, going on without it", zap.Stringer("prefix", p), zap.Error(err))
			continue
		}
		m.Thin()
		reg.memory = m.WithoutHijacks()
	}
	e.rememberHijacks(k.hijacks, k.records)
	e.touchAll()
	return nil
}

func (e *engine) noteMovements(k kept) {
	for i := range k.records {
		if k.records[i].Open {
			e.noteMovement(&k.records[i].Notice, k.records[i].Notice.UpdatedAt.Time)
		}
	}
}

// rejoin takes in the incidents of an earlier run that could not be read at the start. What is remembered of prefixes is what
// this run has seen.
func (e *engine) rejoin(k *kept) {
	e.log.Info("state of the last run is read after all", zap.Int("incidents", len(k.told)))
	e.book.Rejoin(k.records, k.silences)
	e.noteMovements(*k)
	e.touchAll()
	e.rpki.touched, e.uplink.touched = true, true
}
