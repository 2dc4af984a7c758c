package store

import (
	"time"

	"go.uber.org/zap"
)

// Retention says what the database keeps and how large it may grow. Open incidents, and what is not delivered, are kept
// whatever it says. Zero is no bound.
type Retention struct {
	Events  time.Duration // events, and incidents that are over
	Latency time.Duration
	Size    int64 // bytes on the disk, the log of the database included, the redo log not
}

// The writer tidies up in small steps, each a transaction of its own, so that what is promised waits for one step at most.
const (
	tidyEvery = 10 * time.Second
	tidyRest  = 50 * time.Millisecond // between two steps while there is more to do
	tidyRows  = 250                   // that one step deletes of a table
	tidyBytes = 1 << 20               // that one step gives back to the disk
)

// Retain says what is kept from now on.
func (s *Store) Retain(r Retention) {
	s.retention.Store(&r)
	signal(s.retain)
}

// tidy makes one step towards what the retention asks for, and says when to make the next.
func (s *Store) tidy() time.Duration {
	s.tendRedo()
	d, r := s.database(), s.retention.Load()
	if d == nil || r == nil || s.Trouble() != nil {
		return tidyEvery
	}
	more := false
	if err := s.patiently(func() (err error) { more, err = s.tidyStep(d, *r); return err }); err != nil {
		s.opts.Log.Warn("state database cannot be tidied up, trying again later", zap.Error(err))
		return 6 * tidyEvery
	}
	s.tend()
	if more {
		return tidyRest
	}
	return tidyEvery
}

func (s *Store) tidyStep(d *database, r Retention) (more bool, err error) {
	if err := d.inspect(); err != nil {
		return false, nil // for the next write to deal with
	}
	// Ages go by the monotonic clock: a clock that is set forward must not cost the history.
	now := s.began.Add(time.Since(s.began))
	if more, err = d.expire(r, now); more || err != nil || r.Size <= 0 {
		return more, err
	}
	more, full, err := d.shrink(r.Size)
	if full && !s.overfull {
		s.opts.Log.Warn("state database is larger than [retention] size allows, and all of it is needed: what is open, and what is not delivered",
			zap.Int64("size", r.Size))
	}
	s.overfull = full
	return more, err
}
