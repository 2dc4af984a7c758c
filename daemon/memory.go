package daemon

import (
	"encoding/json"
	"net/netip"

	"go.uber.org/zap"

	"peervane/bgp/detect"
	"peervane/config"
	"peervane/daemon/incident"
)

// reload puts another configuration in force and asks for all that it may concern to be judged: every registered prefix,
// and every open incident, whose registration may be gone.
func (e *engine) reload(cfg *config.Config) {
	e.configure(cfg, e.settings.Replay)
	e.forgetUnwatched()
	e.book.Reload(cfg.Severity)
	e.touchAll()
	e.reloaded = map[scope]bool{}
	for _, s := range e.book.Open() {
		if s.Kind == incident.Routing {
			e.reloaded[scope{s.Prefix, s.Offending}] = true
		}
	}
}

// touchAll asks for everything to be judged.
func (e *engine) touchAll() {
	for reg := range e.regs.all() {
		e.agenda.review(scope{reg.Prefix, reg.Prefix})
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
func (e *engine) restore(records []incident.Record, memories map[netip.Prefix][]byte) error {
	e.book.Restore(records)
	for p, b := range memories {
		reg := e.regs.exact(p)
		if reg == nil {
			continue // no longer registered
		}
		var m detect.Memory
		if err := json.Unmarshal(b, &m); err != nil {
			e.log.Error("what was remembered of a prefix cannot be read, going on without it", zap.Stringer("prefix", p), zap.Error(err))
			continue
		}
		reg.memory = m
	}
	e.touchAll()
	return nil
}
