package notify

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"time"

	"go.uber.org/zap"

	"peervane/config"
	"peervane/daemon/notice"
)

// Journal is the outbox as a channel needs it. Deliveries are in it, on disk, before they are sent.
type Journal interface {
	// Pending gives up to limit unfinished deliveries of a channel after one, in order of Seq; none when there are no
	// more for now. With an error it may still give what is in memory.
	Pending(ctx context.Context, channel string, after int64, limit int) ([]notice.Delivery, error)
	// Record keeps what became of a delivery. It never waits.
	Record(notice.Delivery)
	// Standing gives what a channel was told last of each incident that is open and whose end it is owed, in no order.
	Standing(ctx context.Context, channel string) ([]notice.Delivery, error)
	// Depth counts the unfinished deliveries of a channel.
	Depth(channel string) int
	// Disable and Disabled keep the configuration under which a channel answered that it is gone.
	Disable(channel, config string)
	Disabled(ctx context.Context, channel string) (config string, err error)
}

// Metrics counts what the channels do. Both methods are called from many goroutines.
type Metrics interface {
	Notice(channel, outcome string)    // what an attempt ended in: delivered, retried, dead, disabled, superseded
	OutboxDepth(channel string, n int) // unfinished deliveries
}

type uncounted struct{}

func (uncounted) Notice(string, string)   {}
func (uncounted) OutboxDepth(string, int) {}

// Options say what a Dispatcher works with.
type Options struct {
	Journal Journal
	Log     *zap.Logger
	Metrics Metrics          // may be nil
	Version string           // of the program, told to receivers
	Source  string           // how this host is named in heartbeats
	Alive   func() time.Time // when the engine gave its last sign of life, without which there is no heartbeat; nil: it always does

	// Changed is called when Health or the dead letters of a channel have changed; it must not wait. May be nil.
	Changed func()

	schedule schedule // another in tests
	trials   *trials
	board    *board
}

// Dispatcher runs the channels. All methods are safe for concurrent use, and none waits for a channel but Run.
type Dispatcher struct {
	opts    Options
	changed chan struct{}

	mu    sync.Mutex
	want  []config.Channel
	lines map[string]line // of the channels that run

	applied chan struct{} // closed once the channels that are wanted run
	current bool          // it is closed
}

// line is how a channel is spoken to.
type line struct {
	box   *box
	wake  chan struct{} // there is something in the box
	hurry chan notice.Delivery
}

func newLine() line { return line{&box{}, make(chan struct{}, 1), make(chan notice.Delivery)} }

// New makes a dispatcher without channels. Nothing happens before Run.
func New(opts Options) *Dispatcher {
	if opts.Metrics == nil {
		opts.Metrics = uncounted{}
	}
	if opts.schedule == nil {
		opts.schedule = standardSchedule()
	}
	if opts.Alive == nil {
		opts.Alive = time.Now
	}
	if opts.Changed == nil {
		opts.Changed = func() {}
	}
	opts.trials, opts.board = &trials{}, &board{changed: opts.Changed}
	return &Dispatcher{opts: opts, changed: make(chan struct{}, 1), lines: map[string]line{}, applied: closed(), current: true} // none are wanted yet
}

func closed() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// SetChannels says which channels there are. Those that are the same as before are left untouched; the others end, and
// begin anew with what is unfinished in the outbox.
func (d *Dispatcher) SetChannels(channels []config.Channel) {
	d.mu.Lock()
	d.want = channels
	d.outdate()
	d.mu.Unlock()
	signal(d.changed)
}

// outdate says that not all channels run that are wanted. Who waits for them looks again. The caller holds the lock.
func (d *Dispatcher) outdate() {
	if !d.current {
		close(d.applied)
	}
	d.applied, d.current = make(chan struct{}), false
}

// update says that all run that were wanted when applied was made.
func (d *Dispatcher) update(applied chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.applied == applied && !d.current {
		close(applied)
		d.current = true
	}
}

