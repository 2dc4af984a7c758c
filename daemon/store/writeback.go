package store

import (
	"database/sql"
	"fmt"

	"go.uber.org/zap"
)

// The log of the database is written back beside the writer, by a connection and a goroutine of its own, some pages at a time;
// SQLite would do it within a commit, and all that is promised meanwhile would wait for megabytes. As the writer goes on meanwhile,
// a little is always left; once the log is long and little is left, the writer writes that back itself, between two commits,
// and the log begins anew, over the old one: to overwrite costs the disk half of what it costs to append.

// How many bytes the log grows before it is to begin anew, at most, and at the least where the database is to stay small.
const (
	maxLog   = 32 << 20
	leastLog = 256 << 10
)

// writeBack is what the writer knows of it.
type writeBack struct {
	limit   int64         // pages of the log before it is to begin anew
	beside  *sql.DB       // the connection that writes back beside the writer; nil in memory
	running chan struct{} // closed when that is done; nil when it does not run
	failed  error         // of the last run, once running is closed
	tried   int64         // how long the log was when the writer last tried to end it; 0: not since it began
}

// logged is how long the log is, and how much of it is written back, in pages.
type logged struct{ length, written int64 }

func (l logged) left() int64 { return l.length - l.written }

func checkpoint(query func(...any) *sql.Row) (l logged, err error) {
	var busy bool // with another: then that one does it
	if err := query().Scan(&busy, &l.length, &l.written); err != nil {
		return l, fmt.Errorf("write the log back: %w", err)
	}
	return l, nil
}

// besidePages is after how many more pages the log is written back beside the writer.
func (w *writeBack) besidePages() int64 { return max(w.limit/4, 1) }

// little is what the writer writes back itself.
func (w *writeBack) little() int64 { return max(w.limit/64, 1) }

// most is how long the log may become before the writer waits until it is written back.
func (w *writeBack) most() int64 { return 2 * w.limit }

// tend does, once something was committed, what the log asks for. The writer calls it when nobody waits for that any more.
func (s *Store) tend() {
	d := s.database()
	if d == nil || d.back.beside == nil {
		return
	}
	w := &d.back
	if err, done := w.ended(); done {
		s.wroteBack(err)
	}
	l, err := checkpoint(d.stmts.logged.QueryRow)
	if err != nil {
		s.wroteBack(err)
		return
	}
	if l.length < w.tried {
		w.tried = 0
	}
	switch {
	case w.endsNow(l):
		w.tried = l.length
		if err := s.patiently(d.endLog); err != nil {
			s.wroteBack(err)
		}
	case w.running == nil && (l.left() >= w.besidePages() || l.length >= w.limit && l.left() > w.little()):
		w.start()
	}
}

// wroteBack says once that the log cannot be written back. What is promised is safe in it: only its length is the matter.
func (s *Store) wroteBack(err error) {
	if err != nil && !s.stuck {
		s.opts.Log.Warn("log of the state database cannot be written back, trying again", zap.Error(err))
	}
	s.stuck = err != nil
}

// endsNow says whether the writer is to write back what is left: a little, or as much as there is of a log that is too long. Where a
// reader still needs the log it does not begin anew; then that is not tried after each commit.
func (w *writeBack) endsNow(l logged) bool {
	switch {
	case l.left() == 0 || w.tried > 0 && l.length-w.tried < w.besidePages():
		return false
	case l.length >= w.most():
		return true
	}
	return l.length >= w.limit && l.left() <= w.little() && w.running == nil
}

// endLog writes back what is left. It waits for no reader.
func (d *database) endLog() error {
	d.back.wait()
	_, err := checkpoint(d.stmts.writeBack.QueryRow)
	return err
}

// start writes back what the log holds now, beside the writer.
func (w *writeBack) start() {
	done := make(chan struct{})
	w.running = done
	go func() {
		defer close(done)
		_, w.failed = checkpoint(func(...any) *sql.Row { return w.beside.QueryRow("PRAGMA wal_checkpoint(PASSIVE)") })
	}()
}

// writesBack says whether the log is being written back beside the writer.
func (s *Store) writesBack() bool {
	d := s.database()
	return d != nil && d.back.runs()
}

func (w *writeBack) runs() bool {
	select {
	case <-w.running: // never, where it is nil
		return false
	default:
		return w.running != nil
	}
}

// ended says whether a run beside the writer has ended, and how.
func (w *writeBack) ended() (err error, done bool) {
	if w.running == nil {
		return nil, false
	}
	select {
	case <-w.running:
		w.running = nil
		return w.failed, true
	default:
		return nil, false
	}
}

func (w *writeBack) wait() {
	if w.running != nil {
		<-w.running
	}
}

// open gives it its connection, at once: later another file may have the name.
func (w *writeBack) open(path string, page int64) (err error) {
	w.limit = maxLog / page
	if w.beside, err = connect(path, "mode=rw", "_pragma=synchronous(NORMAL)", "_pragma=wal_autocheckpoint(0)"); err != nil {
		return err
	}
	w.beside.SetMaxOpenConns(1)
	_, err = checkpoint(func(...any) *sql.Row { return w.beside.QueryRow("PRAGMA wal_checkpoint(NOOP)") })
	return err
}

func (w *writeBack) close() {
	w.wait()
	if w.beside != nil {
		w.beside.Close()
	}
}
