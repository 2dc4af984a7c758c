package probe

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// batchQueue bounds the batches that wait for their reader.
const batchQueue = 4096

// Scheduler probes a set of targets for ever and hands out the batches.
type Scheduler struct {
	log      *zap.Logger
	settings atomic.Pointer[Settings]
	kinds    []kind
	out      chan Batch
	dropped  atomic.Uint64

	mu      sync.Mutex // guards targets and bursts
	targets []Target
	bursts  map[netip.Addr]struct{}
	changed chan struct{} // a token: targets or bursts are new
}

// New is inert: nothing is opened or sent before Run.
func New(s Settings, log *zap.Logger) *Scheduler {
	return newScheduler(s, log, kinds)
}

func newScheduler(s Settings, log *zap.Logger, kinds []kind) *Scheduler {
	scheduler := &Scheduler{
		log:     log,
		kinds:   kinds,
		out:     make(chan Batch, batchQueue),
		bursts:  make(map[netip.Addr]struct{}),
		changed: make(chan struct{}, 1),
	}
	scheduler.Configure(s)
	return scheduler
}

// String names the task.
func (s *Scheduler) String() string { return "probe scheduler" }

// Batches is where the results come out. Nobody has to read them: when it is
// full the oldest is dropped and counted.
func (s *Scheduler) Batches() <-chan Batch { return s.out }

// Dropped counts the batches that nobody took in time.
func (s *Scheduler) Dropped() uint64 { return s.dropped.Load() }

// Configure replaces the settings; each target follows from its next batch on.
func (s *Scheduler) Configure(settings Settings) {
	settings = settings.sane()
	s.settings.Store(&settings)
}

// Set replaces the targets. Those that stay are left as they are, in the
// middle of a batch too. It may be called before and during Run.
func (s *Scheduler) Set(targets []Target) {
	s.mu.Lock()
	s.targets = append([]Target(nil), targets...)
	s.mu.Unlock()
	s.wake()
}

// Burst starts an extra batch to every target of an address, at once.
func (s *Scheduler) Burst(addr netip.Addr) {
	s.mu.Lock()
	s.bursts[addr.Unmap()] = struct{}{}
	s.mu.Unlock()
	s.wake()
}

func (s *Scheduler) wake() {
	select {
	case s.changed <- struct{}{}:
	default: // a token waits already
	}
}

// Run probes until ctx is done, and waits for all that it started.
func (s *Scheduler) Run(ctx context.Context) error {
	fleet := newFleet(s)
	defer fleet.close()
	for {
		s.mu.Lock()
		targets, bursts := s.targets, s.bursts
		s.bursts = make(map[netip.Addr]struct{})
		s.mu.Unlock()
		fleet.set(ctx, targets)
		fleet.burst(bursts)
		select {
		case <-ctx.Done():
			return nil
		case <-s.changed:
		}
	}
}

// emit hands out a batch without ever waiting for its reader.
func (s *Scheduler) emit(b Batch) {
	for {
		select {
		case s.out <- b:
			return
		default:
		}
		select {
		case <-s.out:
			s.dropped.Add(1)
		default:
		}
	}
}

// jitter is a random part of the interval, so that targets do not start, and
// then go on, all at the same moment.
func jitter(interval time.Duration) time.Duration {
	return rand.N(interval)
}
