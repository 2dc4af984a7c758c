package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"runtime/debug"
)

// value is one of a row, as SQLite and the redo log keep it. The zero value is NULL.
type value struct {
	kind   byte // argNull, …
	number int64
	text   string
	blob   []byte
}

// The kinds of values, as they stand in the redo log.
const (
	argNull = iota
	argInt
	argText
	argBlob
)

func intValue[T ~int | ~int64](n T) value { return value{kind: argInt, number: int64(n)} }

func textValue[T ~string](s T) value { return value{kind: argText, text: string(s)} }

func boolValue(b bool) value {
	if b {
		return intValue(1)
	}
	return intValue(0)
}

// blobValue is NULL for nil.
func blobValue(b []byte) value {
	if b == nil {
		return value{}
	}
	return value{kind: argBlob, blob: b}
}

// driver is what the driver takes for v: what it was given for the row before, where that is the same.
func (v *value) driver(before driver.Value) driver.Value {
	switch v.kind {
	case argInt:
		if n, ok := before.(int64); ok && n == v.number {
			return before
		}
		return v.number
	case argText:
		if s, ok := before.(string); ok && s == v.text {
			return before
		}
		return v.text
	case argBlob:
		return v.blob
	}
	return nil
}

// runRow runs a statement with the values of a row, none of which it keeps.
type runRow func(s statement, row []value) error

// rows runs the statements of one transaction. It goes past database/sql, which makes more garbage of a row than the row is long.
type rows struct {
	conn  driver.ConnPrepareContext
	texts []string
	stmts []prepared // as texts; empty until there is a row
}

type prepared struct {
	driver.StmtExecContext
	args []driver.NamedValue // of the last row: the driver keeps none of them
}

// runRows lets each run statements, by their places in texts, on a connection that nobody else uses meanwhile.
func runRows(ctx context.Context, conn *sql.Conn, texts []string, each func(runRow) error) error {
	var failed string // a panic: Raw would wait for ever for the end of the transaction, and let nobody see it
	err := conn.Raw(func(c any) error {
		defer func() {
			if why := recover(); why != nil {
				failed = fmt.Sprintf("%v\n\n%s", why, debug.Stack())
			}
		}()
		r := rows{conn: c.(driver.ConnPrepareContext), texts: texts, stmts: make([]prepared, len(texts))}
		defer r.close()
		return each(func(s statement, row []value) error { return r.run(ctx, s, row) })
	})
	if failed != "" {
		panic(failed)
	}
	return err
}

func (r *rows) run(ctx context.Context, s statement, row []value) error {
	if int(s) >= len(r.stmts) {
		return errBadRow
	}
	p := &r.stmts[s]
	if p.StmtExecContext == nil {
		stmt, err := r.conn.PrepareContext(ctx, r.texts[s])
		if err != nil {
			return err
		}
		p.StmtExecContext = stmt.(driver.StmtExecContext)
	}
	if len(p.args) != len(row) {
		p.args = make([]driver.NamedValue, len(row))
	}
	for i := range row {
		p.args[i] = driver.NamedValue{Ordinal: i + 1, Value: row[i].driver(p.args[i].Value)}
	}
	_, err := p.ExecContext(ctx, p.args)
	return err
}

func (r *rows) close() {
	for _, p := range r.stmts {
		if p.StmtExecContext != nil {
			p.StmtExecContext.(driver.Stmt).Close()
		}
	}
}

// transact runs f in a transaction of db, and commits what it did unless it fails.
func transact(ctx context.Context, db *sql.DB, f func(*sql.Conn, *sql.Tx) error) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("begin to write: %w", err)
	}
	defer conn.Close()
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin to write: %w", err)
	}
	defer tx.Rollback() // does nothing after Commit
	if err := f(conn, tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}
