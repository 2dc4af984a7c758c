package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// kindRedo is the kind under which the database keeps how far it has come with which redo log.
const kindRedo = "redo"

// mark is up to which record of which redo log a database holds what was promised.
type mark struct{ id, lsn uint64 }

func (m mark) text() []byte { return fmt.Appendf(nil, "%016x %d", m.id, m.lsn) }

func (m mark) put(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, statementTexts[putKV], kindRedo, "", m.text())
	return err
}

const selectMark = "SELECT value FROM kv WHERE kind = '" + kindRedo + "'"

func readMark(ctx context.Context, db *sql.DB) (m mark, found bool, err error) {
	var version int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil || version == 0 || version > len(migrations) {
		return m, false, err // of a newer program not even this is touched
	}
	var text string
	err = db.QueryRowContext(ctx, selectMark).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return m, false, nil
	}
	if err != nil {
		return m, false, err
	}
	if _, err := fmt.Sscanf(text, "%x %d", &m.id, &m.lsn); err != nil {
		return m, false, nil // nobody knows to which log it belongs
	}
	return m, true, nil
}

// errRedo says that a redo log is of no use to the database, and will not be later.
var errRedo = errors.New("the redo log cannot be applied to the database")

// refused says whether what was given to SQLite can never be run, rather than that the disk did not answer.
func refused(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err != nil // it did not come so far
	}
	code := e.Code() & 0xff
	return code == sqlite3.SQLITE_ERROR || code == sqlite3.SQLITE_CONSTRAINT || code == sqlite3.SQLITE_MISMATCH || code == sqlite3.SQLITE_RANGE
}

func full(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_FULL
}

// reapply does again what was promised and is not in the database: the last process was killed, or the power was cut, before it
// came so far. It says how many records that were.
func reapply(ctx context.Context, db *sql.DB, path string) (n int, err error) {
	m, found, err := readMark(ctx, db)
	if err != nil || !found {
		return 0, err
	}
	log, err := os.ReadFile(redoPath(path))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the redo log: %w", err)
	}
	header, records := readRedo(log, m)
	if len(records) == 0 {
		return 0, nil
	}
	m.lsn = records[len(records)-1].lsn
	err = rerun(ctx, db, header, records, m)
	if full(err) && giveRoom(redoPath(path), records) == nil { // the room that the log does not need is there for this
		err = rerun(ctx, db, header, records, m)
	}
	if refused(err) {
		return 0, fmt.Errorf("%w: %w", errRedo, err)
	} else if err != nil {
		return 0, err
	}
	return len(records), nil
}

// readRedo gives the records that come after a mark, in order. One that is missing ends them: then it was not promised, nor what is
// behind it, or the database is older than the log, as one is that was put in place by hand.
func readRedo(log []byte, after mark) (header redoHeader, records []record) {
	first, ok := openRecord(log)
	if !ok || first.id != after.id || json.Unmarshal(first.body, &header) != nil {
		return header, nil
	}
	for at := slotSize; at < len(log); {
		r, ok := openRecord(log[at:])
		if !ok || r.id != after.id {
			at += slotSize
			continue
		}
		r.at = at
		if r.lsn > after.lsn {
			records = append(records, r)
		}
		at += r.size()
	}
	slices.SortFunc(records, func(a, b record) int { return cmp.Compare(a.lsn, b.lsn) })
	next := after.lsn
	for i, r := range records {
		if next++; r.lsn != next {
			return header, records[:i]
		}
	}
	return header, records
}

// forgetRedo makes a copy of a database one that belongs to no log: it is of another time than what the log will hold.
func forgetRedo(ctx context.Context, path string) error {
	db, err := connect(path, "mode=rw")
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, "DELETE FROM kv WHERE kind = '"+kindRedo+"'")
	return err
}

// rerun runs the statements of the program that wrote the log: the database has the schema of that one still.
func rerun(ctx context.Context, db *sql.DB, header redoHeader, records []record, m mark) error {
	err := transact(ctx, db, func(conn *sql.Conn, tx *sql.Tx) error {
		err := runRows(ctx, conn, header.Statements, func(run runRow) error {
			for _, r := range records {
				if err := eachRow(r.body, run); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		return m.put(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("do again what was promised: %w", err)
	}
	return nil
}
