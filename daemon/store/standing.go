package store

import (
	"context"
	"fmt"

	"peervane/daemon/notice"
)

// Standing gives each open incident that a channel was told of and whose end it is owed, oldest first, as a delivery of
// what was told last.
func (s *Store) Standing(ctx context.Context, channel string) ([]notice.Delivery, error) {
	s.catchUp(ctx)
	scan := func(row scanner) (notice.Delivery, error) {
		d := notice.Delivery{Channel: channel}
		var updated int64
		err := row.Scan(&d.Incident, &d.Body, &updated)
		d.Created = fromMicros(updated)
		return d, err
	}
	// told is {"channel": owed, …}.
	found, err := query(ctx, s, scan, `SELECT id, notice, updated FROM incidents WHERE resolved IS NULL
		AND EXISTS (SELECT 1 FROM json_each(told) WHERE key = ? AND value) ORDER BY started, id`, channel)
	if err != nil {
		return nil, fmt.Errorf("read what stands: %w", err)
	}
	return found, nil
}
