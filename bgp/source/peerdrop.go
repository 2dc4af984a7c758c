package source

import (
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
)

const (
	dropWindow = time.Minute
	dropLeast  = 100 // routes; of fewer, a fifth is no news
)

// crest follows the size of one family's table, to know the highest of the last minute. The zero value knows nothing.
type crest struct {
	size    int    // as it stands, however long already
	highs   []high // before it, falling, one for a second at most
	dropped int    // the size from which the table fell; 0: it did not
}

// high is a size, and until when it stood.
type high struct {
	at time.Time
	n  int
}

// note takes in the size, and gives the highest of the window.
func (c *crest) note(n int, at time.Time) int {
	for len(c.highs) > 0 && at.Sub(c.highs[0].at) > dropWindow {
		c.highs = c.highs[1:]
	}
	for len(c.highs) > 0 && c.highs[len(c.highs)-1].n <= c.size {
		c.highs = c.highs[:len(c.highs)-1]
	}
	if last := len(c.highs) - 1; last < 0 || at.Sub(c.highs[last].at) >= time.Second {
		c.highs = append(c.highs, high{at, c.size})
	}
	c.size = n
	return max(c.highs[0].n, n)
}

// checkDrop tells when a full table falls by over a fifth within a minute, and when it is back.
func (p *Peer) checkDrop(at time.Time) {
	if !p.cfg.Full {
		return
	}
	for _, family := range bgp.Families {
		f := &p.families[family]
		if !f.up || f.kept || f.first.cause(at) == bgp.Initial {
			f.crest.size, f.crest.highs = 0, nil
			continue
		}
		n := p.table.Len(family)
		top := f.crest.note(n, at)
		switch {
		case f.crest.dropped == 0 && top >= dropLeast && 5*n < 4*top:
			f.crest.dropped = top
			p.tellDrop(family, n, at)
		case f.crest.dropped > 0 && 5*n >= 4*f.crest.dropped:
			p.tellDrop(family, n, at)
			f.crest = crest{size: n}
		}
	}
}

func (p *Peer) tellDrop(family bgp.Family, n int, at time.Time) {
	before := p.families[family].crest.dropped
	d := bgp.TableDropped{Vantage: p.cfg.Vantage, Family: family, At: at, Dropped: 5*n < 4*before, Before: before, Routes: n}
	message := "table fell"
	if !d.Dropped {
		message = "table is back"
	}
	p.log.Warn(message, zap.Stringer("family", family), zap.Int("before", before), zap.Int("routes", n))
	p.put(d)
}
