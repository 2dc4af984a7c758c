package probe

import (
	"context"

	"go.uber.org/zap"
)

// kinds is the registry: a new kind of probe is a file and a line here.
var kinds = []kind{
	{name: "icmp", open: openICMP},
	{name: "tcp", open: openTCP},
}

// kind is one way to probe. open is called once by each Scheduler.Run.
type kind struct {
	name string
	open func(*zap.Logger) maker
}

// maker makes the probers of a kind and holds what they share, such as sockets.
type maker interface {
	// prober makes the prober of one target. It sends nothing and cannot fail:
	// what stands in the way is told by each batch, and tried again.
	prober(Target) prober
	// close ends what is shared, once every prober is closed.
	close()
}

// prober probes one target.
type prober interface {
	// probe runs one batch to its end, or until ctx is done. Batches of one
	// target may overlap.
	probe(ctx context.Context, s Settings) Batch
	close()
}
