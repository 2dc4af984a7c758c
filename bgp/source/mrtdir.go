package source

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"go.uber.org/zap"

	"peervane/bgp/rib"
)

const (
	dirLook   = 5 * time.Second // between two looks at the folder; a file that did not change meanwhile is whole
	dirRest   = 20              // so many times as long as it took, all is not read again for what is newly watched, POPs' addresses among it
	dirSilent = 2 * time.Hour   // no new file for so long, and for three times as long as twice before, is a loss
)

// mrtDir is a folder in which MRT files appear. A file is read when it has not changed between two looks; one that grows afterwards,
// or, where it is not compressed, all the while, is read on from where that ended. So each record is taken once.
//
// A RIB dump is not news of its own time: it comes when updates that are younger have been read already. So it is read beside what
// is known, the updates since are played on top, and what then differs is told (see dirRebuild). That is also how a feed begins, and
// how it learns what is newly watched.
type mrtDir struct {
	*feed
	kick chan struct{}

	// Run's own:
	files    map[string]*dirFile
	again    bool             // read what there is anew
	wanted   bool             // likewise, when that was not done just now
	rebuilt  time.Time        // when it was done last,
	spent    time.Duration    // and how long that took
	arrivals []time.Time      // of files, since the last look
	newest   time.Time        // of them all
	gaps     [2]time.Duration // between two files, the longest; the first may have been a loss
	walkTime time.Duration
	crowded  bool // that was logged
	latest   map[*recordedVantage]dirMark
}

// dirMark is how far the records of a vantage have been read.
type dirMark struct {
	at    time.Time
	file  *dirFile
	reset time.Time // when its session was lost last, or came up
}

func newMRTDir(f *feed) *mrtDir {
	f.cfg.Look = cmp.Or(f.cfg.Look, dirLook)
	return &mrtDir{feed: f, kick: make(chan struct{}, 1), files: map[string]*dirFile{}, again: true, latest: map[*recordedVantage]dirMark{}}
}

// SetWatched implements Feed. What is newly watched is read out of the files that still lie there.
func (d *mrtDir) SetWatched(w *rib.Watched) {
	if !d.setWatched(w, time.Now()) {
		return
	}
	select {
	case d.kick <- struct{}{}:
	default:
	}
}

// Run implements Feed.
func (d *mrtDir) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.kick:
			d.wanted = true // at the next look: whether a file is whole shows only after some time
			continue
		case <-timer.C:
		}
		d.look(ctx, time.Now())
		timer.Reset(max(d.cfg.Look, 10*d.walkTime))
	}
}

// look reads what is new in the folder.
func (d *mrtDir) look(ctx context.Context, now time.Time) {
	if err := d.list(now); err != nil {
		d.down(fmt.Sprintf("the folder cannot be read: %v: mend it, or give another path", err), now)
		d.again = true
		return
	}
	d.intervals()
	if since, silent := d.silent(now); silent {
		d.down(fmt.Sprintf("no new file for %s: look at what writes them", now.Sub(since).Round(time.Minute)), now)
		d.again = true
		return
	}
	d.queue.hold()
	defer d.queue.release()
	if d.again || d.wanted && now.Sub(d.rebuilt) >= dirRest*d.spent {
		d.again, d.wanted = false, false
		d.rebuildAll(ctx)
		d.rebuilt, d.spent = now, time.Since(now)
	} else {
		d.readNew(ctx)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forgetLost(now)
	maps.DeleteFunc(d.latest, func(v *recordedVantage, _ dirMark) bool { return d.of(v.Vantage) != v })
	state := FeedUp
	if len(d.live.vantages.byKey) == 0 {
		state = FeedWaiting
	}
	if ctx.Err() == nil {
		d.is(state, now, "")
	}
}

// silent says whether so long no file has come that what is known is old.
func (d *mrtDir) silent(now time.Time) (since time.Time, silent bool) {
	return d.newest, !d.newest.IsZero() && now.Sub(d.newest) > max(dirSilent, 3*d.gaps[1])
}

// readNew reads what came since the last look: updates as they are, in the order of their times. A RIB dump, or updates of a time
// that is past already for their peers, have all of their collector read again.
func (d *mrtDir) readNew(ctx context.Context) {
	again := map[string]bool{}
	for _, f := range d.ready() {
		if !again[f.collector] && (f.dump || d.follow(ctx, f) == errLate) {
			again[f.collector] = true
		}
	}
	for _, collector := range d.collectors() {
		if again[collector] {
			d.rebuild(ctx, collector)
		}
	}
}

func (d *mrtDir) rebuildAll(ctx context.Context) {
	for _, collector := range d.collectors() {
		d.rebuild(ctx, collector)
	}
}

// follow reads on in a file of updates.
func (d *mrtDir) follow(ctx context.Context, f *dirFile) error {
	to := &dirLive{dir: d, recorder: d.recorderOf(f.collector), file: f, now: time.Now()}
	return d.finish(ctx, f, f.readTo(ctx, to))
}

// finish logs how the reading of a file ended, if not well. Its error is errLate, or nil.
func (d *mrtDir) finish(ctx context.Context, f *dirFile, err error) error {
	switch {
	case err == nil || err == errReplaced || ctx.Err() != nil:
		return nil // what replaced a file is looked at next time
	case !f.still && errors.Is(err, ErrTruncated):
		return nil // it grows
	case err == errLate:
		return errLate
	}
	d.mu.Lock()
	d.status.Bad++
	d.status.LastError, d.status.LastErrorAt = err.Error(), time.Now()
	d.mu.Unlock()
	if !f.told {
		f.told = true
		d.log.Warn("MRT file is not read to its end; if it grows, the rest is", zap.String("file", f.path), zap.Error(err))
	}
	return nil
}