// lineOf finds a channel that runs, or is about to.
func (d *Dispatcher) lineOf(ctx context.Context, channel string) (line, error) {
	for {
		d.mu.Lock()
		l, ok := d.lines[channel]
		applied, current := d.applied, d.current
		d.mu.Unlock()
		switch {
		case ok:
			return l, nil
		case current:
			return line{}, fmt.Errorf("%w: %s", ErrNoChannel, channel)
		}
		select {
		case <-applied:
		case <-ctx.Done():
			return line{}, fmt.Errorf("the channels are not up yet: %w", context.Cause(ctx))
		}
	}
}

// Reread has all channels read the outbox before they take anything else: there is in it what nobody handed them.
func (d *Dispatcher) Reread() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.lines {
		l.box.refer()
		signal(l.wake)
	}
}

// Hand gives channels what is in the outbox for them now, so that they need not read it. It comes in the order of Seq.
func (d *Dispatcher) Hand(rows []notice.Delivery) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range rows {
		if l, ok := d.lines[rows[i].Channel]; ok {
			l.box.put(rows[i])
			signal(l.wake)
		}
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is signalled already
	}
}

// runner is a channel whose goroutine runs.
type runner struct {
	config config.Channel
	cancel context.CancelFunc
	ended  chan struct{}
}

// Run sends until ctx ends. An attempt that is under way then is broken off, and made again after the next start.
func (d *Dispatcher) Run(ctx context.Context) error {
	running := map[string]runner{}
	for {
		d.apply(ctx, running)
		select {
		case <-ctx.Done():
			for _, r := range running {
				<-r.ended
			}
			return nil
		case <-d.changed:
		}
	}
}

// apply ends the channels that are not wanted any more, and starts those that do not run yet.
func (d *Dispatcher) apply(ctx context.Context, running map[string]runner) {
	d.mu.Lock()
	want := map[string]config.Channel{}
	for _, c := range d.want {
		want[c.Name] = c
	}
	applied := d.applied
	d.mu.Unlock()
	defer d.update(applied)
	var ending []runner
	for name, r := range running {
		if c, ok := want[name]; !ok || !reflect.DeepEqual(c, r.config) {
			r.cancel()
			ending = append(ending, r)
			delete(running, name)
		}
	}
	for _, r := range ending {
		<-r.ended
		d.setLine(r.config.Name, line{})
		d.opts.board.remove(r.config.Name)
	}
	for name, c := range want {
		if _, ok := running[name]; !ok {
			if r, ok := d.start(ctx, c); ok {
				running[name] = r
			}
		}
	}
}

func (d *Dispatcher) start(ctx context.Context, c config.Channel) (runner, bool) {
	log := d.opts.Log.With(zap.String("channel", c.Name))
	k, err := kindOf(c.Kind)
	var notifier Notifier
	if err == nil {
		notifier, err = k.open(c, d.opts.Version)
	}
	if err != nil {
		log.Error("channel cannot be used, its notices stay in the outbox", zap.Error(err))
		d.opts.board.set(c.Name, Health{Useless: true, Error: err.Error(), At: time.Now()})
		return runner{}, false
	}
	return d.startWith(ctx, c, notifier, log), true
}

func (d *Dispatcher) startWith(ctx context.Context, c config.Channel, notifier Notifier, log *zap.Logger) runner {
	ctx, cancel := context.WithCancel(ctx)
	r := runner{c, cancel, make(chan struct{})}
	l := newLine()
	ch := newChannel(c, notifier, d.opts, log, l)
	d.setLine(c.Name, l)
	go func() {
		defer close(r.ended)
		defer cancel()
		ch.run(ctx)
	}()
	return r
}

func (d *Dispatcher) setLine(name string, l line) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l.box == nil {
		delete(d.lines, name)
		return
	}
	d.lines[name] = l
}
