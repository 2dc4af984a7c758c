package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"peervane/config"
	"peervane/daemon/notice"
)

// Outcome is what came of one attempt.
type Outcome uint8

// The outcomes. The zero value is the careful one.
const (
	Retry     Outcome = iota // it failed, and may succeed later
	Delivered                // the receiver took it
	Permanent                // this delivery will never be taken: a dead letter
	Gone                     // the receiver wants no more deliveries at all
)

// Result is what a Notifier says of one attempt.
type Result struct {
	Outcome Outcome
	Err     error         // why it was not delivered; with Delivered, to whom it was not; never holds a secret
	After   time.Duration // with Retry: the receiver asked to be left alone so long; 0 = it did not
	Partly  bool          // with Retry: the receiver works, and has taken it for others
}

// Notifier sends deliveries of one channel, one at a time. It makes a single attempt, and bounds its time itself.
type Notifier interface {
	Send(ctx context.Context, d notice.Delivery) Result
	Close() // frees what Send keeps between attempts
}

// Repeater is a Notifier whose receiver forgets what it is not told again.
type Repeater interface {
	Notifier
	// Repeat tells all that stands, in one attempt.
	Repeat(ctx context.Context, standing []notice.Delivery) Result
}

// kind is a kind of channel.
type kind struct {
	name   string
	open   func(c config.Channel, version string) (Notifier, error)
	pace   time.Duration // the least time between two attempts
	repeat time.Duration // for a Repeater: how often what stands is told again
	merges bool          // the receiver knows incidents by their fingerprint: one that fires anew goes on where the last ended
}

// kinds are all that there are; the log needs none.
var kinds = [...]kind{
	{name: "webhook", open: newWebhook},
	{name: "alertmanager", open: newAlertmanager, repeat: repeatAlerts, merges: true},
	{name: "slack", open: newSlack, pace: time.Second},
	{name: "teams", open: newTeams, pace: time.Second},
	{name: "pagerduty", open: newPagerDuty, merges: true},
	{name: "email", open: newEmail},
	{name: "syslog", open: newSyslog},
}

var errNoKind = errors.New("this version has no such kind of channel")

func kindOf(name string) (kind, error) {
	for _, k := range kinds {
		if k.name == name {
			return k, nil
		}
	}
	return kind{}, fmt.Errorf("kind %q: %w", name, errNoKind)
}

// Supported says whether channels of a kind can be sent to.
func Supported(name string) bool {
	_, err := kindOf(name)
	return err == nil
}

// disabled stands in for a channel that answered 410: what is still due goes to the dead letters.
type disabled struct{}

var errDisabled = errors.New("answered 410 Gone: nothing is sent until the channel's configuration changes")

func (disabled) Send(context.Context, notice.Delivery) Result {
	return Result{Outcome: Permanent, Err: errDisabled}
}

func (disabled) Close() {}
