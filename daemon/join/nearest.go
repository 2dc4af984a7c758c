package join

import (
	"cmp"
	"fmt"
	"net/netip"

	"peervane/probe/stats"
)

// contest is what POPs compete in: to be the nearest of a service, over one family and from one source.
type contest struct {
	service string
	v6      bool
	source  netip.Addr
}

func (f Flow) contest() contest { return contest{f.Service, f.Addr.Is6(), f.Source} }

func (c contest) String() string {
	family := map[bool]string{false: "IPv4", true: "IPv6"}[c.v6]
	return fmt.Sprintf("%s over %s%s", cmp.Or(c.service, "no service"), family, from(c.source))
}

// Change is that another POP is the nearest in a contest.
type Change struct {
	Contest string // "edge over IPv4 from 192.0.2.1"
	stats.Change
}

// via names the way to the POP within its contest.
func (f Flow) via() string { return fmt.Sprintf("%s %s", f.Addr, f.Method) }

func (p *Plane) contestOf(f Flow) *stats.Nearest { return p.nearestOf(f.contest()) }

func (p *Plane) nearestOf(c contest) *stats.Nearest {
	if p.nearest[c] == nil {
		if p.nearest == nil {
			p.nearest = map[contest]*stats.Nearest{}
		}
		p.nearest[c] = stats.NewNearest()
	}
	return p.nearest[c]
}
