package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// memory is the path of a database that ends with the process.
const memory = ":memory:"

// What can have become of the file under an open database. Each heals by opening again.
var (
	errLost     = errors.New("the database file is gone")
	errReplaced = errors.New("the database file was replaced by another")
	errCorrupt  = errors.New("the database is corrupt")
)

// database is one open database: a connection that writes, and a few that read.
type database struct {
	path   string
	write  *sql.DB
	read   *sql.DB
	stmts  statements
	file   os.FileInfo // as it was when last seen; nil in memory
	fresh  bool        // made anew, nothing in it
	log    *os.File    // to take to disk what was committed; nil where SQLite does, and in memory
	redid  int         // records of the redo log that were done again
	redone mark        // what was written last
	back   writeBack
	page   int64 // bytes of one of its pages
	limit  int64 // the size to which the log was fitted last
	least  int64 // the length to which the file shrinks once the log is written back; 0: it does not
}

// openDatabase opens the database, or makes it, and checks it. It never changes one that it cannot trust. With redo it does again
// what an earlier process promised and did not come to write.
func openDatabase(ctx context.Context, path string, redo bool) (_ *database, err error) {
	d := &database{path: path}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	if path != memory {
		if d.fresh, err = create(path); err != nil {
			return nil, err
		}
	}
	options := []string{
		"_txlock=immediate", "_pragma=journal_mode(WAL)", "_pragma=synchronous(NORMAL)", pragma("busy_timeout", busyTimeout.Milliseconds()),
		"_pragma=wal_autocheckpoint(0)", pragma("journal_size_limit", 2*maxLog),
	}
	if err := layOut(ctx, path); err != nil {
		return nil, err
	}
	if d.write, err = connect(path, options...); err != nil {
		return nil, err
	}
	d.write.SetMaxOpenConns(1)
	if err := check(ctx, d.write); err != nil {
		return nil, err
	}
	if redo && path != memory && !d.fresh {
		if d.redid, err = reapply(ctx, d.write, path); err != nil {
			return nil, err
		}
	}
	if err := migrate(ctx, d.write); err != nil {
		return nil, err
	}
	if path != memory {
		if err := makeShrinkable(ctx, d.write); err != nil {
			return nil, err
		}
	}
	if err := d.write.QueryRowContext(ctx, "PRAGMA page_size").Scan(&d.page); err != nil {
		return nil, fmt.Errorf("measure the state database: %w", err)
	}
	if d.stmts, err = prepare(ctx, d.write); err != nil {
		return nil, err
	}
	if path != memory {
		if err := d.openLog(ctx); err != nil {
			return nil, err
		}
	}
	return d, d.openReaders()
}

// openLog opens the log. Where the file system cannot share memory, SQLite keeps no such log, and takes to disk itself.
func (d *database) openLog(ctx context.Context) (err error) {
	d.log, err = os.Open(d.path + "-wal")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := d.write.ExecContext(ctx, "PRAGMA synchronous = FULL"); err != nil {
			return fmt.Errorf("make the state database durable: %w", err)
		}
		return nil
	case err != nil:
		return fmt.Errorf("open the log of the state database: %w", err)
	}
	return d.back.open(d.path, d.page)
}

const busyTimeout = 2 * time.Second

func pragma(name string, value int64) string { return fmt.Sprintf("_pragma=%s(%d)", name, value) }

// pageSize is that of a new database. What is longer than a quarter of a page has pages of its own: with SQLite's 4096 bytes nearly
// every incident, so that it takes twice the room, and more than one page to write.
const pageSize = 16384

// layOut writes the first page of an empty database, which says how large its pages are, and that free ones can be given back.
func layOut(ctx context.Context, path string) error {
	if info, err := os.Stat(path); path == memory || err != nil || info.Size() > 0 {
		return nil // there is one; what is wrong with the file is told by whoever opens it
	}
	db, err := connect(path)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, fmt.Sprintf("PRAGMA page_size = %d; PRAGMA auto_vacuum = 2", pageSize)); err != nil {
		return fmt.Errorf("make the state database: %w", err)
	}
	return nil
}

// makeShrinkable rewrites, once, a database that was made when free pages were not given back yet. Where there is no room
// for that it stays as it is, and only fills its free pages again.
func makeShrinkable(ctx context.Context, db *sql.DB) error {
	const incremental = 2
	var mode int
	if err := db.QueryRowContext(ctx, "PRAGMA auto_vacuum").Scan(&mode); err != nil {
		return fmt.Errorf("read how the database shrinks: %w", err)
	}
	if mode == incremental {
		return nil
	}
	if _, err := db.ExecContext(ctx, "PRAGMA auto_vacuum = 2; VACUUM"); err != nil && !passing(err) {
		return fmt.Errorf("make the database shrinkable: %w", err)
	}
	return nil
}

