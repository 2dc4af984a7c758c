package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"peervane/daemon/notice"
)

// ErrUnavailable says that the database cannot be read just now. The store recovers by itself.
var ErrUnavailable = errors.New("the state database is not available just now")

// State is what the engine goes on from after a start.
type State struct {
	Incidents []Incident // the open ones, oldest first
	Ended     []Incident // within the last hour, but for those that a group told of
	Members   []Member   // that have ended, of groups that are open
	KV        []KV
}

// Member is an incident that a group told of.
type Member struct{ Group, Fingerprint string }

// lately is how long incidents that ended matter to what comes after.
const lately = time.Hour

// Load reads what was kept of the last run. Where no database could be opened (ErrUnavailable) the engine begins anew, and
// is asked for its state (Options.Recovered) once there is one.
func (s *Store) Load(ctx context.Context) (State, error) {
	s.catchUp(ctx)
	var st State
	var err error
	if st.Incidents, err = s.incidents(ctx, "WHERE resolved IS NULL ORDER BY started, id"); err != nil {
		return st, fmt.Errorf("load the open incidents: %w", err)
	}
	st.Ended, err = s.incidents(ctx, "WHERE group_id = '' AND updated >= ? AND resolved IS NOT NULL ORDER BY updated, id", time.Now().Add(-lately).UnixMicro())
	if err != nil {
		return st, fmt.Errorf("load what ended lately: %w", err)
	}
	if st.Members, err = query(ctx, s, scanMember, `SELECT group_id, fingerprint FROM incidents
		WHERE resolved IS NOT NULL AND group_id IN (SELECT id FROM incidents WHERE resolved IS NULL) AND group_id != '' ORDER BY group_id, id`); err != nil {
		return st, fmt.Errorf("load what ended of groups: %w", err)
	}
	if st.KV, err = query(ctx, s, scanKV, "SELECT kind, key, value FROM kv WHERE kind != '"+kindRedo+"' ORDER BY kind, key"); err != nil {
		return st, fmt.Errorf("load the kept state: %w", err)
	}
	return st, nil
}

func scanMember(row scanner) (m Member, err error) {
	err = row.Scan(&m.Group, &m.Fingerprint)
	return m, err
}

// Ended is an incident of a prefix that has ended.
type Ended struct {
	Prefix, Offending netip.Prefix
	Culprit           uint32
	At                time.Time
}

// Ended gives the incidents of some types that have ended within the last hour, oldest first, those that a group told of among them.
func (s *Store) Ended(ctx context.Context, types ...string) ([]Ended, error) {
	if s.database() == nil {
		return nil, nil
	}
	s.catchUp(ctx)
	listed, err := json.Marshal(types)
	if err != nil {
		return nil, err
	}
	found, err := query(ctx, s, scanEnded, `SELECT prefix, coalesce(json_extract(CAST(notice AS TEXT), '$.offending_prefix'), ''),
		coalesce(json_extract(CAST(notice AS TEXT), '$.culprit_asn'), 0), resolved FROM incidents
		WHERE resolved IS NOT NULL AND updated >= ? AND type IN (SELECT value FROM json_each(?)) AND json_valid(CAST(notice AS TEXT))
		ORDER BY resolved, id`,
		time.Now().Add(-lately).UnixMicro(), string(listed))
	if err != nil {
		return nil, fmt.Errorf("load what ended lately: %w", err)
	}
	return found, nil
}

// Incidents gives those of a group, or, where that is "", those that no group tells of: the open ones (status firing or
// updated), the ended ones (resolved), or all (""), latest first.
func (s *Store) Incidents(ctx context.Context, status notice.Status, group string, limit int) ([]Incident, error) {
	where := "WHERE group_id = '' "
	args := []any{limit}
	if group != "" {
		where, args = "WHERE group_id = ? AND group_id != '' ", []any{group, limit}
	}
	switch status {
	case notice.Resolved:
		where += "AND resolved IS NOT NULL "
	case notice.Firing, notice.Updated:
		where += "AND resolved IS NULL "
	}
	return s.incidents(ctx, where+"ORDER BY updated DESC, id DESC LIMIT ?", args...)
}

