package daemon

import (
	"context"
	"sync"

	"peervane/daemon/api"
)

const (
	maxFollowers = 32
	followBehind = 1000 // notices that a follower may be behind
)

// followers are those who want to see every notice as it is told. Nobody waits for them: one that is too far behind misses
// some, and is told how many. The zero value has none.
type followers struct {
	mu  sync.Mutex
	all map[*follower]bool
}

type follower struct {
	told   chan api.Told
	missed int // under the lock of followers
}

// Follow gives every notice that is told from now on, until ctx ends.
func (d *Daemon) Follow(ctx context.Context) (<-chan api.Told, error) {
	f := &follower{told: make(chan api.Told, followBehind)}
	d.followers.mu.Lock()
	defer d.followers.mu.Unlock()
	if len(d.followers.all) >= maxFollowers {
		return nil, api.ErrTooMany
	}
	if d.followers.all == nil {
		d.followers.all = map[*follower]bool{}
	}
	d.followers.all[f] = true
	context.AfterFunc(ctx, func() {
		d.followers.mu.Lock()
		defer d.followers.mu.Unlock()
		delete(d.followers.all, f)
	})
	return f.told, nil
}

// tell hands on what was told.
func (fs *followers) tell(body []byte, held string) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for f := range fs.all {
		select {
		case f.told <- api.Told{Body: body, Held: held, Missed: f.missed}:
			f.missed = 0
		default:
			f.missed++
		}
	}
}
