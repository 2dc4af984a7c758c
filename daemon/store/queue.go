package store

import "slices"

// transactionRows is from how many rows on a transaction takes no more batches while others wait: what was promised with the first
// of a hundred thousand does not wait for the last. A batch is written whole, however large it is.
const transactionRows = 500

// How many transactions are kept for their room once they are settled, and of how many rows at most: in one that was large it takes
// time to find the few rows that it has next.
const (
	mostSpare = 16
	spareRows = 2 * transactionRows
)

// fresh gives an empty transaction. The caller holds the lock, as with all of this file.
func (s *Store) fresh() *pending {
	n := len(s.spare)
	if n == 0 {
		return newPending()
	}
	p := s.spare[n-1]
	s.spare = s.spare[:n-1]
	return p
}

// reuse takes a transaction that is settled, or part of another: nobody holds it any more.
func (s *Store) reuse(p *pending) {
	if len(s.spare) < mostSpare && p.rows() <= spareRows {
		p.clear()
		s.spare = append(s.spare, p)
	}
}

// room gives the transaction that the next batch goes into.
func (s *Store) room() *pending {
	last := s.next[len(s.next)-1]
	if last.rows() >= transactionRows && s.trouble == nil {
		last = s.fresh()
		s.next = append(s.next, last)
	}
	return last
}

// unsettled is all that is not known to be in the database, in the order in which it came.
func (s *Store) unsettled() []*pending {
	all := slices.Concat(s.writing, s.redone)
	if s.promising != nil {
		all = append(all, s.promising)
	}
	return append(all, s.next...)
}

// pop takes the next transaction of those that are in no log.
func (s *Store) pop() *pending {
	p := s.next[0]
	if s.next = slices.Delete(s.next, 0, 1); len(s.next) == 0 {
		s.next = append(s.next, s.fresh())
	}
	return p
}

// take takes what the writer is to write now, in this order: what is in the redo log, several together, and, where that is asked
// for, what waits for the next transaction. It says how many transactions that is.
func (s *Store) take(next bool) int {
	s.stage.Lock() // what is on its way into the log comes before what waits behind it
	defer s.stage.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.redone {
		if n := len(s.writing); n > 0 && s.writing[n-1].rows() < transactionRows {
			s.writing[n-1].overlay(p)
			s.reuse(p)
		} else {
			s.writing = append(s.writing, p)
		}
	}
	s.redone = nil
	s.toldLazy = s.toldLazy && !next
	if next && (s.waitsLocked() || s.trouble != nil) && !s.forLog() {
		s.writing = append(s.writing, s.pop())
	}
	return len(s.writing)
}

// forLog says whether what is next goes to the redo log first.
func (s *Store) forLog() bool {
	return s.redo != nil && s.trouble == nil && s.next[0].promised && !s.next[0].direct
}

// waitedFor says whether somebody waits for any of what is in no log.
func (s *Store) waitedFor() bool {
	return slices.ContainsFunc(s.next, func(p *pending) bool { return p.promised })
}

// waits says whether anything waits to be written.
func (s *Store) waits() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waitsLocked()
}

func (s *Store) waitsLocked() bool { return len(s.redone) > 0 || len(s.next) > 1 || !s.next[0].empty() }

// bound holds what waits to its bounds: where all transactions together are over one, they are made one.
func (s *Store) bound() {
	if len(s.next) > 1 {
		var all volume
		for _, p := range s.next {
			all.add(p)
		}
		if all.fits() {
			return
		}
	}
	s.merge()
}

// merge makes one transaction of all that wait, the latest of each key, within the bounds.
func (s *Store) merge() {
	first, rest := s.next[0], s.next[1:]
	for _, later := range rest {
		first.overlay(later)
		s.reuse(later)
	}
	clear(rest)
	s.next = s.next[:1]
	first.trim(&s.dropped, s.depth, s.dead)
}
