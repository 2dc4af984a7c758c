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
	dirLook = 5 * time.Second // between two looks at the folder; a file that did not change meanwhile is whole
	dirRest = 20              // so many times as long as it took, all is not read again for what is newly watched, POPs' addresses among it
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
	again    bool          // read what there is anew
	wanted   bool          // likewise, when that was not done just now
	rebuilt  time.Time     // when it was done last,
	spent    time.Duration // and how long that took
	now      time.Time     // of the look
	newest   time.Time     // of all records that were taken
	silent   bool          // so long ago that what is known is old
	most     int           // files that are kept in mind
	walkTime time.Duration
	crowded  bool // that was logged
	aside    bool // so was that a dump is not read
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
	return &mrtDir{feed: f, kick: make(chan struct{}, 1), files: map[string]*dirFile{}, again: true, most: maxDirFile, latest: map[*recordedVantage]dirMark{}}
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
		began := time.Now()
		d.look(ctx, began)
		timer.Reset(max(d.cfg.Look, 10*d.walkTime, time.Since(began))) // at most half of the time is spent on it
	}
}

// look reads what is new in the folder.
func (d *mrtDir) look(ctx context.Context, now time.Time) {
	d.now = now
	d.mu.Lock()
	d.forgetLost(now)
	d.mu.Unlock()
	if err := d.list(now); err != nil {
		d.down(fmt.Sprintf("the folder cannot be read: %v: mend it, or give another path", err), now)
		d.again = true
		return
	}
	if d.silent && len(d.ready()) == 0 {
		return
	}
	d.queue.hold()
	defer d.queue.release()
	if d.again || d.wanted && now.Sub(d.rebuilt) >= dirRest*d.spent {
		began := time.Now()
		d.again, d.wanted = false, false
		d.rebuildAll(ctx)
		d.rebuilt, d.spent = now, time.Since(began)
	} else {
		d.readNew(ctx)
	}
	if d.silent = d.isSilent(now); d.silent {
		d.down(fmt.Sprintf("the newest record is %s old: look at what writes the files", now.Sub(d.newest).Round(time.Minute)), now)
		d.again = true
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	maps.DeleteFunc(d.latest, func(v *recordedVantage, _ dirMark) bool { return d.of(v.Vantage) != v })
	state := FeedUp
	if len(d.live.vantages.byKey) == 0 {
		state = FeedWaiting
	}
	if ctx.Err() == nil {
		d.is(state, now, "")
	}
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

// rebuildAll reads all, and tells it only when it is known not to be old.
func (d *mrtDir) rebuildAll(ctx context.Context) {
	var read []*dirRebuild
	for _, collector := range d.collectors() {
		read = append(read, d.readAll(ctx, collector))
	}
	if ctx.Err() != nil || d.isSilent(d.now) {
		return
	}
	for _, b := range read {
		d.settle(b, time.Now())
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
	case err == nil || ctx.Err() != nil:
		return nil
	case err == errReplaced:
		d.replaced(f) // and look at it next time
		return nil
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
