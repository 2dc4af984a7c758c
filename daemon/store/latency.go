package store

import (
	"context"
	"database/sql"
	"fmt"
	"net/netip"
	"time"

	"peervane/probe/stats"
)

// Latency sums up what one way to a POP was measured to be, over an hour or what there was of it.
type Latency struct {
	Way
	stats.Rollup // its Start, in microseconds, and Way are the key
}

type latencyKey struct {
	Way
	at int64
}

func (l *Latency) key() latencyKey { return latencyKey{l.Way, l.Start.UnixMicro()} }

// Way is how a POP is probed.
type Way struct {
	POP     string
	Address netip.Addr
	Method  string     // "icmp", "tcp:443"
	Source  netip.Addr // not valid: the system's choice
}

// latencySchema keeps the quantiles beside the histogram for whoever reads the file with other tools; what spans several
// rows is taken of the histograms together. Times are microseconds. lost and late are what the batches had; of the lost,
// recovered were answered after all.
const latencySchema = `DROP TABLE latency;
	CREATE TABLE latency (
		pop TEXT NOT NULL, at INTEGER NOT NULL, address TEXT NOT NULL, method TEXT NOT NULL, source TEXT NOT NULL,
		span INTEGER NOT NULL, batches INTEGER NOT NULL, sent INTEGER NOT NULL, received INTEGER NOT NULL, late INTEGER NOT NULL,
		refused INTEGER NOT NULL, unreachable INTEGER NOT NULL, lost INTEGER NOT NULL, recovered INTEGER NOT NULL,
		local_drop INTEGER NOT NULL, duplicate INTEGER NOT NULL, alien INTEGER NOT NULL, ts_source TEXT NOT NULL,
		rtts INTEGER NOT NULL, min INTEGER NOT NULL, p50 INTEGER NOT NULL, p95 INTEGER NOT NULL, p99 INTEGER NOT NULL,
		max INTEGER NOT NULL, histogram BLOB NOT NULL,
		jitter INTEGER AS (p95 - p50), loss REAL AS (1.0 * (lost + unreachable - min(lost, recovered)) / max(1, sent - local_drop)),
		PRIMARY KEY (pop, at, address, method, source)
	) WITHOUT ROWID;
	CREATE INDEX latency_by_time ON latency (at);`

const insertLatency = `REPLACE INTO latency (pop, at, address, method, source, span, batches, sent, received, late, refused,
	unreachable, lost, recovered, local_drop, duplicate, alien, ts_source, rtts, min, p50, p95, p99, max, histogram)
	VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`

func (w *writer) latency(l *Latency) {
	histogram, err := l.Times.MarshalBinary()
	if err != nil && w.err == nil {
		w.err = err
	}
	sum := l.Summary()
	w.exec(putLatency, textValue(l.POP), timeValue(l.Start), textValue(l.Address.String()), textValue(l.Method), addrValue(l.Source),
		intValue(l.End.UnixMicro()-l.Start.UnixMicro()), intValue(l.Batches), intValue(l.Sent), intValue(l.Received), intValue(l.Late),
		intValue(l.Refused), intValue(l.Unreachable), intValue(l.Lost), intValue(l.Recovered), intValue(l.LocalDrop),
		intValue(l.Duplicate), intValue(l.Foreign), textValue(l.TSSource), intValue(sum.RTTs), intValue(sum.Min.Microseconds()),
		intValue(sum.P50.Microseconds()), intValue(sum.P95.Microseconds()), intValue(sum.P99.Microseconds()),
		intValue(sum.Max.Microseconds()), blobValue(histogram))
}

// longestSpan is how far a row may reach beyond its start, so that those that began before a window are found.
const longestSpan = 2 * time.Hour

// Latency hands each row that reaches beyond since to take, oldest first within a POP: of one POP, or, where it is "",
// of all. An error of take ends it.
func (s *Store) Latency(ctx context.Context, pop string, since time.Time, take func(Latency) error) error {
	s.catchUp(ctx)
	db := s.database()
	if db == nil {
		return ErrUnavailable
	}
	const columns = `SELECT pop, at, address, method, source, span, batches, sent, received, late, refused, unreachable, lost, recovered,
		local_drop, duplicate, alien, ts_source, min, max, histogram FROM latency WHERE `
	query, args := columns+"at >= ? AND at + span > ? ORDER BY pop, at", []any{since.Add(-longestSpan).UnixMicro(), since.UnixMicro()}
	if pop != "" {
		query, args = columns+"pop = ? AND at >= ? AND at + span > ? ORDER BY at", append([]any{pop}, args...)
	}
	rows, err := db.read.QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("read the latency history: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		l, err := scanLatency(rows)
		if err != nil {
			return fmt.Errorf("read the latency history: %w", err)
		}
		if err := take(l); err != nil {
			return err
		}
	}
	return rows.Err()
}

func scanLatency(row scanner) (l Latency, err error) {
	var (
		address, source      string
		at, span, least, top int64
		histogram            sql.RawBytes
	)
	err = row.Scan(&l.POP, &at, &address, &l.Method, &source, &span, &l.Batches, &l.Sent, &l.Received, &l.Late, &l.Refused,
		&l.Unreachable, &l.Lost, &l.Recovered, &l.LocalDrop, &l.Duplicate, &l.Foreign, &l.TSSource, &least, &top, &histogram)
	if err != nil {
		return l, err
	}
	l.Start, l.End = fromMicros(at), fromMicros(at+span)
	l.Min, l.Max = time.Duration(least)*time.Microsecond, time.Duration(top)*time.Microsecond
	if err := l.Address.UnmarshalText([]byte(address)); err != nil {
		return l, err
	}
	if err := l.Source.UnmarshalText([]byte(source)); err != nil {
		return l, err
	}
	return l, l.Times.UnmarshalBinary(histogram)
}
