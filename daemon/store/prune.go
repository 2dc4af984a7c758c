package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"time"
)

// history is a table whose oldest rows may go.
type history struct {
	oldest string // asks for the time of the oldest that may go
	prune  string // deletes at most so many that are older than a time, oldest first
	keep   func(Retention) time.Duration
}

var histories = [...]history{
	{
		`SELECT min(at) FROM events`,
		`DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE at < ? ORDER BY at LIMIT ?)`,
		func(r Retention) time.Duration { return r.Events },
	}, {
		`SELECT min(at) FROM latency`,
		`DELETE FROM latency WHERE (pop, at, address, method, source) IN
			(SELECT pop, at, address, method, source FROM latency WHERE at < ? ORDER BY at LIMIT ?)`,
		func(r Retention) time.Duration { return r.Latency },
	}, {
		`SELECT min(updated) FROM incidents WHERE resolved IS NOT NULL AND ` + settled,
		`DELETE FROM incidents WHERE id IN (SELECT id FROM incidents WHERE resolved IS NOT NULL AND updated < ? AND ` + settled + `
			ORDER BY updated LIMIT ?)`,
		func(r Retention) time.Duration { return r.Events },
	},
}

// settled holds for an incident of which nothing is left to tell: a dead letter that is replayed needs its end.
const settled = `NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.incident = incidents.id)`

// expire deletes some of what is too old, and says whether there is more.
func (d *database) expire(r Retention, now time.Time) (more bool, err error) {
	err = d.inTransaction(func(tx *sql.Tx) error {
		for _, h := range histories {
			keep := h.keep(r)
			if keep <= 0 {
				continue
			}
			n, err := prune(tx, h, now.Add(-keep).UnixMicro())
			if err != nil {
				return err
			}
			more = more || n == tidyRows
		}
		return nil
	})
	return more, err
}

func prune(tx *sql.Tx, h history, before int64) (int64, error) {
	done, err := tx.Exec(h.prune, before, tidyRows)
	if err != nil {
		return 0, fmt.Errorf("delete what is old: %w", err)
	}
	return done.RowsAffected()
}

// shrink makes a step towards a size that leaves an eighth of the limit to grow into: first the log, then free pages, then
// the oldest rows. It says whether there is more to do, and whether nothing is left that may go.
func (d *database) shrink(limit int64) (more, full bool, err error) {
	if d.path == memory {
		return false, false, nil
	}
	if err := d.bound(limit); err != nil {
		return false, false, err
	}
	target := limit - limit/8
	f, err := d.footprint()
	if err != nil || f.pages+f.log <= target {
		return false, false, err
	}
	if f.log > 2*d.logPages(limit)*d.page {
		if done, err := d.checkpoint(); err != nil || !done {
			return false, false, err // somebody reads an old state: what is deleted now would free nothing yet
		}
		return true, false, nil
	}
	if f.free > 0 {
		return true, false, d.vacuum()
	}
	n, err := d.pruneOldest()
	return n > 0, n == 0, err
}

// pruneOldest deletes rows of the table that has the oldest.
func (d *database) pruneOldest() (n int64, err error) {
	err = d.inTransaction(func(tx *sql.Tx) error {
		var choice *history
		first := int64(math.MaxInt64)
		for i := range histories {
			var at sql.NullInt64
			if err := tx.QueryRow(histories[i].oldest).Scan(&at); err != nil {
				return fmt.Errorf("look for what is oldest: %w", err)
			}
			if at.Valid && at.Int64 < first {
				choice, first = &histories[i], at.Int64
			}
		}
		if choice == nil {
			return nil
		}
		n, err = prune(tx, *choice, math.MaxInt64)
		return err
	})
	return n, err
}

// footprint is what the database takes of the disk, in bytes. pages is what its file comes to once the log is written back.
type footprint struct{ pages, free, log int64 }

func (d *database) footprint() (f footprint, err error) {
	var pages, free int64
	if err := d.write.QueryRow("PRAGMA page_count").Scan(&pages); err != nil {
		return f, fmt.Errorf("measure the database: %w", err)
	}
	if err := d.write.QueryRow("PRAGMA freelist_count").Scan(&free); err != nil {
		return f, fmt.Errorf("measure the database: %w", err)
	}
	log, err := os.Stat(d.path + "-wal")
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return f, fmt.Errorf("measure the database: %w", err)
	default:
		f.log = log.Size()
	}
	f.pages, f.free = pages*d.page, free*d.page
	return f, nil
}

// vacuum gives some of the free pages back, and writes the log back, without which the file stays as long as it is.
func (d *database) vacuum() error {
	if err := d.inTransaction(func(tx *sql.Tx) error {
		rows, err := tx.Query(fmt.Sprint("PRAGMA incremental_vacuum(", tidyBytes/d.page, ")")) // each step of it frees a page
		if err != nil {
			return fmt.Errorf("free pages: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
		}
		return rows.Err()
	}); err != nil {
		return err
	}
	f, err := d.footprint()
	if err != nil {
		return err
	}
	if d.least == 0 || f.pages < d.least {
		d.least = f.pages
	}
	_, err = d.checkpoint()
	return err
}

// checkpoint writes the log back, as far as no reader needs it, and says whether all of it could be.
func (d *database) checkpoint() (done bool, err error) {
	d.back.wait()
	var busy, log, written int
	if err := d.unhurried(func() error { return d.write.QueryRow("PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &log, &written) }); err != nil {
		return false, fmt.Errorf("write the log back: %w", err)
	}
	if busy != 0 {
		return false, nil
	}
	now, err := os.Stat(d.path)
	if err != nil || d.file == nil || !os.SameFile(now, d.file) {
		return true, nil // for inspect to deal with
	}
	d.file, d.least = now, 0
	return true, nil
}

// unhurried runs f without waiting for readers.
func (d *database) unhurried(f func() error) error {
	if _, err := d.write.Exec("PRAGMA busy_timeout = 0"); err != nil {
		return err
	}
	err := f()
	_, back := d.write.Exec(fmt.Sprint("PRAGMA busy_timeout = ", busyTimeout.Milliseconds()))
	return errors.Join(err, back)
}

// bound keeps the log in proportion to the size that the database may have.
func (d *database) bound(limit int64) error {
	if d.limit == limit {
		return nil
	}
	pages := d.logPages(limit)
	if _, err := d.write.Exec(fmt.Sprint("PRAGMA journal_size_limit = ", 2*pages*d.page)); err != nil {
		return fmt.Errorf("bound the log: %w", err)
	}
	d.limit, d.back.limit = limit, pages
	return nil
}

// logPages is how long the log grows before it is written back.
func (d *database) logPages(limit int64) int64 { return min(max(limit/16, leastLog), maxLog) / d.page }

func (d *database) inTransaction(f func(*sql.Tx) error) error {
	return transact(context.Background(), d.write, func(_ *sql.Conn, tx *sql.Tx) error { return f(tx) })
}