// OpenOf gives the open incidents of some fingerprints, the one that was told of last behind the others.
func (s *Store) OpenOf(ctx context.Context, fingerprints []string) ([]Incident, error) {
	listed, err := json.Marshal(fingerprints)
	if err != nil {
		return nil, err
	}
	return s.incidents(ctx, "WHERE resolved IS NULL AND fingerprint IN (SELECT value FROM json_each(?)) ORDER BY updated, id", string(listed))
}

// Incident gives one by its id; sql.ErrNoRows when there is none.
func (s *Store) Incident(ctx context.Context, id string) (Incident, error) {
	found, err := s.incidents(ctx, "WHERE id = ?", id)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("incident %s: %w", id, sql.ErrNoRows)
	}
	if err != nil {
		return Incident{}, err
	}
	return found[0], nil
}

func (s *Store) incidents(ctx context.Context, clauses string, args ...any) ([]Incident, error) {
	s.catchUp(ctx)
	return query(ctx, s, scanIncident, `SELECT id, fingerprint, type, prefix, status, severity, started, updated, resolved, told,
		notice, state, group_id FROM incidents `+clauses, args...)
}

// Events gives what was recorded since then, oldest first, and where that is too much, the latest of it: of one
// registered prefix, or, where it is not valid, of all.
func (s *Store) Events(ctx context.Context, prefix netip.Prefix, since time.Time, limit int) ([]Event, error) {
	const latest = `SELECT at, type, severity, prefix, peer, pop, detail FROM
		(SELECT * FROM events WHERE at >= ?%s ORDER BY at DESC, seq DESC LIMIT ?) ORDER BY at, seq`
	s.catchUp(ctx)
	if !prefix.IsValid() {
		return query(ctx, s, scanEvent, fmt.Sprintf(latest, ""), since.UnixMicro(), limit)
	}
	return query(ctx, s, scanEvent, fmt.Sprintf(latest, " AND prefix = ?"), since.UnixMicro(), prefix.String(), limit)
}

type scanner interface{ Scan(...any) error }

// query runs one query on a connection that can only read, and scans each row of the answer.
func query[T any](ctx context.Context, s *Store, scan func(scanner) (T, error), text string, args ...any) ([]T, error) {
	db := s.database()
	if db == nil {
		return nil, ErrUnavailable
	}
	return queryDB(ctx, db.read, scan, text, args...)
}

func queryDB[T any](ctx context.Context, db *sql.DB, scan func(scanner) (T, error), text string, args ...any) ([]T, error) {
	rows, err := db.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		row, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

func scanKV(row scanner) (kv KV, err error) {
	err = row.Scan(&kv.Kind, &kv.Key, &kv.Value)
	return kv, err
}

func scanIncident(row scanner) (Incident, error) {
	var (
		i                      Incident
		prefix, severity, told string
		started, updated       int64
		resolved               sql.NullInt64
	)
	err := row.Scan(&i.ID, &i.Fingerprint, &i.Type, &prefix, &i.Status, &severity, &started, &updated, &resolved, &told,
		&i.Notice, &i.State, &i.Group)
	if err != nil {
		return i, err
	}
	i.Started, i.Updated, i.Resolved = fromMicros(started), fromMicros(updated), fromNullable(resolved)
	return i, errors.Join(
		i.Prefix.UnmarshalText([]byte(prefix)),
		i.Severity.UnmarshalText([]byte(severity)),
		json.Unmarshal([]byte(told), &i.Told),
	)
}

func scanEnded(row scanner) (Ended, error) {
	var (
		e                 Ended
		prefix, offending string
		at                int64
	)
	if err := row.Scan(&prefix, &offending, &e.Culprit, &at); err != nil {
		return e, err
	}
	e.At = fromMicros(at)
	return e, errors.Join(e.Prefix.UnmarshalText([]byte(prefix)), e.Offending.UnmarshalText([]byte(offending)))
}

func scanEvent(row scanner) (Event, error) {
	var (
		e                Event
		at               int64
		prefix, severity string
	)
	if err := row.Scan(&at, &e.Type, &severity, &prefix, &e.Peer, &e.POP, &e.Detail); err != nil {
		return e, err
	}
	e.At = fromMicros(at)
	return e, errors.Join(e.Prefix.UnmarshalText([]byte(prefix)), e.Severity.UnmarshalText([]byte(severity)))
}

func fromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }

func fromNullable(us sql.NullInt64) time.Time {
	if !us.Valid {
		return time.Time{}
	}
	return fromMicros(us.Int64)
}
