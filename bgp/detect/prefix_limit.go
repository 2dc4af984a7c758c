package detect

import (
	"fmt"
	"time"

	"peervane/bgp"
)

// Limit is what a peer sends too much, by its max_prefixes.
type Limit struct {
	Exceeded bool
	Prefixes int // when that was noticed
	Most     int
	Since    time.Time
}

// prefixLimit: a peer sends more prefixes than max_prefixes. Where its session was ended for that, it holds on until a
// session has shown a whole table that keeps the limit.
func prefixLimit(p *Peer, _ time.Time) (*bgp.Finding, time.Time) {
	if !p.Limit.Exceeded {
		return nil, time.Time{}
	}
	return &bgp.Finding{
		Type: "prefix_limit", Severity: failure, Since: p.Limit.Since, Bad: []string{p.Name}, Total: 1,
		Summary: fmt.Sprintf("%s exceeds max_prefixes: %d prefixes, at most %d", p, p.Limit.Prefixes, p.Limit.Most),
	}, time.Time{}
}
