package daemon

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"peervane/config"
	"peervane/daemon/api"
	"peervane/daemon/incident"
	"peervane/daemon/notice"
	"peervane/daemon/notify"
	"peervane/daemon/store"
	"peervane/probe"
)

// Options are what the daemon is given from outside. Only Log is required.
type Options struct {
	Log     *zap.Logger
	Version string
	Sockets []net.Listener // BGP sockets passed by the service manager, used beside those of the configuration
	Load    Load           // reads the configuration again at a reload; nil: there is no reload
	Manager Manager

	Reloaded func(*config.Config) // hears of each configuration that a reload puts in force; must not block

	Control      string // path of the control socket; empty: none
	ControlSpare bool   // the daemon runs without that where it cannot be opened
}

// Load reads the configuration again.
type Load func() (*config.Config, []config.Problem)

// Manager is how the service manager is spoken to. The zero value speaks to nobody.
type Manager struct {
	Ready, Reloading, Stopping, Alive func() error
	Status                            func(string) error
	Watchdog                          time.Duration // Alive must be called more often than this; 0: never
}

// Daemon is the whole monitor. New makes it; nothing happens before Run.
type Daemon struct {
	opts     Options
	log      *zap.Logger
	cfg      *config.Config // in force; the engine's goroutine owns it once it runs
	started  time.Time
	reloaded time.Time  // zero: never
	loading  sync.Mutex // of one reload at a time: an older file must not come after a newer one
	refused  string     // why the latest reload was refused; "" when it was not

	engine    *engine
	publisher *publisher
	store     *store.Store
	channels  *notify.Dispatcher
	scheduler *probe.Scheduler
	resolver  *probe.Resolver
	tracer    *tracer
	peers     *peers
	feeds     *feeds
	rpki      *validation
	metrics   *metrics
	snapshot  atomic.Pointer[api.Snapshot]
	followers followers
	recorders recorders
	calls     chan func()     // run by the engine's goroutine
	show      func(time.Time) // makes the API show what is so now; the engine's goroutine calls it, once it runs
	lettersMu sync.Mutex      // one at a time handles dead letters
	wake      chan struct{}
	settled   chan struct{} // memory may be given back
	hooks     hooks
	rewrite   atomic.Bool             // the store has lost what it was given
	unread    bool                    // what the last run kept could not be read; the store's writer owns it once it runs
	found     atomic.Pointer[late]    // that, when it could be after all
	targets   atomic.Pointer[probing] // new ones, for the engine

	channelsChanged atomic.Bool // how channels are is to be judged
}

// New puts a daemon together for a configuration without errors. It opens and starts nothing.
func New(cfg *config.Config, opts Options) *Daemon {
	d := &Daemon{
		opts: opts, log: opts.Log, cfg: cfg,
		calls: make(chan func()), wake: make(chan struct{}, 1), settled: make(chan struct{}, 1),
	}
	d.snapshot.Store(&api.Snapshot{})
	d.metrics = newMetrics(&d.snapshot)
	d.hooks = hooks{queued: d.metrics.detected, durable: d.metrics.durable}
	d.engine = newEngine(cfg, incident.Options{
		Source: sourceName(cfg), OurASN: cfg.Daemon.ASN, NewID: randomID, Severity: cfg.Severity,
	}, false, opts.Log.Named("engine"))
	d.peers = newPeers(opts.Log, d.wake)
	d.feeds = newFeeds(opts.Log, d.wake)
	d.engine.uplink.heard, d.engine.whyDown = d.peers.heard, d.peers.lastError
	d.tracer = newTracer(opts.Log.Named("trace"), d.peers.origin)
	d.rpki = newValidation(opts.Log, d.wake)
	d.scheduler = probe.New(probeSettings(cfg), opts.Log.Named("probe"))
	d.resolver = probe.NewResolver(lookup, opts.Log.Named("probe"), d.probeThese)
	return d
}

// sourceName is how this host is named in notices.
func sourceName(cfg *config.Config) string {
	if cfg.Daemon.Source != "" {
		return cfg.Daemon.Source
	}
	name, err := os.Hostname()
	if err != nil {
		return "peervane"
	}
	return name
}

// StateDir is where the database is kept.
func StateDir(cfg *config.Config) string {
	switch {
	case cfg.Daemon.StateDir != "":
		return cfg.Daemon.StateDir
	case os.Getenv("STATE_DIRECTORY") != "":
		// systemd gives a list where several are configured; ours has one.
		return filepath.SplitList(os.Getenv("STATE_DIRECTORY"))[0]
	}
	return "state"
}

// openStore opens the database in the state directory, which is made where it is missing.
func (d *Daemon) openStore() error {
	dir := StateDir(d.cfg)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make state_dir: %w: give a folder that this user may write", err)
	}
	s, err := store.Open(store.Options{
		Path: filepath.Join(dir, "peervane.db"), Log: d.log.Named("store"), Recovered: d.recovered,
	})
	if err != nil {
		return fmt.Errorf("open the state in %s: %w", dir, err)
	}
	d.store = s
	d.channels = notify.New(notify.Options{
		Journal: s, Log: d.log.Named("notify"), Metrics: d.metrics, Version: d.opts.Version, Source: sourceName(d.cfg),
		Changed: d.lookAtChannels,
		Alive:   func() time.Time { return d.snapshot.Load().Status.At.Time },
	})
	d.publisher = &publisher{
		store: s, channels: d.channels, followers: &d.followers, log: d.log, hooks: d.hooks,
		configured: d.cfg.Channels, told: map[string]notice.Told{}, unwritten: map[netip.Prefix]*registration{},
	}
	return nil
}

// recovered is called by the store's writer when it begins with a database that may be empty: all state is to be written
// again. Where it is the one that could not be read at the start, what the last run kept is read now, before anything of this
// run is written to it.
func (d *Daemon) recovered() {
	if d.unread {
		k, err := d.publisher.load(context.Background())
		if err != nil {
			d.log.Error("state of the last run still cannot be read, going on without it", zap.Error(err))
		} else if d.unread = false; len(k.records)+len(k.silences)+len(k.memories) > 0 { // else the old one was set aside, or was empty
			d.found.Store(&late{k, maps.Collect(k.remembered(d.log))})
		}
	}
	d.channels.Reread() // what an earlier run left to be sent comes before what this one finds out about it
	d.rewrite.Store(true)
	signal(d.wake)
}

// call has f run by the engine's goroutine, and waits for it; false when the engine has ended.
func (d *Daemon) call(ctx context.Context, f func()) bool {
	done := make(chan struct{})
	select {
	case d.calls <- func() { f(); close(done) }:
		<-done
		return true
	case <-ctx.Done():
		return false
	}
}

func lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// probeThese is called by the resolver with all that is to be probed.
func (d *Daemon) probeThese(targets []probe.Target) {
	d.scheduler.Set(targets)
	d.targets.Store(&probing{targets, localsOf(targets)})
	d.tracer.set(targets)
	signal(d.wake)
}
