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

// statement is one of those that transactions are made of. Their numbers stand in the redo log, beside their texts.
type statement uint8

const (
	putIncident statement = iota
	putDelivery
	dropDelivery
	putKV
	dropKV
	putEvent
	putLatency
	statementCount
)

var statementTexts = [statementCount]string{
	putIncident: `REPLACE INTO incidents
		(id, fingerprint, type, prefix, status, severity, started, updated, resolved, told, notice, state, group_id)
		VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)`,
	putDelivery: `REPLACE INTO outbox (seq, delivery, channel, incident, body, created, dead, attempts, next_at, error)
		VALUES (?,?,?,?,?,?,?,?,?,?)`,
	dropDelivery: `DELETE FROM outbox WHERE seq = ?`,
	putKV:        `REPLACE INTO kv (kind, key, value) VALUES (?,?,?)`,
	dropKV:       `DELETE FROM kv WHERE kind = ? AND key = ?`,
	putEvent:     `INSERT INTO events (at, type, severity, prefix, peer, pop, detail) VALUES (?,?,?,?,?,?,?)`,
	putLatency:   insertLatency,
}

// statements are prepared once.
type statements struct {
	rows              [statementCount]*sql.Stmt
	logged, writeBack *sql.Stmt
}

func prepare(ctx context.Context, db *sql.DB) (s statements, err error) {
	add := func(to **sql.Stmt, text string) {
		if err == nil {
			*to, err = db.PrepareContext(ctx, text)
		}
	}
	for i, text := range statementTexts {
		add(&s.rows[i], text)
	}
	add(&s.logged, `PRAGMA wal_checkpoint(NOOP)`)
	add(&s.writeBack, `PRAGMA wal_checkpoint(PASSIVE)`)
	if err != nil {
		s.close()
		return s, fmt.Errorf("prepare a statement: %w", err)
	}
	return s, nil
}

func (s statements) close() {
	for _, stmt := range append(s.rows[:], s.logged, s.writeBack) {
		if stmt != nil {
			stmt.Close()
		}
	}
}

// commit writes all of p in one transaction, and how far the database has come with the redo log.
func (d *database) commit(p *pending, to mark) error {
	ctx := context.Background() // a write that has begun is finished, whoever is told to stop
	tx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin to write: %w", err)
	}
	defer tx.Rollback() // does nothing after Commit
	var rows [statementCount]*sql.Stmt
	run := func(s statement, args ...any) error {
		if rows[s] == nil {
			rows[s] = tx.Stmt(d.stmts.rows[s])
		}
		_, err := rows[s].Exec(args...)
		return err
	}
	if err := p.eachRow(run); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if to != d.redone {
		if err := run(putKV, kindRedo, "", to.text()); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	d.redone = to
	return nil
}

// eachRow hands over p, row by row.
func (p *pending) eachRow(run func(statement, ...any) error) error {
	w := writer{run: run, turn: newTurn()}
	w.incidents(p)
	w.outbox(p)
	w.forget(p)
	w.kv(p)
	w.history(p)
	return w.err
}

// writer runs statements until the first error, which it keeps.
type writer struct {
	run  func(statement, ...any) error
	args []any // of the row at hand
	turn turn
	err  error
}

func (w *writer) exec(s statement, args ...any) {
	if w.err == nil {
		w.turn.offer()
		w.args = append(w.args[:0], args...)
		w.err = w.run(s, w.args...)
	}
}

// encode makes the texts of the incidents that have none yet, and leaves those out that cannot be encoded.
func (p *pending) encode() {
	t := newTurn()
	for id, i := range p.incidents {
		if i.Encode == nil {
			continue
		}
		t.offer()
		var ok bool
		if i.Notice, i.State, ok = i.Encode(); !ok {
			delete(p.incidents, id)
			continue
		}
		i.Encode = nil
	}
}

func (w *writer) incidents(p *pending) {
	for _, id := range slices.Sorted(maps.Keys(p.incidents)) { // as they lie in the table
		i := *p.incidents[id]
		if i.Encode != nil { // it is not kept: of all that wait while the disk does not answer there would be too much
			var ok bool
			if i.Notice, i.State, ok = i.Encode(); !ok {
				continue
			}
		}
		told, err := json.Marshal(i.Told)
		if err != nil && w.err == nil {
			w.err = err
		}
		w.exec(putIncident, i.ID, i.Fingerprint, i.Type, prefixText(i.Prefix), string(i.Status), i.Severity.String(),
			i.Started.UnixMicro(), i.Updated.UnixMicro(), micros(i.Resolved), string(told), i.Notice, i.State, i.Group)
	}
}

func (w *writer) outbox(p *pending) {
	for _, seq := range slices.Sorted(maps.Keys(p.outbox)) {
		d := p.outbox[seq]
		if d.State == notice.Delivered {
			w.exec(dropDelivery, seq)
			continue
		}
		w.exec(putDelivery, seq, d.ID, d.Channel, d.Incident, d.Body, d.Created.UnixMicro(), d.State == notice.Dead,
			d.Attempts, micros(d.NextAt), d.Error)
	}
}

func (w *writer) forget(p *pending) {
	for seq := range p.forget {
		w.exec(dropDelivery, seq)
	}
}

func (w *writer) kv(p *pending) {
	for k, value := range p.kv {
		if value == nil {
			w.exec(dropKV, k.kind, k.key)
			continue
		}
		w.exec(putKV, k.kind, k.key, value)
	}
}

func (w *writer) history(p *pending) {
	for _, e := range p.events {
		w.exec(putEvent, e.At.UnixMicro(), e.Type, e.Severity.String(), prefixText(e.Prefix), e.Peer, e.POP, e.Detail)
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
