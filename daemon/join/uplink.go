package join

import (
	"fmt"
	"time"

	"peervane/bgp"
	"peervane/daemon/notice"
)

// At least so many targets, and so large a share of them, must be lost for this host to be suspected itself.
const (
	cutOffLeast = 2
	cutOffShare = 0.80
)

// CutOff says whether nearly all targets lost their last batch whole, and since when.
func (p *Plane) CutOff() (since time.Time, suspect bool) {
	if len(p.flows) < cutOffLeast || float64(p.cut) < cutOffShare*float64(len(p.flows)) {
		return time.Time{}, false
	}
	for _, h := range p.flows {
		if h.lost > 0 && h.since.After(since) {
			since = h.since
		}
	}
	return since, true
}

// MayBeCutOff says whether so many targets would be lost, were all those lost of which nothing is known. ways is how many there are;
// 0: that is not known.
func (p *Plane) MayBeCutOff(ways int) bool {
	answered := len(p.flows) - p.cut
	ways = max(ways, len(p.flows))
	if ways > 0 && ways < cutOffLeast {
		return false // so few prove nothing
	}
	return float64(ways-answered) >= cutOffShare*float64(ways)
}

// Uplink is the finding that this host itself is cut off: no peer was heard after last, the zero time where none ever was.
func (p *Plane) Uplink(since, last time.Time) bgp.Finding {
	peers := "no peer is heard"
	if !last.IsZero() {
		peers += " since " + last.UTC().Format("15:04:05Z")
	}
	return bgp.Finding{
		Type: notice.Uplink, Severity: notice.Critical.String(), Since: since,
		Summary: fmt.Sprintf("this host is cut off: %d of %d probe targets are lost, and %s", p.cut, len(p.flows), peers),
	}
}

// Fresh says whether the latest batch of every way to a POP began at a time or later.
func (p *Plane) Fresh(pop string, since time.Time) bool {
	for _, f := range p.of(pop) {
		h := p.flows[f]
		if h.batches.lastStarted().Before(since) {
			return false
		}
	}
	return true
}
