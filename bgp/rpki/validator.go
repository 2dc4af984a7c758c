package rpki

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

const (
	patience = 15 * time.Second // how long a cache may take to be in sync before the next one is asked too
	takeover = time.Minute      // how long the data of a previous configuration stands in
)

// Config says where validated data comes from.
type Config struct {
	RTR        []string      // caches in order of preference, tcp:// or tls://
	File       string        // the JSON export of a relying party; the last choice for each kind of data
	SLURM      string        // local exceptions (RFC 8416)
	StaleAfter time.Duration // older data is stale; 0 is two hours

	// Previous is what other sources gave before the configuration changed. It stays in force until these sources have
	// data, but a minute at most, so that a reload resolves nothing that still holds.
	Previous *Set

	// Dial connects to a cache; nil is Dial.
	Dial func(ctx context.Context, cache string) (net.Conn, error)
}

// Validator keeps a Set up to date.
type Validator struct {
	cfg     Config
	log     *zap.Logger
	publish func(*Set)
	reload  chan struct{}
	status  atomic.Pointer[Status]
}

// New is inert: it opens nothing before Run. publish is called from one goroutine: at once, when the Set may know nothing
// but since when data is awaited, then with each new Set, and also when only its age has changed; then Compare finds no
// difference. It must not block for long.
func New(cfg Config, log *zap.Logger, publish func(*Set)) *Validator {
	if cfg.Dial == nil {
		cfg.Dial = Dial
	}
	if cfg.StaleAfter <= 0 {
		cfg.StaleAfter = defaultTiming.expire
	}
	v := &Validator{cfg: cfg, log: log, publish: publish, reload: make(chan struct{}, 1)}
	v.status.Store(&Status{Set: &Set{}})
	return v
}

// Status gives the present state; it may be called at any time.
func (v *Validator) Status() *Status { return v.status.Load() }

// Reload makes Run read the SLURM file again.
func (v *Validator) Reload() {
	select {
	case v.reload <- struct{}{}:
	default: // one is pending already
	}
}

// Run fetches until ctx ends, and then returns nil. It may run once.
func (v *Validator) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	l := newLoop(v, time.Now())
	defer l.wait.Wait()
	defer cancel()
	l.readSLURM()
	l.startFile(ctx)
	for ctx.Err() == nil {
		now := time.Now()
		l.steer(ctx, now)
		l.settle(now)
		l.next(ctx, now)
	}
	return nil
}

// loop is all state of a running Validator, owned by its goroutine.
type loop struct {
	*Validator
	assembly assembly
	shown    *Set // the Set that was published last
	slots    []*slot
	file     *supply
	previous []*supply
	fileLine FileStatus
	slurm    FileStatus
	caches   chan slotReport
	files    chan fileReport
	wait     sync.WaitGroup
}

// slot is the place of one configured cache.
type slot struct {
	url    string
	held   *holding
	synced bool
	since  time.Time // when it was started, or lost its sync
	failed bool      // an attempt has failed since then
	err    error
	stop   context.CancelFunc // nil while it does not run
	term   int                // how often it was started, to tell late reports
}

type slotReport struct {
	cacheReport
	slot *slot
	term int
}

func newLoop(v *Validator, now time.Time) *loop {
	expected := len(v.cfg.RTR) > 0 || v.cfg.File != ""
	start := &Set{VRPs: Provenance{Fetched: now, Offered: expected}, ASPAs: Provenance{Fetched: now}}
	l := &loop{
		Validator: v, assembly: assembly{staleAfter: v.cfg.StaleAfter, last: start},
		fileLine: FileStatus{Path: v.cfg.File}, slurm: FileStatus{Path: v.cfg.SLURM},
		previous: previousSupplies(v.cfg.Previous, now.Add(takeover)),
		caches:   make(chan slotReport), files: make(chan fileReport),
	}
	for _, url := range v.cfg.RTR {
		l.slots = append(l.slots, &slot{url: url})
	}
	return l
}

// steer runs the first cache, the next one too for as long as all before it fail, and none behind one that is in sync.
func (l *loop) steer(ctx context.Context, now time.Time) {
	wanted := true
	for _, s := range l.slots {
		if wanted && s.stop == nil {
			l.start(ctx, s, now)
		}
		if s.synced {
			l.stopBehind(s)
			return
		}
		wanted = wanted && s.failing(now)
	}
}

func (s *slot) failing(now time.Time) bool {
	return s.stop != nil && !s.synced && (s.failed || now.Sub(s.since) >= patience)
}

