package daemon

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"peervane/daemon/api"
	"peervane/daemon/join"
	"peervane/daemon/notice"
	"peervane/daemon/store"
	"peervane/probe/stats"
)

// detailed is how far back each batch is told. Beyond that there are hours.
const detailed = time.Hour

// maxPoints bounds one answer: a month of 250 ways.
const maxPoints = 200_000

// Latency tells what was measured of a POP, or, where it is "", of all: what is remembered, and for the time before that what
// is on disk.
func (d *Daemon) Latency(ctx context.Context, pop string, window time.Duration) ([]api.Latency, error) {
	now := time.Now()
	since := now.Add(-window)
	h := history{since: since, ways: map[store.Way]*wayHistory{}}
	var fresh map[store.Way][]*stats.Rollup
	if !d.call(ctx, func() {
		h.measured, fresh = d.engine.plane.History(pop, since), d.engine.rollups.fresh(pop)
	}) {
		return nil, context.Cause(ctx)
	}
	h.detailed(window <= detailed)
	for w, rollups := range fresh {
		for _, r := range rollups {
			h.take(store.Latency{Way: w, Rollup: *r}, nil)
		}
	}
	err := d.store.Latency(ctx, pop, since, func(l store.Latency) error { return h.take(l, fresh) })
	if err != nil && !errors.Is(err, store.ErrUnavailable) { // status says so; what is remembered is told all the same
		return nil, err
	}
	return h.answer(), nil
}

// history puts an answer together.
type history struct {
	since    time.Time
	measured []join.Measured // of the ways that are probed now
	ways     map[store.Way]*wayHistory
	points   int
}

// wayHistory is what is told of one way to a POP.
type wayHistory struct {
	total  stats.Rollup
	points []api.Point
	until  time.Time // roll-ups that reach beyond that are told by their batches; zero: none is
}

func (h *history) of(w store.Way) *wayHistory {
	if h.ways[w] == nil {
		h.ways[w] = &wayHistory{}
	}
	return h.ways[w]
}

func wayIn(f join.Flow) store.Way {
	return store.Way{POP: f.POP, Address: f.Addr, Method: f.Method, Source: f.Source}
}

// detailed takes the batches that are remembered, where none that the window asks for was forgotten.
func (h *history) detailed(wanted bool) {
	for _, m := range h.measured {
		if !wanted || !m.Whole || len(m.Samples) == 0 {
			continue
		}
		w := h.of(wayIn(m.Flow))
		w.until = m.Samples[0].Started
		for i := range m.Samples {
			w.total.Add(&m.Samples[i])
			s := &m.Samples[i]
			w.points = append(w.points, pointOf(s.Started, s.Ended, stats.Summarize(m.Samples[i:i+1])))
		}
	}
}

var errTooMuch = api.Refuse("too much to answer at once: ask for one POP, or a shorter window")

// take takes in a roll-up, unless a fresher form of it was, or its batches.
func (h *history) take(l store.Latency, fresh map[store.Way][]*stats.Rollup) error {
	known := func(r *stats.Rollup) bool { return r.Start.UnixMicro() == l.Start.UnixMicro() }
	w := h.of(l.Way)
	if !l.End.After(h.since) || slices.ContainsFunc(fresh[l.Way], known) || !w.until.IsZero() && l.End.After(w.until) {
		return nil
	}
	if h.points++; h.points > maxPoints {
		return errTooMuch
	}
	w.total.Merge(&l.Rollup)
	w.points = append(w.points, pointOf(l.Start, l.End, l.Summary()))
	return nil
}

// answer gives the ways that are probed now in the order of the daemon, and after them those that were.
func (h *history) answer() (out []api.Latency) {
	for _, m := range h.measured {
		w := h.ways[wayIn(m.Flow)]
		if w == nil {
			w = &wayHistory{}
		}
		out = append(out, w.tell(m.POP, probeOf(m.Report)))
		delete(h.ways, wayIn(m.Flow))
	}
	for _, k := range slices.SortedFunc(maps.Keys(h.ways), compareWays) {
		if len(h.ways[k].points) == 0 {
			continue
		}
		out = append(out, h.ways[k].tell(k.POP, probeOf(join.Report{Flow: join.Flow{
			POP: k.POP, Addr: k.Address, Method: k.Method, Source: k.Source,
		}})))
	}
	return out
}

func (w *wayHistory) tell(pop string, p api.Probe) api.Latency {
	slices.SortStableFunc(w.points, func(a, b api.Point) int { return a.At.Compare(b.At.Time) })
	p.Figures = figures(w.total.Summary())
	return api.Latency{POP: pop, Probe: p, Points: some(w.points)}
}

func compareWays(a, b store.Way) int {
	return cmp.Or(cmp.Compare(a.POP, b.POP), cmp.Compare(a.Method, b.Method), a.Address.Compare(b.Address), a.Source.Compare(b.Source))
}

func pointOf(from, to time.Time, s stats.Summary) api.Point {
	return api.Point{At: notice.At(from), Until: notice.At(to), Figures: figures(s)}
}
