package source

import (
	"fmt"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/bgp/wire"
)

// checkLimit holds the number of routes against MaxPrefixes. The end of an excess is told only once all first tables are
// complete, or late, since every session begins with none.
func (p *Peer) checkLimit(at time.Time) {
	limit := p.cfg.MaxPrefixes
	if limit == 0 {
		return
	}
	n := p.table.Len(bgp.IPv4) + p.table.Len(bgp.IPv6)
	switch {
	case n > limit:
		if !p.exceeded {
			p.tellLimit(true, n, at)
		}
		if p.cfg.MaxPrefixesRestart && !p.ceased {
			p.ceased = true
			p.control.Cease(wire.SubMaxPrefixes, fmt.Sprintf("%d prefixes exceed max_prefixes %d", n, limit), p.cfg.MaxPrefixesIdle)
		}
	case p.exceeded && !p.loading(at):
		p.tellLimit(false, n, at)
	}
}

// loading says whether a first table is still coming.
func (p *Peer) loading(at time.Time) bool {
	for i := range p.families {
		if f := &p.families[i]; f.up && f.first.cause(at) == bgp.Initial {
			return true
		}
	}
	return false
}

func (p *Peer) tellLimit(exceeded bool, n int, at time.Time) {
	p.exceeded = exceeded
	message := "prefix limit exceeded"
	if !exceeded {
		message = "prefix limit is kept again"
	}
	p.log.Warn(message, zap.Int("prefixes", n), zap.Int("limit", p.cfg.MaxPrefixes))
	p.put(bgp.LimitExceeded{Vantage: p.cfg.Vantage, At: at, Exceeded: exceeded, Prefixes: n, Limit: p.cfg.MaxPrefixes})
}
