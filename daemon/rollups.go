package daemon

import (
	"time"

	"peervane/daemon/store"
	"peervane/probe"
	"peervane/probe/stats"
)

// keepRate is how often an hour that is not over yet is written: what a crash takes at the most.
const keepRate = time.Minute

// rollups sum up what each way to a POP was measured to be, hour by hour. A restart begins another roll-up, and so does a
// wall clock that is stepped into another hour: nothing is ever read back to be continued.
type rollups map[store.Way]*rolling

type rolling struct {
	open   *stats.Rollup
	hour   time.Time     // that open is of
	before *stats.Rollup // what open followed: if it is not on disk yet it soon is
	kept   time.Time     // when open was handed over last
}

func wayOf(t probe.Target) store.Way {
	return store.Way{POP: t.POP, Address: t.Addr, Method: string(t.Method), Source: t.Source}
}

// add takes in a batch, and gives what is to be written.
func (r rollups) add(w store.Way, s *stats.Sample) (rows []store.Latency) {
	hour := s.Ended.UTC().Truncate(time.Hour)
	of := r[w]
	switch {
	case of == nil:
		of = &rolling{open: &stats.Rollup{}, hour: hour, kept: s.Ended}
		r[w] = of
	case !of.hour.Equal(hour):
		rows = append(rows, of.row(w))
		*of = rolling{open: &stats.Rollup{}, hour: hour, before: of.open, kept: s.Ended}
	}
	of.open.Add(s)
	if s.Ended.Sub(of.kept) >= keepRate {
		of.kept = s.Ended
		rows = append(rows, of.row(w))
	}
	return rows
}

// row is a copy for the store, which reads it later.
func (o *rolling) row(w store.Way) store.Latency {
	return store.Latency{Way: w, Rollup: *o.open.Clone()}
}

// retain ends the roll-ups of ways that are not probed any more, and gives them.
func (r rollups) retain(targets []probe.Target) (rows []store.Latency) {
	probed := make(map[store.Way]bool, len(targets))
	for _, t := range targets {
		probed[wayOf(t)] = true
	}
	for w, of := range r {
		if !probed[w] {
			rows = append(rows, of.row(w))
			delete(r, w)
		}
	}
	return rows
}

// all gives the open ones.
func (r rollups) all() (rows []store.Latency) {
	for w, of := range r {
		rows = append(rows, of.row(w))
	}
	return rows
}

// fresh gives copies of those of a POP, or of all where it is "", that may not be on disk as they are.
func (r rollups) fresh(pop string) map[store.Way][]*stats.Rollup {
	out := map[store.Way][]*stats.Rollup{}
	for w, of := range r {
		if pop != "" && w.POP != pop {
			continue
		}
		if of.before != nil {
			out[w] = append(out[w], of.before.Clone())
		}
		out[w] = append(out[w], of.open.Clone())
	}
	return out
}
