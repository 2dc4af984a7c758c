package daemon

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"

	"peervane/daemon/api"
	"peervane/daemon/incident"
	"peervane/daemon/notice"
	"peervane/daemon/store"
)

// maxMembers bounds what is shown of a group.
const maxMembers = 1_000

// openIncidents shows each open incident that no group tells of, the latest first.
func (d *Daemon) openIncidents() []api.Incident {
	order := d.engine.book.Loud()
	slices.SortFunc(order, func(a, b *incident.Record) int {
		if later := b.Notice.UpdatedAt.Compare(a.Notice.UpdatedAt.Time); later != 0 {
			return later
		}
		return cmp.Compare(a.ID(), b.ID())
	})
	out := make([]api.Incident, len(order))
	for i, r := range order {
		out[i] = d.shown(r)
	}
	return out
}

// shown is an incident as it is shown; the engine's goroutine calls it.
func (d *Daemon) shown(r *incident.Record) api.Incident {
	return shownOf(r, d.publisher.told[r.ID()])
}

func shownOf(r *incident.Record, told notice.Told) api.Incident {
	shown := api.Incident{Notice: r.Notice, Life: api.Life{
		HeldBack: r.Held, Flapping: r.Flapping, Group: r.Group, Told: some(slices.Sorted(maps.Keys(told))),
	}}
	if r.Ack != nil {
		shown.Acknowledged = &api.Ack{By: r.Ack.By, At: notice.At(r.Ack.At), Comment: r.Ack.Comment}
	}
	return shown
}

func storedIncidents(rows []store.Incident) []api.Incident {
	var out []api.Incident
	for _, row := range rows {
		r, _ := incident.Decode(row.Notice, row.State) // of what cannot be read the rest is shown
		out = append(out, shownOf(&r, row.Told))
	}
	return out
}

// Ended reads the incidents that ended.
func (d *Daemon) Ended(ctx context.Context, most int) ([]api.Incident, error) {
	rows, err := d.store.Incidents(ctx, notice.Resolved, "", most)
	return storedIncidents(rows), err
}

// Members gives what a group tells of, the open ones first.
func (d *Daemon) Members(ctx context.Context, group string) ([]api.Incident, error) {
	var out []api.Incident
	if !d.call(ctx, func() {
		for _, r := range d.engine.book.Members(group) {
			out = append(out, d.shown(r))
		}
	}) {
		return nil, context.Cause(ctx)
	}
	slices.SortFunc(out, func(a, b api.Incident) int { return cmp.Compare(a.Incident, b.Incident) })
	if len(out) >= maxMembers {
		return out[:maxMembers], nil
	}
	rows, err := d.store.Incidents(ctx, notice.Resolved, group, maxMembers-len(out))
	return append(out, storedIncidents(rows)...), err
}

// Incident gives one, open or ended, with all that is known of it; api.ErrUnknown when there is none.
func (d *Daemon) Incident(ctx context.Context, id string) (api.Detail, error) {
	var detail api.Detail
	found := false
	if !d.call(ctx, func() {
		if r := d.engine.book.Record(id); r != nil {
			detail.Incident, found = d.shown(r), true
		}
	}) {
		return detail, context.Cause(ctx)
	}
	if !found {
		row, err := d.store.Incident(ctx, id)
		if errors.Is(err, sql.ErrNoRows) {
			return detail, api.ErrUnknown
		}
		if err != nil {
			return detail, err
		}
		detail.Incident = storedIncidents([]store.Incident{row})[0]
	}
	rows, err := d.store.Unfinished(ctx, id)
	detail.Undelivered = []api.Undelivered{}
	for _, row := range rows {
		n, _ := notice.Parse(row.Body)
		detail.Undelivered = append(detail.Undelivered, api.Undelivered{
			Channel: row.Channel, Delivery: row.ID, Status: n.Status, CreatedAt: notice.At(row.Created), Attempts: row.Attempts,
			NextAt: notice.At(row.NextAt), Dead: row.State == notice.Dead, Error: row.Error,
		})
	}
	return detail, err
}
