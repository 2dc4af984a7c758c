package source

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"peervane/bgp"
	"peervane/bgp/rib"
)

const (
	maxFeedVantages = 5000           // of one feed; all peers of RIPE RIS together are some 1,500
	forgetVantage   = 24 * time.Hour // so long is one remembered that is lost
	forgetEach      = time.Minute    // so often is looked for those
	oldestRecord    = 24 * time.Hour // what claims to be older was read to be so old
)

// feed is what all kinds of feeds have in common: the routes that their vantages hold of what is watched, and the queue of what
// the engine has not taken yet. Everything is judged as of recordings; the kinds differ in how records come.
//
// One goroutine reads records; the lock is taken for each of them, and else only by a reload and by who looks at the status.
type feed struct {
	cfg     FeedConfig
	log     *zap.Logger
	queue   *feedQueue
	logRate *rate.Limiter // of bad records

	mu       sync.Mutex
	live     replay // what the engine was told, and may not have taken yet
	opts     RecordingOptions
	stats    Stats
	lost     map[*recordedVantage]time.Time // which are down, since when
	whole    map[*recordedVantage]*[bgp.NumFamilies]bool
	status   FeedStatus
	unlogged int
	refused  int // vantages beyond maxFeedVantages
	tidied   time.Time
	showed   time.Time

	shown atomic.Pointer[FeedStatus] // as it was a moment ago
}

func newFeed(cfg FeedConfig, wake chan struct{}, log *zap.Logger) *feed {
	f := &feed{
		cfg: cfg, log: log.With(zap.String("feed", cfg.Name), zap.String("kind", cfg.Kind)), queue: newFeedQueue(wake),
		logRate: rate.NewLimiter(rate.Every(10*time.Second), 5),
		lost:    map[*recordedVantage]time.Time{}, whole: map[*recordedVantage]*[bgp.NumFamilies]bool{},
		opts:   RecordingOptions{Watched: cfg.Watched},
		status: FeedStatus{State: FeedStarting, Since: time.Now()},
	}
	f.live = replay{ctx: context.Background(), sink: SinkFunc(f.put), opts: &f.opts, stats: &f.stats, vantages: recordedVantages{feed: cfg.Name}}
	first := f.status
	f.shown.Store(&first)
	return f
}

// put passes on what the records say, and notes who is lost and whose table was whole. The lock is held.
func (f *feed) put(in bgp.Input) error {
	switch in := in.(type) {
	case bgp.SessionUp:
		delete(f.lost, f.of(in.Vantage))
		delete(f.whole, f.of(in.Vantage))
	case bgp.SessionDown:
		f.lost[f.of(in.Vantage)] = in.At
		delete(f.whole, f.of(in.Vantage))
	case bgp.EndOfRIB:
		v := f.of(in.Vantage)
		if f.whole[v] == nil {
			f.whole[v] = &[bgp.NumFamilies]bool{}
		}
		f.whole[v][in.Family] = true
	}
	return f.queue.Put(in)
}

// of finds a vantage by what the engine knows of it.
func (f *feed) of(v *bgp.Vantage) *recordedVantage { return f.live.vantages.byVantage[v] }

// admits says whether a peer is known, or may become so.
func (f *feed) admits(collector string, peer mrtPeer) bool {
	vs := &f.live.vantages
	if vs.byKey[vantageKey{collector, peer.addr, peer.asn}] != nil || len(vs.byKey) < maxFeedVantages {
		return true
	}
	if f.refused++; f.refused == 1 {
		f.log.Error("the feed has more peers than are kept: the rest is left out", zap.Int("kept", maxFeedVantages))
	}
	return false
}

// clock gives the time of a record as the engine may take it: what comes from the future comes now, and what claims to be old
// beyond reason is as old as may be.
func (f *feed) clock(at, now time.Time) time.Time {
	switch {
	case at.After(now):
		return now
	case now.Sub(at) > oldestRecord:
		return now.Add(-oldestRecord)
	}
	return at
}

// SetWatched implements Feed.
func (f *feed) SetWatched(w *rib.Watched) { f.setWatched(w, time.Now()) }

// setWatched says whether there is anything newly watched. Whose tables were whole is told again where there is not: they are so
// under the new configuration too.
func (f *feed) setWatched(w *rib.Watched, at time.Time) (gained bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delta := w.Since(f.opts.Watched)
	f.opts.Watched = w
	for _, v := range f.vantages() {
		for _, family := range bgp.Families {
			if delta.Less[family] {
				v.table.Remove(family, func(r rib.Route) bool { return delta.MayLose(r.Prefix) && !f.concerns(r) })
			}
			if delta.More[family] {
				v.first[family].part = true
			}
			whole := f.whole[v]
			switch {
			case whole == nil || !whole[family]:
			case delta.More[family]:
				whole[family] = false
			default:
				_ = f.queue.Put(bgp.EndOfRIB{Vantage: v.Vantage, Family: family, At: at})
			}
		}
	}
	if gained = delta.More != [bgp.NumFamilies]bool{}; gained {
		f.queue.gain(at)
	}
	return gained
}

