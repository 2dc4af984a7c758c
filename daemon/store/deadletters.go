package store

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"peervane/daemon/notice"
)

// DeadLetters gives up to limit deliveries that were given up and come after one, oldest first; none when there are no
// more. They are kept until they are forgotten or submitted again.
func (s *Store) DeadLetters(ctx context.Context, after int64, limit int) ([]notice.Delivery, error) {
	s.mu.Lock()
	fresh, gone := map[int64]notice.Delivery{}, map[int64]bool{}
	for _, p := range s.unsettled() {
		for seq, d := range p.outbox {
			if d.State == notice.Dead && seq > after {
				fresh[seq] = d
			}
		}
		for seq := range p.forget {
			delete(fresh, seq)
			gone[seq] = true
		}
	}
	s.mu.Unlock()
	rows, err := query(ctx, s, scanDelivery, outboxColumns+"WHERE dead = 1 AND seq > ? ORDER BY seq LIMIT ?", after, limit+len(gone))
	if err != nil {
		return nil, fmt.Errorf("read the dead letters: %w", err)
	}
	end := int64(math.MaxInt64)
	if len(rows) == limit+len(gone) {
		end = rows[len(rows)-1].Seq
	}
	rows = slices.DeleteFunc(rows, func(d notice.Delivery) bool { _, twice := fresh[d.Seq]; return gone[d.Seq] || twice })
	for _, d := range fresh {
		if d.Seq <= end {
			rows = append(rows, d)
		}
	}
	slices.SortFunc(rows, bySeq)
	return rows[:min(limit, len(rows))], nil
}

// Unfinished gives the deliveries about an incident that no channel has taken yet, dead letters among them, oldest first.
func (s *Store) Unfinished(ctx context.Context, incident string) ([]notice.Delivery, error) {
	later := map[int64]notice.Delivery{}
	s.mu.Lock()
	for _, p := range s.unsettled() {
		for seq, d := range p.outbox {
			if d.Incident == incident {
				later[seq] = d
			}
		}
		for seq := range p.forget {
			later[seq] = notice.Delivery{State: notice.Delivered}
		}
	}
	s.mu.Unlock()
	rows, err := query(ctx, s, scanDelivery, outboxColumns+"WHERE incident = ? ORDER BY seq", incident)
	if err != nil {
		return nil, fmt.Errorf("read the outbox: %w", err)
	}
	for _, d := range rows {
		if _, known := later[d.Seq]; !known {
			later[d.Seq] = d
		}
	}
	maps.DeleteFunc(later, func(_ int64, d notice.Delivery) bool { return d.State == notice.Delivered })
	return slices.SortedFunc(maps.Values(later), bySeq), nil
}

// Dead counts the dead letters of a channel.
func (s *Store) Dead(channel string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dead[channel]
}

// Latest is the number of the delivery that was submitted last.
func (s *Store) Latest() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seq
}
