package detect_test

import (
	"slices"
	"time"

	"peervane/bgp/detect"
)

// newMoreSpecific gives the legitimate routes of the half.
func (o *oracle) newMoreSpecific() []string {
	if o.lab.reg.Policy.Expect == detect.Absent {
		return nil
	}
	now := o.moments[len(o.moments)-1]
	var bad []string
	var since time.Time
	for _, v := range now.sites {
		for _, path := range v.all[half] {
			if kinds[path].legitimate {
				since = earliest(since, v.routeSince[half+path])
				bad = append(bad, v.name)
			}
		}
	}
	if bad == nil {
		return nil
	}
	slices.Sort(bad)
	severity := "warning"
	if o.hijackedLately() {
		severity = "info"
	}
	return []string{o.line("new_more_specific", severity, half, 64496, slices.Compact(bad), since, nil)}
}

// hijackedLately walks back through the last hour.
func (o *oracle) hijackedLately() bool {
	for i := len(o.moments) - 1; i >= 0; i-- {
		ended := o.lab.now // of moment i
		if i+1 < len(o.moments) {
			ended = o.moments[i+1].at
		}
		if o.lab.now.Sub(ended) >= time.Hour && i+1 < len(o.moments) {
			return false
		}
		if o.hijacked(i, exact) && !o.lab.settings.Off["origin_change"] || o.hijacked(i, half) {
			return true
		}
	}
	return false
}

// hijacked says whether enough sites show a wrong route of one culprit at moment i.
func (o *oracle) hijacked(i int, prefix string) bool {
	by := map[uint32]map[string]bool{}
	for _, v := range o.moments[i].sites {
		for _, path := range v.all[prefix] {
			if !o.wrong(path) {
				continue
			}
			if by[o.culprit(path)] == nil {
				by[o.culprit(path)] = map[string]bool{}
			}
			by[o.culprit(path)][v.name] = true
		}
	}
	for _, sites := range by {
		if len(sites) >= o.lab.reg.Policy.MinVantages {
			return true
		}
	}
	return false
}
