package source

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
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
	gone   map[*recordedVantage]map[dirRoute]time.Time // what the engine was told of, and was withdrawn here last
	file   *dirFile
	lacks  [bgp.NumFamilies]bool // routes that were not watched when it began
}

// dirRoute is a route as a withdrawal names it.
type dirRoute struct {
	prefix netip.Prefix
	pathID uint32
}

func (d *mrtDir) newRebuild(collector string) *dirRebuild {
	d.mu.Lock()
	defer d.mu.Unlock()
	b := &dirRebuild{
		dir: d, opts: RecordingOptions{Watched: d.opts.Watched},
		listed: map[*recordedVantage]*[bgp.NumFamilies]bool{}, latest: map[*recordedVantage]dirMark{},
		gone: map[*recordedVantage]map[dirRoute]time.Time{},
	}
	b.recorder = recorder{collector: collector, replay: &replay{
		ctx: context.Background(), sink: SinkFunc(b.put), opts: &b.opts, stats: &b.stats, vantages: recordedVantages{feed: d.cfg.Name}, gone: b.withdrawn,
	}}
	return b
}

// put notes what is told of whose table was whole. The routes themselves are in the tables.
func (b *dirRebuild) put(in bgp.Input) error {
	v := b.replay.vantages.byVantage[in.Of()]
	switch in := in.(type) {
	case bgp.SessionUp, bgp.SessionDown:
		b.lost(v)
	case bgp.EndOfRIB:
		b.listed[v][in.Family] = true
	}
	return nil
}

// lost begins anew what is known of a vantage.
func (b *dirRebuild) lost(v *recordedVantage) {
	if b.listed[v] == nil {
		b.seen = append(b.seen, v)
	}
	b.listed[v] = &[bgp.NumFamilies]bool{}
}

// withdrawn notes a withdrawal of what the engine was told of. What was announced before the files begin is in no table here, so
// that nothing else would show that it went.
func (b *dirRebuild) withdrawn(v *recordedVantage, p netip.Prefix, pathID uint32, at time.Time) {
	b.dir.mu.Lock()
	defer b.dir.mu.Unlock()
	live := b.dir.live.vantages.byKey[vantageKey{b.collector, v.Addr, v.ASN}]
	if live == nil || !holds(live, dirRoute{p, pathID}) {
		return
	}
	if b.gone[v] == nil {
		b.gone[v] = map[dirRoute]time.Time{}
	}
	b.gone[v][dirRoute{p, pathID}] = at
}

// rebuild reads what a collector's files say now, and tells what differs from what was told.
func (d *mrtDir) rebuild(ctx context.Context, collector string) {
	if b := d.readAll(ctx, collector); ctx.Err() == nil {
		d.settle(b, time.Now())
	}
}

func (d *mrtDir) readAll(ctx context.Context, collector string) *dirRebuild {
	b := d.newRebuild(collector)
	for _, dump := range d.dumps(collector) {
		b.from, b.begun, b.file = dump.first, dump.first, dump
		dump.taken = 0
		err := dump.readTo(ctx, b)
		if ctx.Err() != nil {
			return b
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
	return b
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
	if !b.dir.count(m.at) || !b.keeps(m.peer) {
		return nil
	}
	b.mark(m.peer, m.at)
	return b.recorder.message(m)
}

func (b *dirRebuild) state(s *mrtState) error {
	if s.at.Before(b.from) {
		return nil
	}
	if !b.dir.count(s.at) || !b.keeps(s.peer) {
		return nil
	}
	v := b.mark(s.peer, s.at)
	if s.resets() {
		mark := b.latest[v]
		mark.reset = s.at
		b.latest[v] = mark
		b.lost(v) // also one of which nothing else is read
	}
	return b.recorder.state(s)
}

// keeps says whether a peer is known, or may become so: files may name any number of them.
func (b *dirRebuild) keeps(peer mrtPeer) bool {
	known := b.replay.vantages.byKey
	return len(known) < maxFeedVantages || known[vantageKey{b.collector, peer.addr, peer.asn}] != nil
}

func (b *dirRebuild) mark(peer mrtPeer, at time.Time) *recordedVantage {
	v := b.replay.vantages.get(b.collector, peer)
	if mark := b.latest[v]; !at.Before(mark.at) {
		b.latest[v] = dirMark{at, b.file, mark.reset}
	}
	return v
}

// route takes an entry of the dump. Of what nobody watches it matters only that the peer is in the dump.
func (b *dirRebuild) route(e *mrtRoute) error {
	b.at = e.at
	if !b.dir.count(e.at) || !b.keeps(e.peer) {
		return nil
	}
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

// count counts a record that was read, and says whether it is young enough.
func (d *mrtDir) count(at time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.read(time.Now())
	return d.takes(at)
}
