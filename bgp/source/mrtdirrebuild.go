package source

import (
	"context"
	"net/netip"
	"time"

	"peervane/bgp"
)

// dirRebuild is what a collector's peers hold, read anew beside what was told: from RIB dumps, with the updates around them.
type dirRebuild struct {
	recorder
	dir    *mrtDir
	from   time.Time              // records before it were read already, or are in the dump,
	until  time.Time              // and those from here on are read after the next; zero where there is none
	last   map[*dirFile]time.Time // of their records
	begun  time.Time              // when the first file that was read begins
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
		gone: map[*recordedVantage]map[dirRoute]time.Time{}, last: map[*dirFile]time.Time{},
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

// due says whether a record is of the time that is being read.
func (b *dirRebuild) due(at time.Time) bool {
	if at.After(b.last[b.file]) {
		b.last[b.file] = at
	}
	return !at.Before(b.from) && (b.until.IsZero() || at.Before(b.until))
}

func (b *dirRebuild) message(m *mrtMessage) error {
	if !b.due(m.at) {
		return nil
	}
	if !b.dir.count(m.at) || !b.keeps(m.peer) {
		return nil
	}
	b.mark(m.peer, m.at)
	return b.recorder.message(m)
}

func (b *dirRebuild) state(s *mrtState) error {
	if !b.due(s.at) {
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
