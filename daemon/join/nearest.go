package join

import (
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

// via names the way to the POP within its contest.
func (f Flow) via() string { return fmt.Sprintf("%s %s", f.Addr, f.Method) }

func (p *Plane) contestOf(f Flow) *stats.Nearest {
	c := f.contest()
	if p.nearest[c] == nil {
		if p.nearest == nil {
			p.nearest = map[contest]*stats.Nearest{}
		}
		p.nearest[c] = stats.NewNearest()
	}
	return p.nearest[c]
}
