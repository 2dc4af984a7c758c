package store

import (
	"cmp"
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

// statements are prepared once. Those of the rows are prepared by each transaction that has such rows: here they are only tried.
type statements struct{ logged, writeBack *sql.Stmt }

func prepare(ctx context.Context, db *sql.DB) (s statements, err error) {
	add := func(to **sql.Stmt, text string) {
		if err == nil {
			*to, err = db.PrepareContext(ctx, text)
		}
	}
	for _, text := range statementTexts {
		var tried *sql.Stmt
		if add(&tried, text); tried != nil {
			tried.Close()
		}
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
	for _, stmt := range [...]*sql.Stmt{s.logged, s.writeBack} {
		if stmt != nil {
			stmt.Close()
		}
	}
}

// commit writes all of p in one transaction, and how far the database has come with the redo log.
func (d *database) commit(p *pending, to mark) error {
	ctx := context.Background() // a write that has begun is finished, whoever is told to stop
	err := transact(ctx, d.write, func(conn *sql.Conn, tx *sql.Tx) error {
		err := runRows(ctx, conn, statementTexts[:], p.eachRow)
		if err == nil && to != d.redone {
			err = to.put(ctx, tx)
		}
		if err != nil {
			return fmt.Errorf("write: %w", err)
		}
		return nil
	})
	if err == nil {
		d.redone = to
	}
	return err
}

// eachRow hands over p, row by row.
func (p *pending) eachRow(run runRow) error {
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
	run  runRow
	row  []value // at hand
	turn turn
	err  error
}

func (w *writer) exec(s statement, row ...value) {
	if w.err == nil {
		w.turn.offer()
		w.row = append(w.row[:0], row...)
		w.err = w.run(s, w.row)
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
	for _, id := range sortedKeys(p.incidents) { // as they lie in the table
		i := *p.incidents[id]
		if i.Encode != nil { // it is not kept: of all that wait while the disk does not answer there would be too much
			var ok bool
			if i.Notice, i.State, ok = i.Encode(); !ok {
				continue
			}
		}
		told := "null" // as nearly all of a storm
		if i.Told != nil {
			text, _ := json.Marshal(i.Told) // names and truths can always be encoded
			told = string(text)
		}
		w.exec(putIncident, textValue(i.ID), textValue(i.Fingerprint), textValue(i.Type), prefixValue(i.Prefix), textValue(i.Status),
			textValue(i.Severity.String()), timeValue(i.Started), timeValue(i.Updated), timeOrNull(i.Resolved), textValue(told),
			blobValue(i.Notice), blobValue(i.State), textValue(i.Group))
	}
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := slices.AppendSeq(make([]K, 0, len(m)), maps.Keys(m))
	slices.Sort(keys)
	return keys
}

func (w *writer) outbox(p *pending) {
	for _, seq := range sortedKeys(p.outbox) {
		d := p.outbox[seq]
		if d.State == notice.Delivered {
			w.exec(dropDelivery, intValue(seq))
			continue
		}
		w.exec(putDelivery, intValue(seq), textValue(d.ID), textValue(d.Channel), textValue(d.Incident), blobValue(d.Body),
			timeValue(d.Created), boolValue(d.State == notice.Dead), intValue(d.Attempts), timeOrNull(d.NextAt), textValue(d.Error))
	}
}

func (w *writer) forget(p *pending) {
	for seq := range p.forget {
		w.exec(dropDelivery, intValue(seq))
	}
}

func (w *writer) kv(p *pending) {
	for k, content := range p.kv {
		if content == nil {
			w.exec(dropKV, textValue(k.kind), textValue(k.key))
			continue
		}
		w.exec(putKV, textValue(k.kind), textValue(k.key), blobValue(content))
	}
}

func (w *writer) history(p *pending) {
	for _, e := range p.events {
		w.exec(putEvent, timeValue(e.At), textValue(e.Type), textValue(e.Severity.String()), prefixValue(e.Prefix),
			textValue(e.Peer), textValue(e.POP), blobValue(e.Detail))
	}
	for _, l := range p.latency {
		w.latency(&l)
	}
}

func timeValue(t time.Time) value { return intValue(t.UnixMicro()) }

// timeOrNull is NULL for the zero time.
func timeOrNull(t time.Time) value {
	if t.IsZero() {
		return value{}
	}
	return timeValue(t)
}

func prefixValue(p netip.Prefix) value {
	if !p.IsValid() {
		return textValue("")
	}
	return textValue(p.String())
}

func addrValue(a netip.Addr) value {
	if !a.IsValid() {
		return textValue("")
	}
	return textValue(a.String())
}
