package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.uber.org/zap"

	"peervane/daemon/notice"
)

// ErrClosed is told to those who submit after the end.
var ErrClosed = errors.New("the store is closed")

const (
	defaultLaziness = time.Second            // so long may wait what is not promised
	defaultPatience = 3 * time.Second        // a commit that takes longer is trouble: nobody's alert waits for the disk then
	retryMin        = 500 * time.Millisecond // between attempts while the disk does not answer
	retryMax        = 30 * time.Second
)

// Options say what to open.
type Options struct {
	Path string // of the database; ":memory:" for one that ends with the process
	Log  *zap.Logger

	// Recovered is called when a database is in use again of which it is not known that it holds what was submitted
	// before: it was lost, corrupt, replaced, or could not be opened at the start. The engine then submits all of its
	// state again, and may Load what is there. Called by the writer; it must not wait for the store. May be nil.
	Recovered func()

	patience, laziness time.Duration // shorter in tests
}

// Store is safe for concurrent use. Run must run for anything to be written.
type Store struct {
	opts      Options
	lock      *os.File      // holds other processes off
	promised  chan struct{} // somebody waits for what is in next
	direct    chan struct{} // and the redo log does not take it
	apply     chan struct{} // the redo log has something for the database
	hurry     chan struct{} // and it is wanted there now
	lazy      chan struct{}
	retain    chan struct{}
	open      atomic.Pointer[database] // nil while there is none; changed by the writer alone
	known     os.FileInfo              // the file that holds what was submitted; nil: none does. The writer's
	opened    bool                     // Open is done; the writer's
	report    report                   // the writer's
	overfull  bool                     // the database is too large, and nothing may go; the writer's
	stuck     bool                     // the log could not be written back; the writer's
	redoless  bool                     // no redo log could be made; the writer's
	triedRedo time.Time                // when one was to be made last; the writer's
	began     time.Time                // what ages are measured from

	retention atomic.Pointer[Retention] // nil: all is kept

	copying sync.Mutex // held while a back-up is made

	stage       sync.Mutex // held while something is on its way into the redo log, and while those who waited are told
	lsn         uint64     // the last number given to a record of it; stage guards it
	recordSpace []byte     // for the next; stage guards it

	mu        sync.Mutex
	next      []*pending                // for the next transactions, in order; the last takes what comes
	promising *pending                  // on its way into the redo log; nil: nothing is
	redone    []*pending                // in the redo log, in order, and not in the database yet
	writing   []*pending                // the transaction under way, and what is next at once
	spare     []*pending                // empty, for the next ones
	redo      *redo                     // nil: what is promised goes to the database at once
	redoID    uint64                    // of the last; 0: there never was any
	committed uint64                    // the last record of it that is in the database
	moved     chan struct{}             // closed when that, or the trouble, changes
	trouble   error                     // why the store goes on from memory; nil while all is well
	seq       int64                     // the last given to a delivery
	told      int64                     // up to here all who waited were told, if only of trouble
	depth     map[string]int            // unfinished deliveries by channel
	dead      map[string]int            // dead letters by channel
	copies    map[int64]notice.Delivery // of unfinished deliveries
	dropped   Dropped
	toldLazy  bool // the writer knows that something waits which is in no hurry
	closed    bool
}

// Open opens the database, makes it, or sets a corrupt one aside and makes another. Trouble with the disk is no error:
// the store then goes on from memory, and Run tries again. It fails when another process has the database, or a newer
// version made it.
func Open(opts Options) (*Store, error) {
	s := &Store{
		opts: opts, promised: make(chan struct{}, 1), direct: make(chan struct{}, 1), apply: make(chan struct{}, 1),
		hurry: make(chan struct{}, 1), lazy: make(chan struct{}, 1), retain: make(chan struct{}, 1), moved: make(chan struct{}),
		next: []*pending{newPending()}, depth: map[string]int{}, dead: map[string]int{}, copies: map[int64]notice.Delivery{},
		seq:    time.Now().UnixMicro(), // beyond all of a database that cannot be read yet
		report: report{log: opts.Log}, began: time.Now(),
	}
	s.opts.patience, s.opts.laziness = cmp.Or(opts.patience, defaultPatience), cmp.Or(opts.laziness, defaultLaziness)
	var err error
	if s.lock, err = lockFile(opts.Path); err != nil {
		return nil, err
	}
	if err := s.reopen(); errors.Is(err, ErrNewer) {
		s.unlock()
		return nil, fmt.Errorf("open %s: %w", opts.Path, err)
	} else if err != nil {
		s.fail(err)
	}
	s.opened = true
	s.tendRedo()
	return s, nil
}

// Submit hands over a batch and returns at once. done, unless nil, is called once, in the order of the batches: with nil when the
// batch is on disk, or with the reason why it stays in memory for now. It must not wait for the store. A batch without
// deliveries is in no hurry.
func (s *Store) Submit(b Batch, done func(error)) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		if done != nil {
			done(ErrClosed)
		}
		return
	}
	for i := range b.Outbox {
		s.seq++
		b.Outbox[i].Seq = s.seq
		s.depth[b.Outbox[i].Channel]++
		s.copy(b.Outbox[i])
	}
	for _, d := range b.Forget {
		s.dead[d.Channel]--
	}
	p := s.room()
	p.add(&b)
	if done != nil {
		p.done = append(p.done, done)
	}
	promised, lazy := p.promised, !p.promised && !s.toldLazy
	s.toldLazy = s.toldLazy || lazy
	s.bound()
	s.mu.Unlock()
	switch {
	case promised:
		signal(s.promised)
	case lazy: // to wake the writer costs more than to hand over
		signal(s.lazy)
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is signalled already
	}
}

