package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"peervane/config"
	"peervane/daemon/notice"
)

// ErrRefused says that a changed configuration was not taken. The old one is in force.
var ErrRefused = errors.New("the configuration was refused, the old one stays in force")

// Reload reads the configuration again and puts it in force. Sessions, incidents and histories whose configuration did
// not change are left untouched.
func (d *Daemon) Reload(ctx context.Context) error {
	if d.opts.Load == nil {
		return fmt.Errorf("%w: there is no file to read it from", ErrRefused)
	}
	d.loading.Lock()
	defer d.loading.Unlock()
	d.tell("reloading", d.opts.Manager.Reloading)
	defer d.tell("ready", d.opts.Manager.Ready)
	cfg, problems := d.opts.Load()
	var errs []error
	for _, p := range problems {
		if p.Severity == config.Error {
			errs = append(errs, errors.New(p.String()))
			continue
		}
		d.log.Warn("configuration", zap.Stringer("problem", p))
	}
	if len(errs) == 0 {
		// The engine's configuration changes by a reload alone, and there is one at a time.
		planned := d.engine.plan(cfg, false)
		if !d.call(ctx, func() { errs = d.engage(planned) }) {
			return context.Cause(ctx)
		}
	}
	if len(errs) > 0 {
		d.log.Error("reload refused", zap.Strings("problems", texts(errs)))
		d.call(ctx, func() {
			d.refused = errs[0].Error()
			d.show(time.Now()) // who reloads looks at the status next
		})
		return fmt.Errorf("%w:\n%w", ErrRefused, errors.Join(errs...)) // each problem on its line
	}
	signal(d.settled)
	d.log.Info("reloaded", zap.Int("peers", len(cfg.Peers)), zap.Int("prefixes", len(cfg.Prefixes)))
	return nil
}

// engage puts a configuration in force, or says why it cannot; the engine's goroutine calls it.
func (d *Daemon) engage(p *plan) []error {
	cfg := p.cfg
	if errs := needRestart(d.cfg, cfg); len(errs) > 0 {
		return errs
	}
	now := time.Now()
	d.engine.engage(p)
	d.apply(cfg)
	if p.everything || len(p.added)+len(p.removed) > 0 {
		d.recorders.reloaded(d.engine, now)
	}
	d.reloaded, d.refused = now, ""
	if d.opts.Reloaded != nil {
		d.opts.Reloaded(cfg)
	}
	d.engine.record(event{at: now, typ: "config_reload", severity: notice.Info})
	d.show(now)
	return nil
}

// needRestart names what cannot be changed while the daemon runs.
func needRestart(old, new *config.Config) []error {
	var errs []error
	for _, change := range []struct {
		key     string
		changed bool
	}{
		{"daemon.source", old.Daemon.Source != new.Daemon.Source},
		{"daemon.state_dir", old.Daemon.StateDir != new.Daemon.StateDir},
		{"daemon.http", old.Daemon.HTTP != new.Daemon.HTTP},
		{"daemon.listen", !slices.Equal(old.Daemon.Listen, new.Daemon.Listen)},
	} {
		if change.changed {
			errs = append(errs, fmt.Errorf("a change of %s needs a restart", change.key))
		}
	}
	return errs
}

func texts(errs []error) (out []string) {
	for _, err := range errs {
		out = append(out, err.Error())
	}
	return out
}
