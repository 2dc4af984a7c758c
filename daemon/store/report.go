package store

import (
	"sync"
	"time"

	"go.uber.org/zap"
)

// reportEvery limits how often one lasting trouble is logged.
const reportEvery = time.Minute

// report logs trouble when it begins, seldom while it lasts, and when it ends.
type report struct {
	mu    sync.Mutex
	log   *zap.Logger
	since time.Time // zero while all is well
	last  time.Time
}

func (r *report) ill(why error, waiting int, dropped Dropped) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if r.since.IsZero() {
		r.since = now
	} else if now.Sub(r.last) < reportEvery {
		return
	}
	r.last = now
	r.log.Error("state cannot be written, going on from memory: free the disk or mend the state folder",
		zap.Error(why), zap.Int("outbox_in_memory", waiting), zap.Int("outbox_dropped", dropped.Outbox),
		zap.Int("incidents_dropped", dropped.Incidents), zap.Int("events_dropped", dropped.Events))
}

func (r *report) well(dropped Dropped) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.since.IsZero() {
		return
	}
	r.log.Info("state is written again", zap.Duration("after", time.Since(r.since).Round(time.Millisecond)), zap.Int("outbox_dropped", dropped.Outbox),
		zap.Int("incidents_dropped", dropped.Incidents), zap.Int("events_dropped", dropped.Events))
	r.since = time.Time{}
}
