package daemon

import (
	"context"
	"runtime/debug"
)

// giveBack returns to the system what was needed for a moment, by a start or a reload: reading a million prefixes takes
// several times what stays of them.
func (d *Daemon) giveBack(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.settled:
			debug.FreeOSMemory()
		}
	}
}
