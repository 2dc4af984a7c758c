package source

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"peervane/bgp"
	"peervane/bgp/rib"
	"peervane/bgp/session"
	"peervane/bgp/wire"
)

// PeerConfig is one live neighbour.
type PeerConfig struct {
	Session         session.Config
	Vantage         *bgp.Vantage
	Full            bool          // keep all routes, not only the watched ones
	Watched         *rib.Watched  // what the engine is told of; SetWatched changes it
	GracefulRestart time.Duration // at most so long are routes kept as stale after a loss; 0 = not at all

	LeakCount          int           // with Full: more leaked routes than that are told of, once SetLeakJudge was called
	MaxPrefixes        int           // 0 = no limit; every path of a prefix counts
	MaxPrefixesRestart bool          // exceeding it ends the session
	MaxPrefixesIdle    time.Duration // which may begin again after so long
}

// Peer is a live neighbour: its session, its Adj-RIB-In, and the queue of what the engine has not taken yet.
//
// It is the session's Handler, and never waits in it. One lock guards what it holds; it is taken once for each
// message, not for each route, and contended only by timers, queries and reloads.
type Peer struct {
	cfg     PeerConfig
	log     *zap.Logger
	session *session.Session
	control control
	pending *Pending
	kick    chan struct{}              // a deadline has changed
	last    atomic.Pointer[PeerStatus] // see show
	logRate *rate.Limiter              // of malformed UPDATEs

	mu         sync.Mutex
	watched    *rib.Watched
	pages      pages
	interner   rib.Interner
	table      *rib.Table
	scanned    wire.Update
	sketch     wire.Sketch
	announced  []wire.NLRI         // by the UPDATE that is being read
	negotiated *session.Negotiated // nil when the session is down
	families   [bgp.NumFamilies]peerFamily
	leaks      leaks
	exceeded   bool // more than MaxPrefixes
	ceased     bool // this session was told so
	counts     PeerCounts
	unlogged   int // malformed UPDATEs since the last that was logged
}

// control is what a Peer does to its session.
type control interface {
	RouteRefresh(families ...bgp.Family)
	Cease(subcode uint8, text string, idle time.Duration)
}

// peerFamily is how a family stands.
type peerFamily struct {
	up     bool // agreed on in this session
	first  settling
	crest  crest
	synced bool // End-of-RIB has come since the session came up, or what counts as such

	// Graceful restart: the table holds stale routes of a session that was lost, until the given time.
	kept      bool
	lost      time.Time
	keptUntil time.Time

	// Route refresh: asked for by us, to learn what is newly watched; and marked by the neighbour's BoRR.
	asked    bool
	lacking  bool      // what is newly watched cannot be had in this session
	answered bool      // the neighbour is known to heed it
	echoes   bool      // watched routes were held, which an answer tells again
	heard    bool      // some route was announced since the session came up
	grew     time.Time // when a route last came that was not held
	marked   bool
}

// NewPeer makes a Peer that does nothing until Run. For wake see NewPending.
func NewPeer(cfg PeerConfig, wake chan struct{}, log *zap.Logger, opts session.Options) *Peer {
	p := newPeer(cfg, nil, wake, log)
	cfg.Session.GracefulRestart = cfg.GracefulRestart > 0
	p.session = session.New(cfg.Session, p, log, opts)
	p.control = p.session
	return p
}

func newPeer(cfg PeerConfig, c control, wake chan struct{}, log *zap.Logger) *Peer {
	p := &Peer{
		cfg:     cfg,
		log:     log.With(zap.String("peer", cfg.Vantage.Name)),
		control: c,
		pending: NewPending(wake),
		kick:    make(chan struct{}, 1),
		logRate: rate.NewLimiter(rate.Every(10*time.Second), 5),
		watched: cfg.Watched,
	}
	p.interner.Memory = &p.pages
	p.table = rib.NewTable(&p.interner, rand.Uint64())
	p.show()
	return p
}

// Vantage is what the peer is to the engine.
func (p *Peer) Vantage() *bgp.Vantage { return p.cfg.Vantage }

// Session is the peer's session, for a listener to hand connections to.
func (p *Peer) Session() *session.Session { return p.session }

// Pending is where the engine takes what the peer tells.
func (p *Peer) Pending() *Pending { return p.pending }

// Run keeps the session until ctx ends; see session.Run for what the neighbour is told then. What the peer held is told
// as lost; the caller puts bgp.Gone where the peer was taken out of the configuration. Its error is always nil.
func (p *Peer) Run(ctx context.Context) error {
	var ended sync.WaitGroup
	done := make(chan struct{})
	ended.Go(func() {
		defer close(done)
		_ = p.session.Run(ctx) // always nil
	})
	defer ended.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if p.judgeAgain(time.Now()) {
			timer.Reset(0)
		} else {
			timer.Reset(p.untilDeadline(time.Now()))
		}
		select {
		case <-done:
			p.release()
			return nil
		case <-p.kick:
		case <-timer.C:
			p.expire(time.Now())
		}
	}
}

// release gives the memory of the table back, which nobody else would.
func (p *Peer) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range bgp.Families {
		p.table.Clear(f)
	}
}

// Gone tells the engine that the peer will not come back. Run has returned.
func (p *Peer) Gone(at time.Time) { p.put(bgp.Gone{Vantage: p.cfg.Vantage, At: at}) }

func (p *Peer) put(in bgp.Input) { _ = p.pending.Put(in) } // its error is always nil

// idleDeadline is how long Run sleeps where nothing is due.
const idleDeadline = time.Hour

// untilDeadline is how long nothing is due.
func (p *Peer) untilDeadline(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	wait := idleDeadline
	for i := range p.families {
		f := &p.families[i]
		if f.kept {
			wait = min(wait, f.keptUntil.Sub(now))
		}
		if at, ok := f.quietAt(); ok {
			wait = min(wait, at.Sub(now))
		}
		if at, ok := f.settlesAt(); ok {
			wait = min(wait, at.Sub(now))
		}
		if at, ok := f.first.lateAt(); ok {
			wait = min(wait, at.Sub(now))
		}
	}
	return wait
}

// expire does what is due.
func (p *Peer) expire(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, family := range bgp.Families {
		f := &p.families[family]
		if f.kept && !now.Before(f.keptUntil) {
			p.giveUpStale(family, now)
		}
		if at, ok := f.quietAt(); ok && !now.Before(at) {
			p.settleRefresh(family, now)
		}
		if at, ok := f.settlesAt(); ok && !now.Before(at) {
			p.endOfRIB(family, now)
		}
		if at, ok := f.first.lateAt(); ok && !now.Before(at) {
			f.first.late = true
			p.checkLimit(now)
			p.checkDrop(now)
			p.checkLeaks(now)
		}
	}
}

// settlesAt is when the first table counts as complete; false where End-of-RIB will tell, or has told.
func (f *peerFamily) settlesAt() (time.Time, bool) {
	return f.first.last.Add(quietTime), f.up && !f.synced && !f.first.due
}

// rearm makes Run look at the deadlines again.
func (p *Peer) rearm() {
	select {
	case p.kick <- struct{}{}:
	default:
	}
}
