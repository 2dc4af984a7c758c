package detect

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"peervane/bgp"
)

// The figure of merit of RFC 2439, with the parameters that routers have by default, and the threshold of RFC 7196, which
// lets ordinary instability pass. The ceiling is what decays to the reuse threshold within the usual hour.
const (
	withdrawalPenalty = 1000
	pathChangePenalty = 500
	suppressPenalty   = 6000
	reusePenalty      = 750
	ceilingPenalty    = reusePenalty * 16
	penaltyHalfLife   = 15 * time.Minute
)

// Flap is the instability of one route: a path of a vantage to the registered prefix.
type Flap struct {
	Vantage   string    `json:"vantage"`
	PathID    uint32    `json:"path_id,omitempty"`
	Penalty   float64   `json:"penalty"` // at At; from then on it decays
	At        time.Time `json:"at"`
	First     time.Time `json:"first"`         // the first of what is counted here
	Over      time.Time `json:"over,omitzero"` // since when it flaps; zero: it does not
	Withdrawn uint32    `json:"withdrawn"`     // withdrawals, since First
	Changed   uint32    `json:"changed"`       // path changes, since First
}

// penalty is the figure of merit as it has decayed. Records may come late.
func (f *Flap) penalty(now time.Time) float64 {
	age := max(0, now.Sub(f.At))
	return f.Penalty * math.Exp2(-float64(age)/float64(penaltyHalfLife))
}

// calm is when it will have decayed so far that it is forgotten: a flapping route to the reuse threshold, any other to half
// of it (RFC 2439 section 4.2).
func (f *Flap) calm() time.Time {
	threshold := reusePenalty / 2.0
	if !f.Over.IsZero() {
		threshold = reusePenalty
	}
	return f.At.Add(time.Duration(float64(penaltyHalfLife) * math.Log2(f.Penalty/threshold)))
}

// Flap takes in that a route was withdrawn, or announced with another path, so many times until now. Only what a session in
// sync told counts: not its loss, nor refreshes and first tables.
func (m *Memory) Flap(vantage string, pathID, withdrawn, changed uint32, now time.Time) {
	m.disturb(func(u *Unrest) bool {
		f := u.flap(vantage, pathID, now)
		f.Penalty = min(f.penalty(now)+withdrawalPenalty*float64(withdrawn)+pathChangePenalty*float64(changed), ceilingPenalty)
		if now.After(f.At) {
			f.At = now
		}
		f.Withdrawn += withdrawn
		f.Changed += changed
		if f.Penalty > suppressPenalty && f.Over.IsZero() {
			f.Over = now
		}
		return true
	})
}

// flap finds what is kept of a route, and begins it where that is nothing.
func (u *Unrest) flap(vantage string, pathID uint32, now time.Time) *Flap {
	i, known := slices.BinarySearchFunc(u.Flaps, Flap{Vantage: vantage, PathID: pathID}, func(a, b Flap) int {
		return cmp.Or(cmp.Compare(a.Vantage, b.Vantage), cmp.Compare(a.PathID, b.PathID))
	})
	if !known {
		u.Flaps = slices.Insert(u.Flaps, i, Flap{Vantage: vantage, PathID: pathID, At: now, First: now})
	}
	return &u.Flaps[i]
}

// learnFlaps drops what has calmed down.
func (m *Memory) learnFlaps(now time.Time) (changed bool) {
	if len(m.unrest().Flaps) == 0 {
		return false
	}
	return m.disturb(func(u *Unrest) bool {
		n := len(u.Flaps)
		u.Flaps = slices.DeleteFunc(u.Flaps, func(f Flap) bool { return !now.Before(f.calm()) })
		return len(u.Flaps) < n
	})
}

// flapping: the penalty of a route went over the threshold, and has not decayed yet.
func flapping(j *judgement) {
	if !j.exact() || j.Memory == nil {
		return
	}
	f := j.finding("flapping", warning)
	worst := Flap{}
	for _, flap := range j.Memory.unrest().Flaps {
		if flap.Over.IsZero() {
			continue
		}
		f.Bad = union(f.Bad, []string{flap.Vantage})
		f.Since = sooner(f.Since, flap.Over)
		if flap.Penalty > worst.Penalty {
			worst = flap
		}
		j.again(flap.calm())
	}
	if len(f.Bad) == 0 {
		return
	}
	j.showAt(&f)
	j.agree(&f, anyVantage)
	f.Summary = fmt.Sprintf("%s flaps: %s (most at %s: %s and %s since %s)", f.Prefix, seenBy(&f), worst.Vantage,
		count(worst.Withdrawn, "withdrawal"), count(worst.Changed, "path change"), worst.First.UTC().Format(time.TimeOnly))
	j.found = append(j.found, f)
}

// showAt gives as evidence what the vantages of a finding hold, or, where that is nothing, held last.
func (j *judgement) showAt(f *bgp.Finding) {
	for i := range j.Vantages {
		if !slices.Contains(f.Bad, j.Vantages[i].Name) {
			continue
		}
		if h := j.best[i]; h != nil {
			f.Routes = append(f.Routes, h.Seen)
		} else {
			f.Previous = append(f.Previous, j.last(i)...)
		}
	}
}

func count(n uint32, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
