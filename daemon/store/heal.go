package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"time"

	"go.uber.org/zap"

	"peervane/daemon/notice"
)

// write commits p, on a new database where the old one is lost or not to be trusted. Only the writer calls it.
func (s *Store) write(p *pending) error {
	for again := true; ; again = false {
		d, err := s.usable()
		if err != nil {
			return err
		}
		err = s.commit(d, p)
		if err == nil || passing(err) {
			return err
		}
		s.retire(d, err)
		if !again || !corrupt(err) {
			return err
		}
	}
}

// commit writes p, and takes it to the disk where no redo log has it there, or where that needs the room.
func (s *Store) commit(d *database, p *pending) error {
	s.mu.Lock()
	log, to := s.redo, mark{s.redoID, max(s.committed, p.lsn)}
	s.mu.Unlock()
	if err := d.commit(p, to); err != nil {
		return err
	}
	if p.inRedo && (log == nil || !log.narrow()) {
		return nil
	}
	if err := d.sync(); err != nil {
		return err
	}
	if log != nil {
		log.release(to.lsn)
	}
	return nil
}

// usable gives the open database if its file is still in place, else opens one.
func (s *Store) usable() (*database, error) {
	if d := s.open.Load(); d != nil {
		err := d.inspect()
		if err == nil {
			return d, nil
		}
		s.retire(d, err)
	}
	if err := s.reopen(); err != nil {
		return nil, err
	}
	return s.open.Load(), nil
}

// retire closes a database that is of no use any more, and saves what can be saved.
func (s *Store) retire(d *database, why error) {
	s.opts.Log.Error("state database given up, opening it again", zap.String("path", d.path), zap.Error(why))
	s.open.Store(nil)
	if errors.Is(why, errLost) || errors.Is(why, errReplaced) || corrupt(why) {
		s.known = nil
	}
	rescued := ""
	if errors.Is(why, errLost) {
		rescued = s.rescue(d)
	}
	d.close()
	if rescued != "" {
		// Only now: closing d removes the log that has d's name.
		if err := os.Rename(rescued, d.path); err != nil {
			s.opts.Log.Error("saved state database could not be put in place", zap.String("path", rescued), zap.Error(err))
		}
	}
	if corrupt(why) {
		if err := s.setAside(why, false); err != nil {
			s.opts.Log.Error("corrupt state database stays in its place", zap.Error(err))
		}
	}
}

// rescue copies a database whose file was removed, but is still open, and says where to.
func (s *Store) rescue(d *database) string {
	to := d.path + ".rescue"
	if err := os.Remove(to); err != nil && !errors.Is(err, os.ErrNotExist) {
		return ""
	}
	if _, err := create(to); err != nil {
		return ""
	}
	if _, err := d.write.Exec("VACUUM INTO ?", to); err != nil {
		s.opts.Log.Error("removed state database could not be saved, beginning an empty one", zap.Error(err))
		os.Remove(to)
		return ""
	}
	s.opts.Log.Warn("removed state database was saved", zap.String("path", d.path))
	return to
}

// setAside renames a corrupt database, and with redo the log of the process before, which a person may want with it.
func (s *Store) setAside(why error, redo bool) error {
	aside, err := setAside(s.opts.Path, time.Now())
	if err != nil {
		return err
	}
	if redo {
		if err := os.Rename(redoPath(s.opts.Path), redoPath(aside)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("set the redo log aside: %w", err)
		}
	}
	s.opts.Log.Error("corrupt state database set aside, beginning an empty one", zap.String("path", aside), zap.Error(why))
	return nil
}

// setRedoAside renames a redo log of which nothing can be done.
func (s *Store) setRedoAside(why error) error {
	path := redoPath(s.opts.Path)
	aside := path + ".unusable-" + stamp(time.Now())
	if err := os.Rename(path, aside); err != nil {
		return fmt.Errorf("set the redo log aside: %w", err)
	}
	s.opts.Log.Error("redo log set aside: what was promised last before the last process ended is not in the database", zap.String("path", aside), zap.Error(why))
	return nil
}

// reopen opens the database; a corrupt one is set aside for an empty one.
func (s *Store) reopen() error {
	ctx, first := context.Background(), s.redoID == 0 // later memory has what is in the redo log
	d, err := openDatabase(ctx, s.opts.Path, first)
	if errors.Is(err, errRedo) {
		if err := s.setRedoAside(err); err != nil {
			return err
		}
		d, err = openDatabase(ctx, s.opts.Path, first)
	}
	if corrupt(err) {
		if err := s.setAside(err, first); err != nil {
			return err
		}
		d, err = openDatabase(ctx, s.opts.Path, first)
	}
	if err != nil {
		return err
	}
	if err := s.adopt(ctx, d); err != nil {
		d.close()
		return err
	}
	return nil
}

// adopt puts an open database to use. Of one that is not the one that was used before, it is not known what it holds:
// what memory has is written to it, and the engine is asked for the rest.
func (s *Store) adopt(ctx context.Context, d *database) error {
	found, err := takeCensus(ctx, d.read)
	if err != nil {
		return fmt.Errorf("count the outbox: %w", err)
	}
	var left []notice.Delivery
	if !s.opened {
		if left, err = leftOver(ctx, d.read); err != nil {
			return fmt.Errorf("read the outbox: %w", err)
		}
	}
	same := s.known != nil && d.file != nil && os.SameFile(s.known, d.file)
	if s.opened && !same && s.redoID != 0 {
		if err := s.transfer(d); err != nil {
			return err
		}
	}
	if !same {
		s.restore(left)
		s.recount(found)
	}
	s.known = d.file
	s.open.Store(d)
	if d.redid > 0 {
		s.opts.Log.Info("promised before the last process ended, and written now", zap.Int("transactions", d.redid))
	}
	if d.fresh && d.path != memory {
		s.opts.Log.Info("new state database", zap.String("path", d.path))
	}
	if s.opened && !same && s.opts.Recovered != nil {
		s.opts.Recovered()
	}
	return nil
}

// transfer says in another database how far the one before it had come with the redo log: after a kill the rest is done again.
func (s *Store) transfer(d *database) error {
	s.mu.Lock()
	to := mark{s.redoID, s.committed}
	s.mu.Unlock()
	if err := d.commit(newPending(), to); err != nil {
		return err
	}
	return d.sync()
}

// recount sets the depth of the outbox anew: what is on disk, and what memory adds to it and takes from it.
func (s *Store) recount(found census) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for seq, d := range s.latest(found) {
		switch pending := d.State == notice.Pending; {
		case pending && seq > found.last:
			found.depth[d.Channel]++
		case !pending && seq <= found.last:
			found.depth[d.Channel]--
		}
		if d.State == notice.Dead {
			found.dead[d.Channel]++
		}
	}
	s.seq, s.depth, s.dead = max(s.seq, found.last), found.depth, found.dead
}

// latest gives what memory knows last of each delivery: one that waits to be written may be delivered by now. It takes from what was
// found on disk the dead letters that are forgotten.
func (s *Store) latest(found census) map[int64]notice.Delivery {
	latest := map[int64]notice.Delivery{}
	for _, p := range s.unsettled() {
		maps.Copy(latest, p.outbox)
		for seq, channel := range p.forget {
			if d, known := latest[seq]; known {
				d.State = notice.Delivered // as far as the counts go
				latest[seq] = d
			} else if seq <= found.last {
				found.dead[channel]--
			}
		}
	}
	return latest
}
