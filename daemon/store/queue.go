package store

// transactionRows is from how many rows on a transaction takes no more batches while others wait: what was promised with the first
// of a hundred thousand does not wait for the last. A batch is written whole, however large it is.
const transactionRows = 2_000

// room gives the transaction that the next batch goes into. The caller holds the lock, as with all of this file.
func (s *Store) room() *pending {
	last := s.next[len(s.next)-1]
	if last.rows() >= transactionRows && s.trouble == nil {
		last = newPending()
		s.next = append(s.next, last)
	}
	return last
}

// unsettled is all that is not known to be on disk, in the order in which it came.
func (s *Store) unsettled() []*pending { return append([]*pending{s.writing}, s.next...) }

// waits says whether anything waits to be written.
func (s *Store) waits() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waitsLocked()
}

func (s *Store) waitsLocked() bool { return len(s.next) > 1 || !s.next[0].empty() }

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
	first := s.next[0]
	for _, later := range s.next[1:] {
		first.overlay(later)
	}
	s.next = []*pending{first}
	first.trim(&s.dropped, s.depth, s.dead)
}
