package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math"
	"slices"

	"peervane/daemon/notice"
)

// kvDisabled is the kind under which disabled channels are kept.
const kvDisabled = "channel_disabled"

// Record keeps what became of a delivery: another attempt, delivered, dead. It never waits, and needs no promise: what
// is lost with the process is sent again under the same id.
func (s *Store) Record(d notice.Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	if d.State != notice.Pending {
		s.depth[d.Channel]--
	}
	if d.State == notice.Dead {
		s.dead[d.Channel]++
	}
	s.copy(d)
	s.room().outbox[d.Seq] = d
	s.bound()
	signal(s.lazy)
}

// Pending gives up to limit unfinished deliveries of a channel that come after one, in order: those on disk and, while
// the disk does not answer, those in memory. No row means that there are no more for now. Like a Reader it may give both
// rows and an error: then the disk cannot be read, and the rows are those in memory alone.
func (s *Store) Pending(ctx context.Context, channel string, after int64, limit int) ([]notice.Delivery, error) {
	unwritten := s.unwritten(channel) // before the disk is asked: what is written meanwhile is then found there
	for {
		rows, err := s.pendingOnDisk(ctx, channel, after, limit)
		full, end := len(rows) == limit, int64(math.MaxInt64)
		if full {
			end = rows[limit-1].Seq
		}
		rows = overlay(rows, unwritten, after, end)
		if err != nil {
			err = fmt.Errorf("read the outbox: %w", err)
		}
		if len(rows) > 0 || !full || err != nil {
			return rows[:min(limit, len(rows))], err
		}
		after = end
	}
}

// overlay applies what is known later of rows, adds those between after and end, and leaves out what is finished.
func overlay(rows []notice.Delivery, later map[int64]notice.Delivery, after, end int64) []notice.Delivery {
	merged := make(map[int64]notice.Delivery, len(rows))
	for _, d := range rows {
		merged[d.Seq] = d
	}
	for seq, d := range later {
		if seq > after && seq <= end {
			merged[seq] = d
		}
	}
	maps.DeleteFunc(merged, func(_ int64, d notice.Delivery) bool { return d.State != notice.Pending })
	return slices.SortedFunc(maps.Values(merged), bySeq)
}

func bySeq(a, b notice.Delivery) int { return cmp.Compare(a.Seq, b.Seq) }

// unwritten gives what memory alone knows of a channel's deliveries; it leaves out what nobody was told of yet.
func (s *Store) unwritten(channel string) map[int64]notice.Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := map[int64]notice.Delivery{}
	for _, p := range s.unsettled() {
		for seq, d := range p.outbox {
			untold := s.trouble == nil && seq > s.told && !p.inRedo && d.State == notice.Pending && d.Attempts == 0
			if d.Channel == channel && !untold {
				found[seq] = d
			}
		}
	}
	return found
}

const outboxColumns = "SELECT seq, delivery, channel, incident, body, created, dead, attempts, next_at, error FROM outbox "

func (s *Store) pendingOnDisk(ctx context.Context, channel string, after int64, limit int) ([]notice.Delivery, error) {
	return query(ctx, s, scanDelivery, outboxColumns+"WHERE dead = 0 AND channel = ? AND seq > ? ORDER BY seq LIMIT ?",
		channel, after, limit)
}

func scanDelivery(row scanner) (notice.Delivery, error) {
	var (
		d       notice.Delivery
		created int64
		dead    bool
		next    sql.NullInt64
	)
	err := row.Scan(&d.Seq, &d.ID, &d.Channel, &d.Incident, &d.Body, &created, &dead, &d.Attempts, &next, &d.Error)
	d.Created, d.NextAt = fromMicros(created), fromNullable(next)
	if dead {
		d.State = notice.Dead
	}
	return d, err
}

// Depth counts the unfinished deliveries of a channel.
func (s *Store) Depth(channel string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.depth[channel]
}

// census is what an outbox holds.
type census struct {
	last        int64          // the last number that was given
	depth, dead map[string]int // by channel
}

func takeCensus(ctx context.Context, db *sql.DB) (c census, err error) {
	c.depth, c.dead = map[string]int{}, map[string]int{}
	if err := db.QueryRowContext(ctx, "SELECT coalesce(max(seq), 0) FROM outbox").Scan(&c.last); err != nil {
		return c, err
	}
	rows, err := db.QueryContext(ctx, "SELECT dead, channel, count(*) FROM outbox GROUP BY dead, channel")
	if err != nil {
		return c, err
	}
	defer rows.Close()
	for rows.Next() {
		var dead bool
		var channel string
		var n int
		if err := rows.Scan(&dead, &channel, &n); err != nil {
			return c, err
		}
		if dead {
			c.dead[channel] = n
		} else {
			c.depth[channel] = n
		}
	}
	return c, rows.Err()
}

// Disable keeps that a channel wants no more deliveries as it is configured now: config tells that from any other
// configuration.
func (s *Store) Disable(channel, config string) {
	s.Submit(Batch{KV: []KV{{Kind: kvDisabled, Key: channel, Value: []byte(config)}}}, nil)
}

// Disabled gives the configuration under which a channel was disabled last; "" when it never was.
func (s *Store) Disabled(ctx context.Context, channel string) (config string, err error) {
	key := kvKey{kvDisabled, channel}
	s.mu.Lock()
	for _, p := range slices.Backward(s.unsettled()) {
		if value, ok := p.kv[key]; ok {
			s.mu.Unlock()
			return string(value), nil
		}
	}
	s.mu.Unlock()
	found, err := query(ctx, s, scanKV, "SELECT kind, key, value FROM kv WHERE kind = ? AND key = ?", key.kind, key.key)
	if err != nil || len(found) == 0 {
		return "", err
	}
	return string(found[0].Value), nil
}
