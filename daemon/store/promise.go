package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"go.uber.org/zap"
)

// writePause is how long what is promised may wait for company on its way from the redo log to the database.
const writePause = 200 * time.Millisecond

// promises takes what somebody waits for to the redo log, until ctx ends. The writer takes it from there to the database.
func (s *Store) promises(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.promised:
		}
		if trouble := s.Trouble(); trouble != nil {
			s.fail(trouble) // nobody waits for the next attempt
		} else if !s.promise() {
			signal(s.direct)
		}
	}
}

// promise takes the next transaction to the redo log, and says whether that could be done; else it is for the writer.
func (s *Store) promise() bool {
	s.stage.Lock()
	defer s.stage.Unlock()
	s.mu.Lock()
	p, log := s.next[0], s.redo
	if log == nil || p.direct || s.trouble != nil {
		s.mu.Unlock()
		return false
	}
	if !s.waitedFor() || s.overtakes() { // another signal came for what is done, or settle gives another
		s.mu.Unlock()
		return true
	}
	s.promising = s.pop()
	s.mu.Unlock()
	err := s.patiently(func() error { return s.record(log, p) })
	s.mu.Lock()
	s.promising = nil
	if err != nil {
		p.direct = true
		s.next = append([]*pending{p}, s.next...)
		s.mu.Unlock()
		if !errors.Is(err, errNoRoom) {
			s.giveUp(log, err)
		}
		return false
	}
	p.inRedo = true
	s.redone = append(s.redone, p)
	done := p.done
	p.done = nil
	more, rest := s.waitedFor(), !s.next[0].empty()
	s.mu.Unlock()
	s.done(done, more, rest)
	if log.narrow() {
		signal(s.hurry)
	} else {
		signal(s.apply)
	}
	return true
}

// overtakes says whether the writer is writing incidents, or what somebody waits for: then what comes later is not promised before it.
// The caller holds the lock.
func (s *Store) overtakes() bool {
	return slices.ContainsFunc(s.writing, func(p *pending) bool { return (p.promised || len(p.incidents) > 0) && !p.inRedo })
}

// record takes p to disk as the next record of the log.
func (s *Store) record(log *redo, p *pending) error {
	if p.rows() > 2*transactionRows {
		return errNoRoom // and so many are not to be kept encoded
	}
	p.encode()
	b := append(s.recordSpace[:0], make([]byte, headSize)...)
	err := p.eachRow(func(st statement, row []value) error {
		if len(b) > mostSlots*slotSize {
			return errNoRoom
		}
		b = appendRow(b, st, row)
		return nil
	})
	if err != nil {
		return err
	}
	p.lsn = s.lsn + 1
	b = seal(b, log.id, p.lsn)
	if s.recordSpace = b; len(b) > 64*slotSize {
		s.recordSpace = nil
	}
	if err = log.append(p.lsn, b); errors.Is(err, errNoRoom) {
		p.lsn = 0
		return err
	}
	s.lsn++ // where it failed, too: it may be on the disk
	return err
}

// giveUp goes on without a log, until the writer makes another.
func (s *Store) giveUp(log *redo, why error) {
	s.mu.Lock()
	s.redo = nil
	s.mu.Unlock()
	log.close()
	s.opts.Log.Warn("redo log cannot be written, notices wait for the database until there is another", zap.Error(why))
}

// beginRedo makes a redo log that belongs to the database. Nothing of an earlier one is needed: the database holds it, on the disk.
// The caller is the writer, or nothing runs yet.
func (s *Store) beginRedo(d *database) error {
	m := mark{rand.Uint64(), s.lsn}
	if err := d.commit(newPending(), m); err != nil {
		return err
	}
	if err := d.sync(); err != nil {
		return err
	}
	log, err := createRedo(redoPath(s.opts.Path), m.id)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.redo, s.redoID, s.committed = log, m.id, m.lsn
	s.mu.Unlock()
	return nil
}

// tendRedo makes a redo log where there is none. The writer calls it from time to time.
func (s *Store) tendRedo() {
	d := s.database()
	s.mu.Lock()
	has, ready := s.redo != nil, s.trouble == nil && len(s.redone) == 0
	s.mu.Unlock()
	if d == nil || d.path == memory || has || !ready || time.Since(s.triedRedo) < tidyEvery {
		return
	}
	s.triedRedo = time.Now()
	err := s.patiently(func() error { return s.beginRedo(d) })
	if err != nil && !s.redoless {
		s.opts.Log.Warn("no redo log can be made, notices wait for the database: free some megabytes of the disk", zap.Error(err))
	}
	s.redoless = err != nil
}

// leaveRedo goes on without the log that there is: everything is for the writer.
func (s *Store) leaveRedo() *redo {
	s.mu.Lock()
	defer s.mu.Unlock()
	log := s.redo
	s.redo = nil
	return log
}

// endRedo removes a log if nothing of it is needed.
func (s *Store) endRedo(log *redo) {
	if log == nil {
		return
	}
	log.close()
	if d := s.database(); d != nil && s.Trouble() == nil && !s.waits() && d.sync() == nil {
		os.Remove(redoPath(s.opts.Path))
	}
}

// catchUp waits until the database holds all that was promised before, so that whoever was told of something finds it there.
func (s *Store) catchUp(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	want := uint64(0)
	for _, p := range slices.Concat(s.writing, s.redone) {
		want = max(want, p.lsn)
	}
	for s.committed < want && s.trouble == nil && !s.closed {
		moved := s.moved
		s.mu.Unlock()
		signal(s.hurry)
		select {
		case <-moved:
		case <-ctx.Done():
		}
		s.mu.Lock()
		if ctx.Err() != nil {
			return
		}
	}
}

// move wakes those who wait for the database. The caller holds the lock.
func (s *Store) move() {
	close(s.moved)
	s.moved = make(chan struct{})
}
