package rpki

import (
	"cmp"
	"slices"
	"time"
)

// supply is what one source holds now.
type supply struct {
	source  string
	epoch   Epoch
	fetched time.Time
	expires time.Time // zero: never
	vrps    []VRP
	aspas   []ASPA
}

func cacheSupply(url string, h *holding) *supply {
	if h == nil {
		return nil
	}
	return &supply{url, h.epoch, h.confirmed, h.expires(), h.vrps, h.united}
}

func fileSupply(path string, d *Data) *supply {
	return &supply{source: path, fetched: d.Built, vrps: d.VRPs, aspas: d.ASPAs}
}

// previousSupplies lets each kind of data of an earlier Set stand in for a while.
func previousSupplies(set *Set, until time.Time) []*supply {
	if set == nil {
		return nil
	}
	return []*supply{
		{source: set.VRPs.Source, epoch: set.VRPs.Epoch, fetched: set.VRPs.Fetched, expires: until, vrps: set.vrps.list()},
		{source: set.ASPAs.Source, epoch: set.ASPAs.Epoch, fetched: set.ASPAs.Fetched, expires: until, aspas: set.aspas.list()},
	}
}

func (s *supply) expired(now time.Time) bool {
	return !s.expires.IsZero() && !now.Before(s.expires)
}

// choose picks where one kind of data comes from: the first source that is fresh and has it; else, of those that have
// not expired, the one that was confirmed last. A source without a single record has nothing of that kind.
func choose(supplies []*supply, now time.Time, staleAfter time.Duration, records func(*supply) int) *supply {
	have := slices.DeleteFunc(slices.Clone(supplies), func(s *supply) bool { return s == nil || s.expired(now) || records(s) == 0 })
	if i := slices.IndexFunc(have, func(s *supply) bool { return now.Before(s.fetched.Add(staleAfter)) }); i >= 0 {
		return have[i]
	}
	if len(have) == 0 {
		return nil
	}
	return slices.MaxFunc(have, func(a, b *supply) int { return a.fetched.Compare(b.fetched) })
}

// assembly makes Sets from supplies, and makes no table anew whose records are the same.
type assembly struct {
	staleAfter time.Duration
	slurm      *SLURM
	last       *Set
	vrps       []VRP  // the input of last's tables
	aspas      []ASPA // likewise
	applied    *SLURM // likewise
}

// set gives what is known now.
func (a *assembly) set(supplies []*supply, now time.Time) *Set {
	next := *a.last
	vrps := choose(supplies, now, a.staleAfter, func(s *supply) int { return len(s.vrps) })
	aspas := choose(supplies, now, a.staleAfter, func(s *supply) int { return len(s.aspas) })
	reused := a.applied == a.slurm
	if vrps == nil {
		next.vrps, a.vrps = nil, nil
	} else if next.vrps == nil || !reused || !same(a.vrps, vrps.vrps) {
		a.vrps = vrps.vrps
		next.vrps = newVRPTable(a.slurm.VRPs(vrps.vrps))
	}
	if aspas == nil {
		next.aspas, a.aspas = nil, nil
	} else if next.aspas == nil || !reused || !same(a.aspas, aspas.aspas) {
		a.aspas = aspas.aspas
		next.aspas = newASPATable(slices.Clone(a.slurm.ASPAs(aspas.aspas)))
	}
	next.VRPs, next.ASPAs = vrps.provenance(next.VRPs), aspas.provenance(next.ASPAs)
	a.applied = a.slurm
	if next != *a.last {
		a.last = &next
	}
	return a.last
}

// provenance keeps, when nothing is held any more, how old the last data was.
func (s *supply) provenance(before Provenance) Provenance {
	if s == nil {
		return Provenance{Fetched: before.Fetched, Offered: before.Offered}
	}
	return Provenance{s.source, s.epoch, s.fetched, true}
}

// same says whether two lists are one and the same, as those of an unchanged source are.
func same[T any](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// wake gives when the choice can change next without news: when something expires or goes stale. Zero is never.
func wake(supplies []*supply, now time.Time, staleAfter time.Duration) time.Time {
	var times []time.Time
	for _, s := range supplies {
		if s != nil {
			times = append(times, s.expires, s.fetched.Add(staleAfter))
		}
	}
	times = slices.DeleteFunc(times, func(t time.Time) bool { return !t.After(now) })
	if len(times) == 0 {
		return time.Time{}
	}
	return slices.MinFunc(times, func(a, b time.Time) int { return cmp.Compare(a.UnixNano(), b.UnixNano()) })
}
