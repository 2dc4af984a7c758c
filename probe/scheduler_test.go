package probe

import (
	"context"
	"maps"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"
	"go.uber.org/zap/zaptest/observer"

	"peervane/probe/stats"
)

// fakeKind probes nothing and notes what it was asked.
type fakeKind struct {
	takes  time.Duration // of one batch
	mu     sync.Mutex    // guards all below
	failed string        // the Err of each batch
	made   map[Target]int
	closed map[Target]int
	ended  bool
}

func newFake(takes time.Duration) *fakeKind {
	return &fakeKind{takes: takes, made: make(map[Target]int), closed: make(map[Target]int)}
}

func (k *fakeKind) kinds() []kind {
	return []kind{{name: "icmp", open: func(*zap.Logger) maker { return k }}}
}

func (k *fakeKind) prober(t Target) prober {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.made[t]++
	return fakeProber{k, t}
}

func (k *fakeKind) close() { k.ended = true }

// counts gives how many probers were made and closed of each target.
func (k *fakeKind) counts() (made, closed map[Target]int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return maps.Clone(k.made), maps.Clone(k.closed)
}

func (k *fakeKind) fail(err string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.failed = err
}

func (k *fakeKind) failure() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.failed
}

type fakeProber struct {
	kind   *fakeKind
	target Target
}

func (p fakeProber) probe(ctx context.Context, s Settings) Batch {
	b := Batch{Target: p.target, Err: p.kind.failure()}
	b.Started = time.Now()
	select {
	case <-ctx.Done():
	case <-time.After(p.kind.takes):
	}
	b.Ended = time.Now()
	b.add(Outcome{Kind: stats.Reply, RTT: p.kind.takes, TSSource: SourceKernel})
	return b
}

func (p fakeProber) close() {
	p.kind.mu.Lock()
	defer p.kind.mu.Unlock()
	p.kind.closed[p.target]++
}

func target(addr string) Target {
	return Target{POP: "p", Addr: netip.MustParseAddr(addr), Method: ICMP}
}

// schedule runs a scheduler over a fake kind, in a synctest bubble.
func schedule(t *testing.T, k *fakeKind, s Settings, body func(*testing.T, *Scheduler)) {
	synctest.Test(t, func(t *testing.T) {
		scheduler := newScheduler(s, zaptest.NewLogger(t), k.kinds())
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- scheduler.Run(ctx) }()
		body(t, scheduler)
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		if !k.ended {
			t.Error("Run did not close the kind")
		}
		made, closed := k.counts()
		expect(t, closed, made)
	})
}

// taken empties the batches that wait.
func taken(s *Scheduler) []Batch {
	synctest.Wait()
	var batches []Batch
	for {
		select {
		case b := <-s.Batches():
			batches = append(batches, b)
		default:
			return batches
		}
	}
}

var everySecond = Settings{Interval: time.Second, Packets: 1, Timeout: time.Second}

func TestScheduleKeepsTheInterval(t *testing.T) {
	schedule(t, newFake(time.Millisecond), everySecond, func(t *testing.T, s *Scheduler) {
		s.Set([]Target{target("192.0.2.1")})
		time.Sleep(time.Minute)
		batches := taken(s)
		expect(t, len(batches), 60)
		for i, b := range batches[1:] {
			expect(t, b.Started.Sub(batches[i].Started), time.Second)
		}
	})
}

func TestScheduleJittersTheStart(t *testing.T) {
	schedule(t, newFake(time.Millisecond), everySecond, func(t *testing.T, s *Scheduler) {
		var targets []Target
		for i := range 100 {
			targets = append(targets, Target{POP: "p", Addr: netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), Method: ICMP})
		}
		s.Set(targets)
		begin := time.Now()
		time.Sleep(time.Second + 2*time.Millisecond)
		halves := [2]int{}
		for _, b := range taken(s)[:100] {
			halves[int(2*b.Started.Sub(begin)/time.Second)%2]++
		}
		if halves[0] < 20 || halves[1] < 20 {
			t.Errorf("starts by half of the interval: %v", halves)
		}
	})
}

func TestSetLeavesWhatStays(t *testing.T) {
	k := newFake(10 * time.Second)
	schedule(t, k, everySecond, func(t *testing.T, s *Scheduler) {
		stays, goes, comes := target("192.0.2.1"), target("192.0.2.2"), target("192.0.2.3")
		s.Set([]Target{stays, goes})
		time.Sleep(5 * time.Second)
		s.Set([]Target{stays, comes, comes})
		synctest.Wait()
		made, closed := k.counts()
		expect(t, made, map[Target]int{stays: 1, goes: 1, comes: 1})
		expect(t, closed, map[Target]int{goes: 1})
		time.Sleep(time.Minute)
		seen := make(map[Target]int)
		for _, b := range taken(s) {
			seen[b.Target]++
		}
		expect(t, seen[goes], 0)
		if seen[stays] < 50 || seen[comes] < 45 {
			t.Errorf("batches: %v", seen)
		}
	})
}

