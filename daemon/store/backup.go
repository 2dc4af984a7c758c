package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// Backup writes a copy of the database as it stands, whole and consistent, while the store goes on. It needs room for the
// copy beside the database.
func (s *Store) Backup(ctx context.Context, to io.Writer) error {
	if s.database() == nil || s.opts.Path == memory {
		return ErrUnavailable
	}
	s.catchUp(ctx)
	f, err := s.copyOut(ctx)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.Copy(to, f); err != nil {
		return fmt.Errorf("hand over the copy: %w", err)
	}
	return nil
}

// copyOut makes a copy, and takes its name away again: there is one name, another asker may come, and this one may take its time to
// read.
func (s *Store) copyOut(ctx context.Context) (_ *os.File, err error) {
	s.copying.Lock()
	defer s.copying.Unlock()
	copied := s.opts.Path + ".backup"
	if err := os.Remove(copied); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("make room for the copy: %w", err)
	}
	defer func() {
		if gone := os.Remove(copied); gone != nil && !errors.Is(gone, os.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}()
	if _, err := create(copied); err != nil { // readable by its owner alone from the start
		return nil, err
	}
	if err := copyInto(ctx, s.opts.Path, copied); err != nil {
		return nil, fmt.Errorf("copy the database: %w", err)
	}
	f, err := os.Open(copied)
	if err != nil {
		return nil, fmt.Errorf("read the copy: %w", err)
	}
	return f, nil
}

// copyInto has a connection of its own, so that neither the writer nor the readers wait for it.
func copyInto(ctx context.Context, from, to string) error {
	db, err := connect(from, "mode=rw", pragma("busy_timeout", busyTimeout.Milliseconds()))
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err = db.ExecContext(ctx, "VACUUM INTO ?", to); err != nil {
		return err
	}
	return forgetRedo(ctx, to)
}
