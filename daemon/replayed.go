package daemon

import (
	"context"
	"time"

	"go.uber.org/zap"

	"peervane/daemon/notice"
	"peervane/daemon/store"
)

// What a channel was told last of a condition is what its receiver goes by. A dead letter that is replayed comes late: behind it
// is told what has been true since.

// heard is what is told late: something of an incident, or of a condition, to a channel.
type heard struct{ what, channel string }

// latest gives the last letter of each, and the order of the first.
func latest(page []letter, what func(*letter) string) (last map[heard]*letter, order []heard) {
	last = map[heard]*letter{}
	for i := range page {
		l := &page[i]
		h := heard{what(l), l.Channel}
		if last[h] == nil {
			order = append(order, h)
		}
		last[h] = l
	}
	return last, order
}

// ends tells the end of incidents that have ended, to each channel that hears so: nothing stays open at the receiver.
func (d *Daemon) ends(ctx context.Context, page []letter, now time.Time) (rows []notice.Delivery) {
	last, order := latest(page, func(l *letter) string { return l.Incident })
	for _, h := range order {
		if last[h].notice.Status == notice.Resolved {
			continue
		}
		stored, err := d.store.Incident(ctx, h.what)
		if err != nil || stored.Resolved.IsZero() || !stored.Told[h.channel] {
			continue // it stands, or nobody knows of it any more, or the channel wants no end
		}
		rows = append(rows, again(&stored, h.channel, now, func(*notice.Notice) {})...)
	}
	return rows
}

// standing tells what stands, where that was told before: more of the same incident, or a later one of the same condition, which
// a receiver that knows it by the fingerprint would take for ended.
func (d *Daemon) standing(ctx context.Context, page []letter, now time.Time) (rows []notice.Delivery) {
	last, order := latest(page, func(l *letter) string { return l.notice.Fingerprint })
	var fingerprints []string
	for _, h := range order {
		fingerprints = append(fingerprints, h.what)
	}
	open, err := d.store.OpenOf(ctx, fingerprints)
	if err != nil {
		d.log.Warn("what stands cannot be told behind dead letters", zap.Error(err))
		return nil
	}
	for _, h := range order {
		var stands *store.Incident
		for i := range open {
			if _, told := open[i].Told[h.channel]; told && open[i].Fingerprint == h.what {
				stands = &open[i]
			}
		}
		if l := last[h]; stands == nil || l.Incident == stands.ID && !l.notice.UpdatedAt.Before(stands.Updated) {
			continue // nothing, or just what the letter says
		}
		rows = append(rows, again(stands, h.channel, now, func(n *notice.Notice) { n.Status, n.Reason = notice.Updated, notice.ReasonReplayed })...)
	}
	return rows
}

// again tells a channel once more what was told last of an incident; nothing where that cannot be read.
func again(of *store.Incident, channel string, now time.Time, as func(*notice.Notice)) []notice.Delivery {
	n, err := notice.Parse(of.Notice)
	if err != nil {
		return nil
	}
	n.Delivery = randomID("", now, 0)
	as(&n)
	body, err := n.Body()
	if err != nil {
		return nil
	}
	return []notice.Delivery{{ID: n.Delivery, Channel: channel, Incident: of.ID, Body: body, Created: now}}
}
