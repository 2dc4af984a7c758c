package notify

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/oklog/ulid/v2"
	"go.uber.org/zap"

	"peervane/daemon/notice"
)

const (
	// stalled is how old the engine's last sign of life may be for a heartbeat to be sent. The engine gives one every minute
	// at the least.
	stalled     = 150 * time.Second
	lookForLife = time.Second // while there is no sign of it
)

// heart makes the notices of a dead man's switch. They are of one incident for as long as the channel is open.
type heart struct {
	source string
	alive  func() time.Time
	first  notice.Notice
	held   bool // heartbeats are withheld
}

func newHeart(opts Options) *heart { return &heart{source: opts.Source, alive: opts.Alive} }

// beat is the chore of saying that all is well. It bypasses the outbox: one that is late says nothing, and must not be
// sent in its place when the next is due. While the engine stands still it is withheld, since it speaks for the engine.
func (c *channel) beat(h *heart) func(context.Context, time.Time) (Result, bool) {
	return func(ctx context.Context, now time.Time) (Result, bool) {
		if idle := now.Sub(h.alive()); idle > stalled {
			if !h.held && !h.alive().IsZero() { // before its first sign of life it only begins
				c.log.Error("heartbeat withheld: the engine stands still", zap.Duration("idle", idle))
			}
			h.held = true
			return Result{}, false
		}
		h.held = false
		d, err := h.delivery(now)
		if err != nil {
			return Result{Outcome: Permanent, Err: err}, true
		}
		return c.notifier.Send(ctx, d), true
	}
}

func (h *heart) delivery(now time.Time) (notice.Delivery, error) {
	if h.first.Incident == "" {
		h.first = notice.Notice{
			Incident: newID(now), Fingerprint: notice.Identity{Type: notice.Heartbeat, Peer: h.source}.Fingerprint(),
			Status: notice.Firing, Type: notice.Heartbeat, Severity: notice.Info,
			Summary: "peervane on " + h.source + " is alive", StartedAt: notice.At(now), Source: h.source,
		}
	}
	n := h.first
	n.Delivery, n.UpdatedAt = newID(now), notice.At(now)
	body, err := n.Body()
	return notice.Delivery{ID: n.Delivery, Incident: n.Incident, Body: body, Created: now}, err
}

func newID(now time.Time) string { return ulid.MustNew(ulid.Timestamp(now), rand.Reader).String() }
