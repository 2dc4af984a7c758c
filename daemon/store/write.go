package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"peervane/daemon/notice"
)

// statements are what a transaction runs, prepared once.
type statements struct {
	incident, delivery, delivered, kv, unkv, event, latency *sql.Stmt
	logged, writeBack                                       *sql.Stmt
}

func prepare(ctx context.Context, db *sql.DB) (s statements, err error) {
	for _, p := range [...]struct {
		to  **sql.Stmt
		sql string
	}{
		{&s.incident, `REPLACE INTO incidents
			(id, fingerprint, type, prefix, status, severity, started, updated, resolved, told, notice, state, group_id)
			VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)`},
		{&s.delivery, `REPLACE INTO outbox (seq, delivery, channel, incident, body, created, dead, attempts, next_at, error)
			VALUES (?,?,?,?,?,?,?,?,?,?)`},
		{&s.delivered, `DELETE FROM outbox WHERE seq = ?`},
		{&s.kv, `REPLACE INTO kv (kind, key, value) VALUES (?,?,?)`},
		{&s.unkv, `DELETE FROM kv WHERE kind = ? AND key = ?`},
		{&s.event, `INSERT INTO events (at, type, severity, prefix, peer, pop, detail) VALUES (?,?,?,?,?,?,?)`},
		{&s.latency, insertLatency},
		{&s.logged, `PRAGMA wal_checkpoint(NOOP)`},
		{&s.writeBack, `PRAGMA wal_checkpoint(PASSIVE)`},
	} {
		if *p.to, err = db.PrepareContext(ctx, p.sql); err != nil {
			s.close()
			return s, fmt.Errorf("prepare a statement: %w", err)
		}
	}
	return s, nil
}

func (s statements) close() {
	for _, stmt := range [...]*sql.Stmt{s.incident, s.delivery, s.delivered, s.kv, s.unkv, s.event, s.latency, s.logged, s.writeBack} {
		if stmt != nil {
			stmt.Close()
		}
	}
}

// commit writes all of p in one transaction.
func (d *database) commit(p *pending) error {
	ctx := context.Background() // a write that has begun is finished, whoever is told to stop
	tx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin to write: %w", err)
	}
	defer tx.Rollback() // does nothing after Commit
	w := writer{tx: tx, stmts: &d.stmts}
	w.incidents(p)
	w.outbox(p)
	w.forget(p)
	w.kv(p)
	w.history(p)
	if w.err != nil {
		return fmt.Errorf("write: %w", w.err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return d.sync()
}

// writer runs statements in a transaction until the first error, which it keeps.
type writer struct {
	tx    *sql.Tx
	stmts *statements
	err   error
}

func (w *writer) exec(stmt *sql.Stmt, args ...any) {
	if w.err == nil {
		_, w.err = w.tx.Stmt(stmt).Exec(args...)
	}
}

func (w *writer) incidents(p *pending) {
	for _, id := range slices.Sorted(maps.Keys(p.incidents)) { // as they lie in the table
		i := p.incidents[id]
		if i.Encode != nil {
			var ok bool
			if i.Notice, i.State, ok = i.Encode(); !ok {
				continue
			}
		}
		told, err := json.Marshal(i.Told)
		if err != nil && w.err == nil {
			w.err = err
		}
		w.exec(w.stmts.incident, i.ID, i.Fingerprint, i.Type, prefixText(i.Prefix), string(i.Status), i.Severity.String(),
			i.Started.UnixMicro(), i.Updated.UnixMicro(), micros(i.Resolved), string(told), i.Notice, i.State, i.Group)
	}
}

func (w *writer) outbox(p *pending) {
	for _, seq := range slices.Sorted(maps.Keys(p.outbox)) {
		d := p.outbox[seq]
		if d.State == notice.Delivered {
			w.exec(w.stmts.delivered, seq)
			continue
		}
		w.exec(w.stmts.delivery, seq, d.ID, d.Channel, d.Incident, d.Body, d.Created.UnixMicro(), d.State == notice.Dead,
			d.Attempts, micros(d.NextAt), d.Error)
	}
}

func (w *writer) forget(p *pending) {
	for seq := range p.forget {
		w.exec(w.stmts.delivered, seq)
	}
}

func (w *writer) kv(p *pending) {
	for k, value := range p.kv {
		if value == nil {
			w.exec(w.stmts.unkv, k.kind, k.key)
			continue
		}
		w.exec(w.stmts.kv, k.kind, k.key, value)
	}
}

func (w *writer) history(p *pending) {
	for _, e := range p.events {
		w.exec(w.stmts.event, e.At.UnixMicro(), e.Type, e.Severity.String(), prefixText(e.Prefix), e.Peer, e.POP, e.Detail)
	}
	for _, l := range p.latency {
		w.latency(&l)
	}
}

// micros is NULL for the zero time.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

func prefixText(p netip.Prefix) string {
	if !p.IsValid() {
		return ""
	}
	return p.String()
}

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
