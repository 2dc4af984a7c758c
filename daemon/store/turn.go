package store

import (
	"time"

	"golang.org/x/sys/unix"
)

// longTurn is how long a processor is kept while others may wait for it.
const longTurn = 200 * time.Microsecond

// turn is one at a processor. A transaction takes tens of milliseconds, and on a small machine the kernel lets what is woken
// meanwhile, such as a session with an UPDATE to read, wait for its next tick: up to 4 ms.
type turn struct{ began time.Time }

func newTurn() turn { return turn{time.Now()} }

// offer gives the processor to whoever waits for it, if the turn was long.
func (t *turn) offer() {
	if now := time.Now(); now.Sub(t.began) >= longTurn {
		t.began = now
		unix.Syscall(unix.SYS_SCHED_YIELD, 0, 0, 0) // it cannot fail
	}
}