// concerns says whether the engine is told of a route.
func (f *feed) concerns(r rib.Route) bool {
	w := f.opts.Watched
	return w.Match(r.Prefix) || w.ByPath() && w.MatchPath(decoded(&f.live.vantages.interner, r.ID).Path)
}

// vantages lists all that are known, by name: the same order every time.
func (f *feed) vantages() []*recordedVantage {
	out := make([]*recordedVantage, 0, len(f.live.vantages.byKey))
	for _, v := range f.live.vantages.byKey {
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b *recordedVantage) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// lose makes what some vantages hold unknown. The lock is held.
func (f *feed) lose(reason string, at time.Time, which func(*recordedVantage) bool) {
	for _, v := range f.vantages() {
		if !v.up || which != nil && !which(v) {
			continue
		}
		v.clear()
		v.up = false
		_ = f.put(bgp.SessionDown{Vantage: v.Vantage, At: at, Reason: reason}) // always nil
	}
}

// forgetLost forgets those that have been down for long. The lock is held.
func (f *feed) forgetLost(now time.Time) {
	for v, since := range f.lost {
		if now.Sub(since) > forgetVantage {
			f.forget(v, now)
		}
	}
}

// tidy is forgetLost, now and then. The lock is held.
func (f *feed) tidy(now time.Time) {
	if now.Sub(f.tidied) >= forgetEach {
		f.tidied = now
		f.forgetLost(now)
	}
}

func (f *feed) forget(v *recordedVantage, now time.Time) {
	v.clear()
	delete(f.lost, v)
	delete(f.whole, v)
	f.live.vantages.drop(v)
	_ = f.queue.Put(bgp.Gone{Vantage: v.Vantage, At: now}) // always nil
}

// Gone implements Feed.
func (f *feed) Gone(at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, v := range f.vantages() {
		f.forget(v, at)
	}
}

// Take implements Feed.
func (f *feed) Take(buf []bgp.Input, most int) ([]bgp.Input, bool) { return f.queue.take(buf, most) }

// Status implements Feed. The engine asks, and waits for nothing: while the feed is at work it is shown as it was a moment ago.
func (f *feed) Status() FeedStatus {
	if f.mu.TryLock() {
		defer f.mu.Unlock()
		return f.show(time.Now())
	}
	return *f.shown.Load()
}

// show makes the status that is seen while the lock is held. It is held now.
func (f *feed) show(at time.Time) FeedStatus {
	s := f.status
	s.Vantages = len(f.live.vantages.byKey)
	for _, v := range f.live.vantages.byKey {
		if v.up {
			s.Up++
		}
		for _, family := range bgp.Families {
			s.Routes += v.table.Len(family)
		}
	}
	f.showed = at
	f.shown.Store(&s)
	return s
}

// is sets the state, and logs where that is news. The lock is held.
func (f *feed) is(state FeedState, at time.Time, why string) {
	was := f.status.State
	if why != "" {
		f.status.LastError, f.status.LastErrorAt = why, at
	}
	if state == was {
		return
	}
	f.status.State, f.status.Since = state, at
	defer f.show(at)
	if state == FeedDown {
		f.log.Warn("feed is down: what its vantages hold is not known", zap.String("reason", why))
		return
	}
	f.log.Info("feed", zap.String("state", string(state)))
}

// down says that the feed as a whole is lost, and with it its vantages. The lock is not held.
func (f *feed) down(why string, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.is(FeedDown, at, why)
	f.forgetLost(at)
	f.lose("feed "+f.cfg.Name+" is down: "+why, at, nil)
}

// bad counts a record that cannot be read, and logs it at a limited rate. The lock is held.
func (f *feed) bad(err error, at time.Time) {
	f.status.Bad++
	if !f.logRate.AllowN(at, 1) {
		f.unlogged++
		return
	}
	f.log.Warn("bad record of a feed, left out", zap.Error(err), zap.Int("not_logged_before", f.unlogged))
	f.unlogged = 0
}

// read counts a record. The lock is held.
func (f *feed) read(at time.Time) {
	f.status.Records++
	f.status.LastRead = at
	if at.Sub(f.showed) >= time.Second {
		f.show(at)
	}
	if len(f.stats.Ignored) > 64 { // whoever sends may make up kinds of records without end
		clear(f.stats.Ignored)
	}
}

// recorderOf makes what turns records of a collector into Inputs.
func (f *feed) recorderOf(collector string) recorder {
	return recorder{replay: &f.live, collector: collector}
}
