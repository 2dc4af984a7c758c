package daemon

import (
	"context"
	"reflect"
	"sync"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/bgp/rib"
	"peervane/bgp/source"
	"peervane/config"
	"peervane/daemon/api"
	"peervane/daemon/notice"
)

// feeds is the set of the outside sources: it starts and ends them as the configuration asks, and gathers what they tell. The
// engine's goroutine calls set and take.
type feeds struct {
	log     *zap.Logger
	look    time.Duration // see source.FeedConfig
	wake    chan struct{}
	running sync.WaitGroup

	mu      sync.Mutex
	ctx     context.Context // of the feeds; nil before run and after it
	watched *rib.Watched
	all     []*feed // in the order of the configuration
	parting []*feed // taken out of it, until they have ended and were read empty
}

// feed is one of them and the configuration that it was made for.
type feed struct {
	source.Feed
	config config.Feed
	cancel context.CancelFunc // nil while it does not run
	ended  chan struct{}
	gone   bool // taken out of the configuration
}

func newFeeds(log *zap.Logger, wake chan struct{}) *feeds {
	return &feeds{log: log.Named("feed"), wake: wake}
}

// run keeps the feeds until ctx ends, and waits for them.
func (fs *feeds) run(ctx context.Context) error {
	fs.mu.Lock()
	fs.ctx = ctx
	fs.startAll()
	fs.mu.Unlock()
	<-ctx.Done()
	fs.mu.Lock()
	fs.ctx = nil
	fs.mu.Unlock()
	fs.running.Wait()
	return nil
}

// set applies a configuration: a feed that did not change is left untouched, but for the set of watched routes.
func (fs *feeds) set(cfg *config.Config, w *rib.Watched) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.watched = w
	have := map[string]*feed{}
	for _, f := range fs.all {
		have[f.config.Name] = f
	}
	fs.all = nil
	for _, c := range cfg.Feeds {
		f := have[c.Name]
		if f == nil || !reflect.DeepEqual(f.config, c) {
			f = fs.make(c)
		} else {
			delete(have, c.Name)
			f.SetWatched(w)
		}
		if f != nil {
			fs.all = append(fs.all, f)
		}
	}
	for _, f := range have {
		fs.remove(f)
	}
	fs.startAll()
}

// make makes a feed that does not run yet; nil where its kind is not in effect yet.
func (fs *feeds) make(c config.Feed) *feed {
	made, err := source.NewFeed(source.FeedConfig{
		Name: c.Name, Kind: c.Kind, Path: c.Path, URL: c.URL, Listen: c.Listen, Allow: c.Allow,
		Watched: fs.watched, Look: fs.look,
	}, fs.wake, fs.log)
	if err != nil {
		return nil // the configuration has said so
	}
	return &feed{Feed: made, config: c}
}

// startAll starts those that do not run. One of the name of another that has not been read empty waits for that: what is told of
// its vantages must not come before the end of the old ones.
func (fs *feeds) startAll() {
	parting := map[string]bool{}
	for _, f := range fs.parting {
		parting[f.config.Name] = true
	}
	for _, f := range fs.all {
		if fs.ctx != nil && f.cancel == nil && !parting[f.config.Name] {
			fs.start(f)
		}
	}
}

func (fs *feeds) start(f *feed) {
	ctx, cancel := context.WithCancel(fs.ctx)
	f.cancel, f.ended = cancel, make(chan struct{})
	fs.running.Go(func() {
		defer cancel()
		_ = f.Run(ctx) // always nil
		fs.mu.Lock()
		gone := f.gone
		fs.mu.Unlock()
		if gone {
			f.Gone(time.Now())
		}
		close(f.ended)
		signal(fs.wake)
	})
}

// remove ends a feed, and does not wait for that.
func (fs *feeds) remove(f *feed) {
	f.gone = true
	if f.cancel == nil {
		return // it never ran
	}
	fs.parting = append(fs.parting, f)
	f.cancel()
}

// watch replaces the set of watched routes.
func (fs *feeds) watch(w *rib.Watched) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.watched = w
	for _, f := range fs.all {
		f.SetWatched(w)
	}
}

// take gives a mouthful of what each feed has to tell, and says whether there may be more.
func (fs *feeds) take(buf []bgp.Input) (_ []bgp.Input, more bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	var left bool
	kept := fs.parting[:0]
	for _, f := range fs.parting {
		ended := false
		select {
		case <-f.ended:
			ended = true
		default:
		}
		if buf, left = f.Take(buf, mouthful); left || !ended {
			kept = append(kept, f)
		}
		more = more || left
	}
	if clear(fs.parting[len(kept):]); len(kept) < len(fs.parting) {
		fs.parting = kept
		fs.startAll()
	}
	for _, f := range fs.all {
		buf, left = f.Take(buf, mouthful)
		more = more || left
	}
	return buf, more
}

// picture shows every feed.
func (fs *feeds) picture() []api.Feed {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	out := []api.Feed{}
	for _, f := range fs.all {
		s := f.Status()
		out = append(out, api.Feed{
			Name: f.config.Name, Kind: f.config.Kind, State: string(s.State), Since: notice.At(s.Since),
			LastError: s.LastError, LastErrorAt: notice.At(s.LastErrorAt), LastRead: notice.At(s.LastRead),
			Vantages: s.Vantages, VantagesUp: s.Up, Routes: s.Routes, Records: s.Records, Bad: s.Bad,
		})
	}
	return out
}
