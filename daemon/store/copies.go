package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"peervane/daemon/notice"
)

// maxCopies bounds the unfinished deliveries of which memory has a copy. A database that is lost or corrupt takes no
// notice with it unless more than these were waiting.
const maxCopies = 10_000

// errRestoring is the trouble while a new database does not hold yet what the old one held.
var errRestoring = errors.New("the state database is being written anew")

// copy keeps a delivery while it is unfinished. The caller holds the lock.
func (s *Store) copy(d notice.Delivery) {
	_, had := s.copies[d.Seq]
	switch {
	case d.State != notice.Pending:
		delete(s.copies, d.Seq)
	case had || len(s.copies) < maxCopies:
		s.copies[d.Seq] = d
	}
}

// restore takes the deliveries that the last run left over, or, where another database is in use now, adds the copies to
// the transaction under way. Until that is on disk they are served from memory.
func (s *Store) restore(left []notice.Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range left {
		s.copy(d)
	}
	if !s.opened {
		return
	}
	if s.trouble == nil {
		s.trouble = errRestoring
	}
	for seq, d := range s.copies {
		if !slices.ContainsFunc(s.unsettled(), func(p *pending) bool { _, ok := p.outbox[seq]; return ok }) {
			s.writing[0].outbox[seq] = d
			s.writing[0].inRedo = false // these are in no log
		}
	}
}

// leftOver reads the unfinished deliveries of the last run, the oldest of many.
func leftOver(ctx context.Context, db *sql.DB) ([]notice.Delivery, error) {
	return queryDB(ctx, db, scanDelivery, outboxColumns+"WHERE dead = 0 ORDER BY seq LIMIT ?", maxCopies)
}
