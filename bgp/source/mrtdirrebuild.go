package source

import (
	"context"
	"slices"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/bgp/rib"
)

// dirRebuild is what a collector's peers hold, read anew beside what was told: from a RIB dump on, with the updates since.
type dirRebuild struct {
	recorder
	dir    *mrtDir
	from   time.Time // records before it are in the dump already
	begun  time.Time // when the first file that was read begins
	stats  Stats
	opts   RecordingOptions
	seen   []*recordedVantage
	listed map[*recordedVantage]*[bgp.NumFamilies]bool // by the dump, and not lost since
	latest map[*recordedVantage]dirMark
	file   *dirFile
	lacks  [bgp.NumFamilies]bool // routes that were not watched when it began
}

func (d *mrtDir) newRebuild(collector string) *dirRebuild {
	d.mu.Lock()
	defer d.mu.Unlock()
	b := &dirRebuild{
		dir: d, opts: RecordingOptions{Watched: d.opts.Watched},
		listed: map[*recordedVantage]*[bgp.NumFamilies]bool{}, latest: map[*recordedVantage]dirMark{},
	}
	b.recorder = recorder{collector: collector, replay: &replay{
		ctx: context.Background(), sink: SinkFunc(b.put), opts: &b.opts, stats: &b.stats, vantages: recordedVantages{feed: d.cfg.Name},
	}}
	return b
}

// put notes what is told of whose table was whole. The routes themselves are in the tables.
func (b *dirRebuild) put(in bgp.Input) error {
	v := b.replay.vantages.byVantage[in.Of()]
	switch in := in.(type) {
	case bgp.SessionUp:
		if !slices.Contains(b.seen, v) {
			b.seen = append(b.seen, v)
		}
		b.listed[v] = &[bgp.NumFamilies]bool{}
	case bgp.SessionDown:
		b.listed[v] = &[bgp.NumFamilies]bool{}
	case bgp.EndOfRIB:
		b.listed[v][in.Family] = true
	}
	return nil
}

// rebuild reads what a collector's files say now, and tells what differs from what was told.
func (d *mrtDir) rebuild(ctx context.Context, collector string) {
	b := d.newRebuild(collector)
	for _, dump := range d.dumps(collector) {
		b.from, b.begun, b.file = dump.first, dump.first, dump
		dump.taken = 0
		err := dump.readTo(ctx, b)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			d.log.Info("RIB dump read", zap.String("file", dump.path), zap.Int("peers", len(b.seen)))
			break
		}
		_ = d.finish(ctx, dump, err)
		b = d.newRebuild(collector) // an older one, or none
	}
	for _, f := range d.updates(collector, b.from) {
		if f.taken, b.file = 0, f; b.begun.IsZero() {
			b.begun = f.first
		}
		_ = d.finish(ctx, f, f.readTo(ctx, b))
	}
	if ctx.Err() == nil {
		d.settle(b, time.Now())
	}
}