func TestBurstIsAtOnceAndExtra(t *testing.T) {
	schedule(t, newFake(time.Millisecond), Settings{Interval: time.Hour, Packets: 1, Timeout: time.Second}, func(t *testing.T, s *Scheduler) {
		one, two := target("192.0.2.1"), target("192.0.2.2")
		s.Set([]Target{one, two})
		synctest.Wait()
		for range 10 {
			s.Burst(one.Addr)
		}
		time.Sleep(5 * time.Millisecond)
		batches := taken(s)
		if len(batches) == 0 || len(batches) > 2 {
			t.Fatalf("%d batches for ten requests at once", len(batches))
		}
		expect(t, batches[0].Target, one)
		expect(t, batches[0].Burst, true)
	})
}

func TestBurstsDoNotPileUp(t *testing.T) {
	schedule(t, newFake(time.Second), Settings{Interval: time.Hour, Packets: 1, Timeout: time.Second}, func(t *testing.T, s *Scheduler) {
		s.Set([]Target{target("192.0.2.1")})
		for range 100 { // routes that change every 100 ms for 10 s
			s.Burst(target("192.0.2.1").Addr)
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(2 * time.Second)
		if n := len(taken(s)); n < 10 || n > 12 {
			t.Errorf("%d batches of 1 s in 10 s", n)
		}
	})
}

func TestBurstBeforeRunIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(Settings{Interval: time.Hour}, zap.NewNop(), newFake(0).kinds())
		s.Set([]Target{target("192.0.2.1")})
		s.Burst(target("192.0.2.1").Addr)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.Run(ctx) }()
		time.Sleep(time.Millisecond)
		expect(t, len(taken(s)), 1)
		cancel()
		<-ended
	})
}

func TestSlowBatchesOverlapAndStayInOrder(t *testing.T) {
	schedule(t, newFake(5*time.Second), everySecond, func(t *testing.T, s *Scheduler) {
		s.Set([]Target{target("192.0.2.1")})
		time.Sleep(time.Minute)
		batches := taken(s)
		if len(batches) < 54 {
			t.Errorf("%d batches of 5 s in a minute at an interval of 1 s", len(batches))
		}
		for i, b := range batches[1:] {
			if !b.Started.After(batches[i].Started) {
				t.Errorf("batch %d came before the one that started before it", i+1)
			}
		}
	})
}

func TestOverlapIsBounded(t *testing.T) {
	schedule(t, newFake(time.Hour), everySecond, func(t *testing.T, s *Scheduler) {
		s.Set([]Target{target("192.0.2.1")})
		time.Sleep(time.Hour + 5*time.Minute)
		if n := len(taken(s)); n != maxOverlap {
			t.Errorf("%d batches were under way at once, want %d", n, maxOverlap)
		}
	})
}

func TestFullQueueDropsTheOldest(t *testing.T) {
	s := newScheduler(everySecond, zap.NewNop(), nil)
	for i := range batchQueue + 10 {
		s.emit(Batch{Sample: stats.Sample{Sent: i}})
	}
	expect(t, s.Dropped(), uint64(10))
	expect(t, (<-s.Batches()).Sent, 10)
}

func TestConfigureAppliesToTargetsThatStay(t *testing.T) {
	schedule(t, newFake(0), everySecond, func(t *testing.T, s *Scheduler) {
		s.Set([]Target{target("192.0.2.1")})
		time.Sleep(10 * time.Second)
		taken(s)
		s.Configure(Settings{Interval: 10 * time.Second, Packets: 1, Timeout: time.Second})
		time.Sleep(time.Minute)
		if n := len(taken(s)); n < 6 || n > 7 {
			t.Errorf("%d batches in a minute after the interval became 10 s", n)
		}
	})
}

func TestFailureIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logged := observer.New(zap.InfoLevel)
		k := newFake(0)
		k.fail("no such interface")
		s := newScheduler(everySecond, zap.New(core), k.kinds())
		s.Set([]Target{target("192.0.2.1")})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.Run(ctx) }()
		time.Sleep(10 * time.Second)
		k.fail("")
		time.Sleep(10 * time.Second)
		cancel()
		<-ended
		var messages []string
		for _, entry := range logged.All() {
			messages = append(messages, entry.Message)
		}
		expect(t, messages, []string{"probe fails", "probe works again"})
	})
}
