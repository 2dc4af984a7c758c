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
	Err     error         // why it was not delivered; never holds a secret
	After   time.Duration // with Retry: the receiver asked to be left alone so long; 0 = it did not
}

// Notifier sends deliveries of one channel, one at a time. It makes a single attempt, and bounds its time itself.
type Notifier interface {
	Send(ctx context.Context, d notice.Delivery) Result
	Close() // frees what Send keeps between attempts
}

// kind is a kind of channel.
type kind struct {
	name string
	open func(c config.Channel, version string) (Notifier, error)
}

// kinds are all that there are; the log needs none.
var kinds = [...]kind{
	{"webhook", newWebhook},
}

var errNoKind = errors.New("this version has no such kind of channel")

func openNotifier(c config.Channel, version string) (Notifier, error) {
	for _, k := range kinds {
		if k.name == c.Kind {
			return k.open(c, version)
		}
	}
	return nil, fmt.Errorf("kind %q: %w", c.Kind, errNoKind)
}

// Supported says whether channels of a kind can be sent to.
func Supported(name string) bool {
	for _, k := range kinds {
		if k.name == name {
			return true
		}
	}
	return false
}

// disabled stands in for a channel that answered 410: what is still due goes to the dead letters.
type disabled struct{}

var errDisabled = errors.New("the channel is disabled: it answered 410 Gone; change its configuration to enable it")

func (disabled) Send(context.Context, notice.Delivery) Result {
	return Result{Outcome: Permanent, Err: errDisabled}
}

func (disabled) Close() {}