func (d *database) openReaders() (err error) {
	if d.path == memory {
		d.read = d.write // each connection would see a memory of its own
		return nil
	}
	if d.read, err = connect(d.path, "mode=ro", "_pragma=query_only(1)", pragma("busy_timeout", busyTimeout.Milliseconds())); err != nil {
		return err
	}
	d.read.SetMaxOpenConns(4)
	d.file, err = os.Stat(d.path)
	return err
}

// create makes the folder (0700) and an empty file (0600): SQLite gives its log the same mode.
func create(path string) (fresh bool, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return false, fmt.Errorf("make the state folder: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("make the state database: %w", err)
	}
	return true, f.Close()
}

func connect(path string, options ...string) (*sql.DB, error) {
	dsn := memory
	if path != memory {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return nil, fmt.Errorf("find the state database: %w", err)
		}
		dsn = (&url.URL{Scheme: "file", Path: absolute}).String()
	}
	for i, option := range options {
		dsn += string("?&"[min(i, 1)]) + option
	}
	connector, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, fmt.Errorf("open the state database: %w", err)
	}
	return sql.OpenDB(connector), nil
}

// check reads the whole database once and believes it only when SQLite finds nothing wrong.
func check(ctx context.Context, db *sql.DB) error {
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return fmt.Errorf("check the state database: %w", err)
	}
	if verdict != "ok" {
		return fmt.Errorf("%w: %s", errCorrupt, verdict)
	}
	return nil
}

// inspect looks whether the file is still the one that was opened. SQLite would go on writing to a file that nobody
// can find again, or below the end of one that was cut.
func (d *database) inspect() error {
	if d.file == nil {
		return nil
	}
	now, err := os.Stat(d.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errLost
	case err != nil:
		return nil // no proof that it is gone: what is open may well work
	case !os.SameFile(now, d.file):
		return errReplaced
	case now.Size() < d.file.Size() && (d.least == 0 || now.Size() < d.least):
		return fmt.Errorf("%w: the file was cut from %d to %d bytes", errCorrupt, d.file.Size(), now.Size())
	}
	d.file = now
	return d.inspectLog()
}

// inspectLog looks whether SQLite's log is still the one that is open: what is in another nobody would find.
func (d *database) inspectLog() error {
	if d.log == nil {
		return nil
	}
	opened, err := d.log.Stat()
	if err != nil {
		return nil // sync will say so
	}
	if now, err := os.Stat(d.log.Name()); errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(now, opened) {
		return errLost
	}
	return nil
}

// sync takes to disk what was committed. SQLite does it itself with synchronous=FULL, but with fsync, which waits for the journal
// of the file system each time that the log's modification time has changed; with NORMAL it leaves it to whoever promises.
func (d *database) sync() error {
	if d.log == nil {
		return nil
	}
	if err := unix.Fdatasync(int(d.log.Fd())); err != nil {
		return fmt.Errorf("take the log to disk: %w", err)
	}
	return nil
}

func (d *database) close() {
	d.back.close()
	d.stmts.close()
	if d.read != nil && d.read != d.write {
		d.read.Close()
	}
	if d.write != nil {
		d.write.Close()
	}
	if d.log != nil {
		d.log.Close()
	}
}

// corrupt says whether err means that the content is not to be trusted, rather than that the disk did not answer.
func corrupt(err error) bool {
	if errors.Is(err, errCorrupt) {
		return true
	}
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	code := e.Code() & 0xff // the extended codes keep the primary one in the low byte
	return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
}

// passing says whether err may go away with the database as it is open now.
func passing(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	code := e.Code() & 0xff
	return code == sqlite3.SQLITE_FULL || code == sqlite3.SQLITE_BUSY || code == sqlite3.SQLITE_LOCKED
}

// setAside renames a database and its log, so that a person can look at it, and says to what.
func setAside(path string, now time.Time) (string, error) {
	aside := path + ".corrupt-" + stamp(now)
	for _, suffix := range [...]string{"-wal", "-shm", ""} {
		if err := os.Rename(path+suffix, aside+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("set the corrupt database aside: %w", err)
		}
	}
	return aside, nil
}

func stamp(t time.Time) string { return t.UTC().Format("20060102T150405.000000Z") }
