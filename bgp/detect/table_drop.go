package detect

import (
	"fmt"
	"strings"
	"time"

	"peervane/bgp"
)

// Drop is a full table that fell by over a fifth within a minute. The zero value is none.
type Drop struct {
	Since          time.Time
	Before, Routes int
}

// tableDrop: the full table of a peer fell. It ends when the table is back, when the session is down, which is told as such, or
// when it has held for path_settle.
func tableDrop(p *Peer, now time.Time) (f *bgp.Finding, recheck time.Time) {
	var what []string
	for _, family := range bgp.Families {
		d := p.Drops[family]
		settled := d.Since.Add(p.PathSettle)
		if d.Since.IsZero() || !p.Established || !now.Before(settled) {
			continue
		}
		if f == nil {
			f = &bgp.Finding{Type: "table_drop", Severity: failure, Bad: []string{p.Name}, Total: 1}
		}
		f.Since, recheck = sooner(f.Since, d.Since), sooner(recheck, settled)
		what = append(what, fmt.Sprintf("%s from %d to %d routes within a minute", family, d.Before, d.Routes))
	}
	if f != nil {
		f.Summary = fmt.Sprintf("the table of %s fell: %s", p, strings.Join(what, ", "))
	}
	return f, recheck
}
