package join

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"peervane/bgp"
	"peervane/daemon/notice"
	"peervane/probe/stats"
)

// reign is which POP is the nearest of a contest, and which one usually is.
type reign struct {
	usual  string
	since  time.Time // when the latest change was
	latest stats.Change
}

// Reign is the nearest POP of a contest, for a restart to go on with.
type Reign struct {
	Service string       `json:"service"`
	V6      bool         `json:"v6"`
	Source  netip.Addr   `json:"source"`
	Usual   string       `json:"usual"`
	Since   time.Time    `json:"since"`
	Latest  stats.Change `json:"latest"`
}

// Reigns gives those of all contests, in order.
func (p *Plane) Reigns() (out []Reign) {
	for _, c := range p.contests() {
		r := p.reigns[c]
		out = append(out, Reign{c.service, c.v6, c.source, r.usual, r.since, r.latest})
	}
	return out
}

// Resume goes on from what an earlier run found.
func (p *Plane) Resume(r Reign) {
	c := contest{r.Service, r.V6, r.Source}
	p.nearestOf(c).Resume(r.Latest.To)
	if p.reigns == nil {
		p.reigns = map[contest]*reign{}
	}
	p.reigns[c] = &reign{r.Usual, r.Since, r.Latest}
}

func (p *Plane) contests() []contest {
	return slices.SortedFunc(maps.Keys(p.reigns), compareContests)
}

// reign takes in a change. The first POP that answers is the usual one.
func (p *Plane) reign(c contest, change stats.Change, at time.Time) {
	if p.reigns == nil {
		p.reigns = map[contest]*reign{}
	}
	r := p.reigns[c]
	if r == nil {
		r = &reign{usual: change.To}
		p.reigns[c] = r
	}
	if learning := r.latest.Reason == stats.ReasonFirst && at.Sub(r.since) <= reported; learning && change.Reason == stats.ReasonCloser {
		r.usual = change.To // the first to answer is not always the nearest
	}
	r.since, r.latest = at, change
}

// Usurped finds the services whose nearest POP is not the usual one. What has held for the settling time is the usual.
// recheck is when time alone changes that.
func (p *Plane) Usurped(now time.Time) (findings []bgp.Finding, recheck time.Time) {
	settle := cmp.Or(p.Settle, 24*time.Hour)
	for _, c := range p.contests() {
		r := p.reigns[c]
		if p.nearest[c].Current() != r.latest.To || r.latest.To == r.usual {
			continue
		}
		if due := r.since.Add(settle); !now.Before(due) {
			r.usual = r.latest.To
			continue
		} else if recheck.IsZero() || due.Before(recheck) {
			recheck = due
		}
		f := bgp.Finding{
			Type: notice.POPChange, Severity: notice.Info.String(), POP: r.latest.To, Source: c.source, Since: r.since,
			Summary: fmt.Sprintf("the nearest POP of %s is %s: %s, %s after %s", c, r.latest.To, reasons[r.latest.Reason],
				with(r.latest.To, r.latest.After), with(r.latest.From, r.latest.Before)),
		}
		if n := len(findings); n > 0 && findings[n-1].POP == f.POP && findings[n-1].Source == f.Source {
			findings[n-1].Summary += "; " + f.Summary // both families moved to it: that is one condition
			continue
		}
		findings = append(findings, f)
	}
	return findings, recheck
}

var reasons = map[stats.Reason]string{
	stats.ReasonFirst: "the first to answer", stats.ReasonCloser: "it is closer", stats.ReasonFailed: "the one before does not answer",
	stats.ReasonRemoved: "the one before is not probed any more",
}

func with(pop string, lowest time.Duration) string {
	if lowest == 0 {
		return pop
	}
	return fmt.Sprintf("%s (%s)", pop, short(lowest))
}

func compareContests(a, b contest) int {
	v6 := map[bool]int{true: 1}
	return cmp.Or(strings.Compare(a.service, b.service), netip.Addr.Compare(a.source, b.source), v6[a.v6]-v6[b.v6])
}