func (l *loop) start(ctx context.Context, s *slot, now time.Time) {
	ctx, s.stop = context.WithCancel(ctx)
	s.term++
	s.since, s.failed, s.err = now, false, nil
	term := s.term
	c := newCache(s.url, l.cfg, l.log, func(ctx context.Context, r cacheReport) {
		select {
		case l.caches <- slotReport{r, s, term}:
		case <-ctx.Done():
		}
	})
	l.wait.Go(func() { c.run(ctx) })
}

// stopBehind lets go of every cache that is less preferred than s, and of its data: s has a full set.
func (l *loop) stopBehind(s *slot) {
	for i := len(l.slots) - 1; l.slots[i] != s; i-- {
		if behind := l.slots[i]; behind.stop != nil {
			behind.stop()
			behind.stop, behind.synced, behind.held = nil, false, nil
		}
	}
}

func (l *loop) startFile(ctx context.Context) {
	if l.cfg.File == "" {
		return
	}
	w := &fileWatch{path: l.cfg.File, log: l.log, report: func(ctx context.Context, r fileReport) {
		select {
		case l.files <- r:
		case <-ctx.Done():
		}
	}}
	l.wait.Go(func() { w.run(ctx) })
}

// next waits for one thing to happen, and takes it.
func (l *loop) next(ctx context.Context, now time.Time) {
	var timer <-chan time.Time
	if at := l.wake(now); !at.IsZero() {
		t := time.NewTimer(at.Sub(now))
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-ctx.Done():
	case <-timer:
	case <-l.reload:
		l.readSLURM()
	case r := <-l.caches:
		l.takeCache(r, time.Now())
	case r := <-l.files:
		l.takeFile(r)
	}
}

// wake gives when steer or settle would decide otherwise without news.
func (l *loop) wake(now time.Time) time.Time {
	at := wake(l.supplies(), now, l.cfg.StaleAfter)
	for _, s := range l.slots {
		if s.stop != nil && !s.synced && !s.failing(now) {
			if soon := s.since.Add(patience); at.IsZero() || soon.Before(at) {
				at = soon
			}
		}
	}
	return at
}

func (l *loop) takeCache(r slotReport, now time.Time) {
	s := r.slot
	if r.term != s.term || s.stop == nil {
		return
	}
	s.failed = !r.synced && !s.synced
	if s.synced && !r.synced {
		s.since = now
	}
	s.held, s.synced, s.err = r.held, r.synced, r.err
}

func (l *loop) takeFile(r fileReport) {
	if r.err != nil {
		l.fileLine.Error = r.err.Error()
		return
	}
	l.file = fileSupply(l.cfg.File, r.data)
	l.fileLine = FileStatus{Path: l.cfg.File, Built: r.data.Built, VRPs: len(r.data.VRPs), ASPAs: len(r.data.ASPAs)}
}

// readSLURM takes the exceptions over, or keeps those before if the file is bad.
func (l *loop) readSLURM() {
	if l.cfg.SLURM == "" {
		return
	}
	s, err := ReadSLURM(l.cfg.SLURM)
	if err != nil {
		l.slurm.Error = err.Error()
		l.log.Error("slurm file refused, the exceptions before stay in force", zap.String("file", l.cfg.SLURM), zap.Error(err))
		return
	}
	l.assembly.slurm = s
	l.slurm = FileStatus{Path: l.cfg.SLURM, VRPs: len(s.vrps), ASPAs: len(s.aspas), Notes: s.Notes}
	l.log.Info("slurm file read", zap.String("file", l.cfg.SLURM), zap.Strings("notes", s.Notes))
}

// supplies lists the sources in order of preference.
func (l *loop) supplies() []*supply {
	var out []*supply
	for _, s := range l.slots {
		out = append(out, cacheSupply(s.url, s.held))
	}
	return append(append(out, l.file), l.previous...)
}

// settle publishes a Set if it is another one, and the status in any case.
func (l *loop) settle(now time.Time) {
	set := l.assembly.set(l.supplies(), now)
	st := &Status{Set: set, File: l.fileLine, SLURM: l.slurm}
	for _, s := range l.slots {
		st.Caches = append(st.Caches, s.status(now))
	}
	l.status.Store(st)
	if set != l.shown {
		l.shown = set
		l.publish(set)
	}
}

func (s *slot) status(now time.Time) CacheStatus {
	st := CacheStatus{URL: s.url, State: "connecting"}
	switch {
	case s.stop == nil:
		st.State = "idle"
	case s.synced:
		st.State = "synced"
	case s.failing(now):
		st.State = "failing"
	}
	if s.err != nil {
		st.Error = s.err.Error()
	}
	if h := s.held; h != nil && now.Before(h.expires()) {
		st.Epoch, st.Updated, st.Expires, st.VRPs, st.ASPAs = h.epoch, h.confirmed, h.expires(), len(h.vrps), len(h.united)
	}
	return st
}
