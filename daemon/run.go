package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"go.uber.org/zap"

	"peervane/bgp/session"
	"peervane/config"
	"peervane/daemon/api"
	"peervane/daemon/store"
	"peervane/probe"
)

// Run is the daemon's life: until ctx ends, or a part of it fails. It waits for all that it started.
func (d *Daemon) Run(ctx context.Context) error {
	d.started = time.Now()
	if err := d.openStore(); err != nil {
		return err
	}
	if err := d.restore(ctx); err != nil {
		return errors.Join(err, d.store.Close())
	}
	outside, err := d.openSockets(ctx)
	if err != nil {
		return errors.Join(err, d.store.Close())
	}
	d.apply(d.cfg)
	s := newStages()
	s.start(ctx, d.store.Run)
	s.start(ctx, d.channels.Run)
	s.start(ctx, append(outside, d.peers.run, d.feeds.run, d.rpki.run, d.scheduler.Run, d.resolver.Run, d.tracer.run, d.giveBack)...)
	cfg := d.cfg // from here on a reload may give it another
	s.start(ctx, d.runEngine)
	d.log.Info("started", zap.String("version", d.opts.Version), zap.Int("peers", len(cfg.Peers)), zap.Int("feeds", len(cfg.Feeds)),
		zap.Int("prefixes", len(cfg.Prefixes)), zap.Int("pops", len(cfg.POPs)), zap.Int("channels", len(cfg.Channels)))
	d.tell("ready", d.opts.Manager.Ready)
	signal(d.settled)
	select {
	case <-ctx.Done():
	case <-s.failed:
	}
	d.log.Info("stopping")
	d.tell("stopping", d.opts.Manager.Stopping)
	return s.stop()
}

// restore goes on from what an earlier run kept. A database that cannot be read costs the memory of that run, no more.
func (d *Daemon) restore(ctx context.Context) error {
	kept, err := d.publisher.load(ctx)
	if err != nil {
		d.log.Error("state of the last run cannot be read, going on without it", zap.Error(err))
		d.unread = true
		return nil
	}
	d.publisher.rejoin(&kept)
	d.engine.rememberTrails(kept.trails)
	d.engine.resumeReigns(kept.reigns)
	return d.engine.restore(kept)
}

// openSockets opens all that listens, so that what is taken already ends the start with an error that says so.
func (d *Daemon) openSockets(ctx context.Context) ([]task, error) {
	var tasks []task
	sockets, err := session.Listen(ctx, d.cfg.Daemon.Listen)
	if err != nil {
		return nil, err
	}
	sockets = append(sockets, d.opts.Sockets...)
	listener, err := session.NewListener(sockets, d.log.Named("bgp"))
	if err != nil {
		return nil, err
	}
	d.peers.listener = listener
	tasks = append(tasks, listener.Run)
	if addr := d.cfg.Daemon.HTTP; addr.IsValid() {
		var lc net.ListenConfig
		l, err := lc.Listen(ctx, "tcp", addr.String())
		if err != nil {
			return nil, fmt.Errorf("listen for http: %w: give daemon.http another address, or \"\" for none", err)
		}
		server := api.New(d, d.metrics.registry, d.log.Named("http"))
		tasks = append(tasks, func(ctx context.Context) error { return server.Run(ctx, l) })
	}
	if d.opts.Control != "" {
		switch control, err := d.openControl(ctx); {
		case err == nil:
			tasks = append(tasks, control)
		case d.opts.ControlSpare:
			d.log.Warn("no control socket: reload by SIGHUP; ack, silence, revalidate, test-alert, deadletter, backup and record need it", zap.Error(err))
		default:
			return nil, err
		}
	}
	return tasks, nil
}

// apply tells every part but the engine what a configuration asks of it.
func (d *Daemon) apply(cfg *config.Config) {
	d.cfg = cfg
	d.store.Retain(store.Retention(cfg.Retention))
	d.publisher.configured = cfg.Channels
	d.channels.SetChannels(cfg.Channels)
	d.lookAtChannels()
	d.scheduler.Configure(probeSettings(cfg))
	d.tracer.every.Store(int64(cfg.Probe.TraceInterval))
	d.resolver.Set(sites(cfg), way(cfg))
	d.peers.set(cfg, d.engine, time.Now())
	d.feeds.set(cfg, d.engine.watching)
	d.rpki.set(cfg.RPKI)
	d.warnUnheard(cfg)
}

// warnUnheard names those that are to connect to us where nothing listens: they never come up, and no session_down tells of one that
// is waited for.
func (d *Daemon) warnUnheard(cfg *config.Config) {
	if len(d.peers.listener.Addrs()) > 0 {
		return
	}
	var names []string
	for _, p := range cfg.Peers {
		if p.Enabled && (p.Passive || p.Dynamic.IsValid()) {
			names = append(names, p.Name)
		}
	}
	if len(names) > 0 {
		d.log.Warn("nothing listens for neighbours that are to connect: give an address in daemon.listen, or enable peervane-bgp.socket",
			zap.Strings("peers", names))
	}
}

func probeSettings(cfg *config.Config) probe.Settings {
	p := cfg.Probe
	return probe.Settings{Interval: p.Interval, Packets: p.Packets, Spacing: p.Spacing, Timeout: p.Timeout}
}

func sites(cfg *config.Config) []probe.Site {
	var out []probe.Site
	for _, p := range cfg.POPs {
		out = append(out, probe.Site{
			POP: p.Name, Service: p.Service, Addr: p.Address, Host: p.Host, ICMP: p.ICMP, TCP: slices.Clone(p.TCP),
		})
	}
	return out
}

func way(cfg *config.Config) probe.Way {
	return probe.Way{Sources: cfg.Probe.Sources, Interface: cfg.Probe.Interface, DSCP: uint8(cfg.Probe.DSCP)}
}
