package probe

import (
	"slices"
	"sync"

	"go.uber.org/zap"
)

// laneRoom bounds the flows and batches on one lane; the next flow opens
// another. A flow with a batch under way counts twice.
const laneRoom = 4096

// lanes opens and closes lanes as flows need them: few sockets, however many
// the targets.
type lanes struct {
	log   *zap.Logger
	clock clock

	mu     sync.Mutex
	open   map[lanePath][]*lane // in order of serial
	serial uint64
}

func newLanes(log *zap.Logger) *lanes {
	return &lanes{log: log, clock: systemClock, open: make(map[lanePath][]*lane)}
}

// acquire gives a lane of this path with a serial after the given one, and a
// reference to it. A flow that leaves lane after lane never comes back to an
// id that it has used; and since all take the latest with room, those that
// wander together leave the lanes behind them empty.
func (p *lanes) acquire(path lanePath, after uint64) (*lane, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range slices.Backward(p.open[path]) {
		if l.serial > after && l.refs < laneRoom {
			l.refs++
			return l, nil
		}
	}
	l, err := openLane(path, p.serial+1, p.clock)
	if err != nil {
		return nil, err
	}
	p.serial++
	p.open[path] = append(p.open[path], l)
	l.refs = 1
	p.log.Debug("icmp socket opened", zap.Bool("raw", l.raw), zap.Uint16("id", l.id))
	return l, nil
}

// retain adds a reference to a lane that the caller has one to.
func (p *lanes) retain(l *lane) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.refs++
}

// release drops a reference, and closes the lane with the last.
func (p *lanes) release(l *lane) {
	p.mu.Lock()
	l.refs--
	last := l.refs == 0
	if last {
		p.open[l.path] = slices.DeleteFunc(p.open[l.path], func(o *lane) bool { return o == l })
		if len(p.open[l.path]) == 0 {
			delete(p.open, l.path)
		}
	}
	p.mu.Unlock()
	if last {
		l.close()
	}
}
