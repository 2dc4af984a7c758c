package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// ErrNewer says that the database was made by a later version of the program, which alone knows how to read it.
var ErrNewer = errors.New("the state database was made by a newer version: use that version, or another state_dir")

// migrations lead from each user_version to the next. One that was released is never changed. Times are microseconds
// since 1970, UTC.
var migrations = [...]string{
	`CREATE TABLE incidents (
		id TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, type TEXT NOT NULL, prefix TEXT NOT NULL, status TEXT NOT NULL,
		severity TEXT NOT NULL, started INTEGER NOT NULL, updated INTEGER NOT NULL, resolved INTEGER,
		told TEXT NOT NULL, notice BLOB, state BLOB
	) WITHOUT ROWID;
	CREATE INDEX incidents_open ON incidents (started) WHERE resolved IS NULL;
	CREATE INDEX incidents_by_time ON incidents (updated);
	CREATE TABLE outbox (
		seq INTEGER PRIMARY KEY, delivery TEXT NOT NULL, channel TEXT NOT NULL, incident TEXT NOT NULL, body BLOB NOT NULL,
		created INTEGER NOT NULL, dead INTEGER NOT NULL, attempts INTEGER NOT NULL, next_at INTEGER, error TEXT NOT NULL
	);
	CREATE INDEX outbox_pending ON outbox (channel, seq) WHERE dead = 0;
	CREATE INDEX outbox_dead ON outbox (seq) WHERE dead = 1;
	CREATE TABLE kv (kind TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID;
	CREATE TABLE events (
		seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, type TEXT NOT NULL, severity TEXT NOT NULL, prefix TEXT NOT NULL,
		peer TEXT NOT NULL, pop TEXT NOT NULL, detail BLOB
	);
	CREATE INDEX events_by_time ON events (at);
	CREATE INDEX events_by_prefix ON events (prefix, at);
	CREATE TABLE latency (
		pop TEXT NOT NULL, at INTEGER NOT NULL, source TEXT NOT NULL, method TEXT NOT NULL, span INTEGER NOT NULL,
		sent INTEGER NOT NULL, received INTEGER NOT NULL, late INTEGER NOT NULL, duplicate INTEGER NOT NULL,
		min INTEGER NOT NULL, p50 INTEGER NOT NULL, p95 INTEGER NOT NULL, p99 INTEGER NOT NULL, max INTEGER NOT NULL,
		PRIMARY KEY (pop, at, source, method)
	) WITHOUT ROWID;
	CREATE INDEX latency_by_time ON latency (at);`,
	`CREATE INDEX incidents_ended ON incidents (updated) WHERE resolved IS NOT NULL;
	CREATE INDEX outbox_by_incident ON outbox (incident);`,
	latencySchema,

	// The incident that tells of this one: a group, of which there may be a hundred thousand members.
	`ALTER TABLE incidents ADD COLUMN group_id TEXT NOT NULL DEFAULT '';
	CREATE INDEX incidents_by_group ON incidents (group_id, updated) WHERE group_id != '';
	CREATE INDEX incidents_told ON incidents (updated) WHERE group_id = '';`,

	// Nothing asks for all incidents by their time any more.
	`DROP INDEX incidents_by_time;`,
}

// migrate brings the database to the newest schema, each step in a transaction of its own.
func migrate(ctx context.Context, db *sql.DB) error {
	var version int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	if version > len(migrations) {
		return fmt.Errorf("schema %d, known up to %d: %w", version, len(migrations), ErrNewer)
	}
	for ; version < len(migrations); version++ {
		if err := step(ctx, db, version); err != nil {
			return fmt.Errorf("bring the schema to version %d: %w", version+1, err)
		}
	}
	return nil
}

func step(ctx context.Context, db *sql.DB, version int) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	if _, err := tx.ExecContext(ctx, migrations[version]); err != nil {
		return err
	}
	// A pragma takes no parameter.
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version+1)); err != nil {
		return err
	}
	return tx.Commit()
}