// dumps gives the RIB dumps of a collector, the youngest first. None is read whole a second time but for that.
func (d *mrtDir) dumps(collector string) (out []*dirFile) {
	for _, f := range d.files {
		if f.collector == collector && d.usable(f) && f.dump {
			f.at = f.stamp()
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(f, g *dirFile) int { return g.compare(f) })
	return out
}

// updates gives the files of updates that a dump of that time does not cover, or, where there is none, those of the last time.
func (d *mrtDir) updates(collector string, from time.Time) (out []*dirFile) {
	for _, f := range d.files {
		if f.collector == collector && d.usable(f) && !f.dump {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, (*dirFile).compare)
	if n := len(out); n > 0 && from.IsZero() {
		from = out[n-1].first.Add(-dirUpdates)
	}
	begin := 0
	for i, f := range out {
		if f.first.Before(from) {
			begin = i // the last that begins before it may reach beyond it
		}
	}
	for _, f := range out[:begin] {
		f.at = f.stamp()
	}
	return out[begin:]
}

func (b *dirRebuild) message(m *mrtMessage) error {
	if m.at.Before(b.from) {
		return nil
	}
	b.dir.count()
	if len(b.replay.vantages.byKey) >= maxFeedVantages && b.replay.vantages.byKey[vantageKey{b.collector, m.peer.addr, m.peer.asn}] == nil {
		return nil
	}
	b.mark(m.peer, m.at)
	return b.recorder.message(m)
}

func (b *dirRebuild) state(s *mrtState) error {
	if s.at.Before(b.from) {
		return nil
	}
	b.dir.count()
	b.mark(s.peer, s.at)
	return b.recorder.state(s)
}

func (b *dirRebuild) mark(peer mrtPeer, at time.Time) {
	v := b.replay.vantages.get(b.collector, peer)
	if mark := b.latest[v]; !at.Before(mark.at) {
		b.latest[v] = dirMark{at, b.file}
	}
}

// route takes an entry of the dump. Of what nobody watches it matters only that the peer is in the dump.
func (b *dirRebuild) route(e *mrtRoute) error {
	b.at = e.at
	b.dir.count()
	if b.watches(e.prefix) || b.opts.Watched.ByPath() {
		return b.recorder.route(e)
	}
	b.dumping = true
	v, err := b.vantage(e.peer, e.at)
	if err == nil {
		b.enterDump(v, bgp.FamilyOf(e.prefix))
	}
	return err
}

func (b *dirRebuild) ignored(string) {}

func (b *dirRebuild) wrong(err *Error) {
	b.dir.mu.Lock()
	defer b.dir.mu.Unlock()
	b.dir.bad(err, time.Now())
}

func (b *dirRebuild) end() error { return b.endDump() }

// count counts a record that was read.
func (d *mrtDir) count() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.read(time.Now())
}

// settle tells what a rebuild shows otherwise than was told. What was newly watched meanwhile is in no table of it, and has it done
// again.
func (d *mrtDir) settle(b *dirRebuild, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delta := d.opts.Watched.Since(b.opts.Watched)
	if b.lacks = delta.More; b.lacks != [bgp.NumFamilies]bool{} {
		d.wanted = true
	}
	for _, s := range b.seen {
		if d.admits(b.collector, mrtPeer{s.Addr, s.ASN}) {
			d.settleVantage(b, s, now)
		}
	}
}

func (d *mrtDir) settleVantage(b *dirRebuild, s *recordedVantage, now time.Time) {
	r := d.recorderOf(b.collector)
	peer := mrtPeer{s.Addr, s.ASN}
	v := d.live.vantages.get(b.collector, peer)
	if mark, ok := b.latest[s]; ok && mark.at.After(d.latest[v].at) {
		d.latest[v] = mark
	}
	if !s.up {
		_ = r.session(peer, false, true, "lost, by the collector's updates", now) // always nil
		return
	}
	up := d.clock(b.begun, now)
	if lost, was := d.lost[v]; was && up.Before(lost) {
		up = lost // it is back since then at the earliest
	}
	_, _ = r.vantage(peer, up) // always nil
	for _, f := range bgp.Families {
		d.settleFamily(b, s, v, f, now)
	}
}

func (d *mrtDir) settleFamily(b *dirRebuild, s, v *recordedVantage, f bgp.Family, now time.Time) {
	whole := b.listed[s][f]
	if whole {
		v.table.MarkStale(f)
	}
	for route := range s.table.Walk(f) {
		d.settleRoute(b, v, route, now)
	}
	if !whole {
		return
	}
	v.first[f].end()
	v.table.Sweep(f, func(old rib.Route) {
		_ = d.put(bgp.Change{
			Vantage: v.Vantage, Prefix: old.Prefix, PathID: old.PathID, At: now, First: now, Cause: bgp.Swept, Withdrawn: 1,
		})
	})
	if !b.lacks[f] {
		_ = d.put(bgp.EndOfRIB{Vantage: v.Vantage, Family: f, At: now})
	}
}

func (d *mrtDir) settleRoute(b *dirRebuild, v *recordedVantage, route rib.Route, now time.Time) {
	if w := d.opts.Watched; !w.Match(route.Prefix) && !w.MatchPath(decoded(&b.replay.vantages.interner, route.ID).Path) {
		return // not any more
	}
	in := &d.live.vantages.interner
	id, isNew := in.Intern(b.replay.vantages.interner.Key(route.ID))
	defer in.Release(id)
	if isNew {
		in.SetAttrs(id, decoded(&b.replay.vantages.interner, route.ID))
	}
	for have := range v.table.Exact(route.Prefix) {
		if have.PathID == route.PathID && have.ID == id {
			v.table.Announce(route.Prefix, route.PathID, id, now) // no news, but not stale
			in.Release(id)                                        // the reference that the old one had
			return
		}
	}
	_ = d.live.announce(v, route.Prefix, route.PathID, id, d.clock(route.Since, now), bgp.Initial)
}