// Run writes until ctx ends, then writes what is left and closes. End those who submit before.
func (s *Store) Run(ctx context.Context) error {
	promises := make(chan struct{})
	go func() { defer close(promises); s.promises(ctx) }()
	retry := retries()
	var due, soon <-chan time.Time // for everything, and for what is in the redo log
	tidy := time.NewTimer(tidyEvery)
	defer tidy.Stop()
	for {
		if due == nil && s.Trouble() != nil {
			due = time.After(retry.NextBackOff())
		}
		flush := s.flush
		select {
		case <-ctx.Done():
			<-promises
			return s.end()
		case <-s.direct:
			if trouble := s.Trouble(); trouble != nil {
				s.fail(trouble) // nobody waits for the next attempt
				continue
			}
		case <-s.lazy:
			if due == nil {
				due = time.After(s.opts.laziness)
			}
			continue
		case <-s.apply:
			if soon == nil {
				soon = time.After(writePause)
			}
			continue
		case <-s.hurry:
			if s.Trouble() != nil {
				continue
			}
			flush = s.flushRedone
		case <-soon:
			if s.writesBack() { // one after the other: between them they would take both processors of a small machine
				soon = time.After(writePause)
				continue
			}
			flush = s.flushRedone
		case <-s.retain:
			tidy.Reset(0)
			continue
		case <-tidy.C:
			tidy.Reset(s.tidy())
			continue
		case <-due:
			due = nil
		}
		soon = nil
		if flush() {
			retry.Reset()
		} else {
			due = time.After(retry.NextBackOff())
		}
	}
}

// retries says how long to wait between attempts.
func retries() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{InitialInterval: retryMin, MaxInterval: retryMax, Multiplier: 2, RandomizationFactor: 0.2}
}

// end writes what is left, and closes.
func (s *Store) end() error {
	log := s.leaveRedo()
	for s.flush() && s.waits() {
	}
	s.endRedo(log)
	return s.Close()
}

// flushRedone writes what is in the redo log, and says whether it is in the database.
func (s *Store) flushRedone() bool { return s.flushing(false) }

// flush writes that, and what waits for the next transaction.
func (s *Store) flush() bool { return s.flushing(true) }

func (s *Store) flushing(next bool) bool {
	for n := s.take(next); n > 0; n-- {
		if err := s.patiently(func() error { return s.write(s.writing[0]) }); err != nil {
			s.putBack(err)
			s.fail(err)
			return false
		}
		s.settle()
		s.tend()
	}
	return true
}

// patiently runs what writes to the disk, and meanwhile lets nobody wait for a disk that takes too long.
func (s *Store) patiently(write func() error) error {
	result := make(chan error, 1)
	go func() { result <- write() }()
	late := time.NewTicker(s.opts.patience)
	defer late.Stop()
	for {
		select {
		case err := <-result:
			return err
		case <-late.C:
			s.fail(errSlow)
		}
	}
}

var errSlow = errors.New("the disk takes too long to write")

// settle ends a transaction that is on disk. What is left is for the next, at once.
func (s *Store) settle() {
	if !s.writing[0].inRedo { // else nobody waits for it any more
		s.stage.Lock() // nobody is told before them of what came later
		defer s.stage.Unlock()
	}
	s.mu.Lock()
	p := s.writing[0]
	done, dropped := p.done, s.dropped
	s.committed = max(s.committed, p.lsn)
	s.writing = s.writing[1:]
	s.reuse(p)
	s.move()
	s.trouble, s.dropped = nil, Dropped{}
	more, rest := s.waitedFor(), s.waitsLocked() // one signal may have been for several
	s.mu.Unlock()
	s.report.well(dropped)
	s.done(done, more, rest)
}

// done tells those who waited that it is on disk, and says what is to be written next.
func (s *Store) done(waited []func(error), promised, rest bool) {
	for _, f := range waited {
		f(nil)
	}
	if promised {
		signal(s.promised)
	} else if rest {
		signal(s.lazy)
	}
}

// putBack returns what could not be written under what came since. As long as there is trouble nothing goes into the redo log.
func (s *Store) putBack(why error) {
	s.stage.Lock()
	defer s.stage.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = s.unsettled()
	for _, p := range s.next {
		p.direct = true // some of it is in the log
	}
	s.redone, s.writing, s.trouble = nil, nil, why
	s.merge()
}

// fail says that the store goes on from memory, to all who wait and to the log.
func (s *Store) fail(why error) {
	s.mu.Lock()
	s.trouble, s.told = why, s.seq
	s.move()
	var done []func(error)
	waiting, dropped := 0, s.dropped
	for _, p := range s.unsettled() {
		done = append(done, p.done...)
		p.done = nil
		waiting += len(p.outbox)
	}
	s.mu.Unlock()
	s.report.ill(why, waiting, dropped)
	for _, f := range done {
		f(why)
	}
}

// Trouble says why the store goes on from memory; nil while all is well.
func (s *Store) Trouble() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trouble
}

// Close closes the database without writing what is pending: Run does that. It is for a store that never ran.
func (s *Store) Close() error {
	s.mu.Lock()
	var done []func(error)
	for _, p := range s.unsettled() {
		done = append(done, p.done...)
	}
	s.next, s.redone, s.writing, s.closed = []*pending{newPending()}, nil, nil, true
	if s.redo != nil {
		s.redo.close()
		s.redo = nil
	}
	s.move()
	s.mu.Unlock()
	for _, f := range done {
		f(ErrClosed)
	}
	if d := s.open.Swap(nil); d != nil {
		d.close()
	}
	s.unlock()
	return nil
}

func (s *Store) database() *database { return s.open.Load() }
