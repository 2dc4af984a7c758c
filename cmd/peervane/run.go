package main

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"peervane/config"
	"peervane/daemon"
	"peervane/systemd"
)

func runCommand(e *env) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "run [-c FILE]",
		Short: "Run the daemon",
		Long:  "Run the daemon. SIGHUP makes it read its configuration again; SIGINT and SIGTERM end it in order.",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			hangup := make(chan os.Signal, 1)
			signal.Notify(hangup, syscall.SIGHUP) // from here on: unheard it would end us
			defer signal.Stop(hangup)
			signal.Ignore(syscall.SIGPIPE) // who reads the log may go, and detection goes on
			cfg, problems := daemon.Loader().Load(file)
			if config.Refused(problems) {
				return complain(e, cfg, problems)
			}
			spare(os.Getenv("GOMAXPROCS"))
			seldom(os.Getenv("GOGC"))
			return runDaemon(c.Context(), cfg, problems, file, hangup)
		},
	}
	configFlag(c, &file)
	return c
}

// spareProcessors is the least that Go's scheduler is to have. Where all of them load tables, what is ready waits up to 10 ms for one;
// with more of them than the machine has, the kernel shares it out, by far shorter turns.
const spareProcessors = 4

// spare lets a small machine's scheduler have more processors, unless somebody has chosen.
func spare(chosen string) {
	if chosen == "" && runtime.GOMAXPROCS(0) < spareProcessors {
		runtime.GOMAXPROCS(spareProcessors)
	}
}

// collectAt is by how many percent what is in use may grow before garbage is collected; Go's own is 100. While it is, what is ready
// waits for a processor, and in a storm of incidents that was the slowest hundredth of the detections. Tables of routes lie outside of what is
// counted.
const collectAt = 400

// seldom has garbage collected less often, unless somebody has chosen.
func seldom(chosen string) {
	if chosen == "" {
		debug.SetGCPercent(collectAt)
	}
}

func runDaemon(ctx context.Context, cfg *config.Config, warnings []config.Problem, file string, hangup <-chan os.Signal) error {
	log, level, err := newLog(cfg.Log, os.Stderr, systemd.OnJournal(os.Stderr))
	if err != nil {
		return err
	}
	for _, w := range append(warnings, cfg.NotInEffect...) {
		log.Warn("configuration", zap.Stringer("problem", w))
	}
	sockets, err := systemd.Listeners()
	if err != nil {
		return err
	}
	manager, err := manager()
	if err != nil {
		return err
	}
	control, managed := runtimeSocket()
	if !managed {
		control = stateSocket(cfg)
	}
	d := daemon.New(cfg, daemon.Options{
		Log: log, Version: version(), Sockets: sockets, Manager: manager, Control: control, ControlSpare: !managed,
		Reloaded: func(cfg *config.Config) { _ = level.UnmarshalText([]byte(cfg.Log.Level)) }, // it was checked
		Load:     loadAgain(file, cfg),
	})
	stop := reloadOnHangup(ctx, d, hangup)
	defer stop()
	return d.Run(ctx)
}

// loadAgain loads a file that was loaded before: what did not change since is not read anew.
func loadAgain(file string, last *config.Config) daemon.Load {
	loader := daemon.Loader()
	loader.Previous = last
	return func() (*config.Config, []config.Problem) {
		cfg, problems := loader.Load(file)
		if cfg != nil {
			loader.Previous = cfg
		}
		return cfg, problems
	}
}

// manager is the way to systemd; it does nothing where there is none.
func manager() (daemon.Manager, error) {
	interval, err := systemd.WatchdogInterval()
	return daemon.Manager{
		Ready: systemd.Ready, Reloading: systemd.Reloading, Stopping: systemd.Stopping, Alive: systemd.Alive,
		Status: systemd.Status, Watchdog: interval,
	}, err
}

// reloadOnHangup reloads at each SIGHUP until the returned function has ended it.
func reloadOnHangup(ctx context.Context, d *daemon.Daemon, hangup <-chan os.Signal) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-ctx.Done():
				return
			case <-hangup:
				_ = d.Reload(ctx) // it logs what came of it
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}
