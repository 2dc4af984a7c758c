package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"peervane/probe/netlab"
)

// exitInterrupted is what a shell expects of a program that was ended with Ctrl-C: 128 and the signal's number.
const exitInterrupted = 128 + int(syscall.SIGINT)

// demoSpare are processors of the Go scheduler to spare, without which the relays of the miniature internet would wait for
// one while the daemon computes, and their delays be longer than they should.
const demoSpare = "GOMAXPROCS=16"

// demoPaces say how much time there is to read.
var demoPaces = map[string]float64{"slow": 2, "normal": 1, "fast": 0}

// demoOptions are what the command line asks for.
type demoOptions struct {
	json     bool
	pace     string
	loopback bool
}

func demoCommand(e *env) *cobra.Command {
	var o demoOptions
	c := &cobra.Command{
		Use:   "demo",
		Short: "Show the whole daemon at work in a miniature internet of its own",
		Long: `Demo builds a miniature internet in network namespaces of its own, runs the real daemon in it, and tells the history of
24 February 2008, when AS17557 announced 208.65.153.0/24, of a customer that leaks, and of a path that changes: BGP over TCP, probes
over links with real delay, alerts as signed webhooks. It needs no configuration, no network and no root, and leaves nothing behind.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if o.json && !c.Flags().Changed("pace") {
				o.pace = "fast" // a program needs no time to read
			}
			if _, known := demoPaces[o.pace]; !known {
				return exit{exitUsage, fmt.Errorf("unknown pace %q: use slow, normal or fast", o.pace)}
			}
			return demo(c.Context(), e, o)
		},
	}
	c.Flags().BoolVar(&o.json, "json", false, "print the alerts alone, as the webhook receiver gets them, one a line")
	c.Flags().StringVar(&o.pace, "pace", "normal", "how long to pause for the reader: `slow, normal or fast`")
	c.Flags().BoolVar(&o.loopback, "loopback", false, "make no namespaces: stay on loopback, and leave the latency out")
	return c
}

// demo plays in the miniature internet, for which the program starts itself again; where that may not be, on loopback.
func demo(ctx context.Context, e *env, o demoOptions) error {
	switch {
	case netlab.Inside():
		return demoInside(ctx, e, o)
	case o.loopback:
		return demoOnLoopback(ctx, e, o, nil)
	case ctx.Err() != nil:
		return errInterrupted
	}
	code, err := netlab.Reexec(os.Args[1:], demoSpare)
	switch {
	case errors.Is(err, netlab.ErrUnavailable):
		return demoOnLoopback(ctx, e, o, err)
	case err != nil:
		return err
	case code != 0:
		return exit{code: code} // why, it has said itself
	}
	return nil
}

var errInterrupted = exit{exitInterrupted, errors.New("demo interrupted")}

func demoOnLoopback(ctx context.Context, e *env, o demoOptions, why error) error {
	stage, err := newLoopbackStage(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return errInterrupted
	case err != nil:
		return err
	case why != nil && o.json:
		fmt.Fprintf(e.stderr, "peervane: %v: the alerts about latency are left out\n", why)
	}
	return demoOn(ctx, e, o, stage, why)
}

// demoInside plays in a network namespace of its own. What cannot be set up there is no failure: it is told to the program
// outside, which then does without.
func demoInside(ctx context.Context, e *env, o demoOptions) error {
	stage, err := newLabStage(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return errInterrupted
	case err != nil:
		netlab.Decline(err)
		return exit{code: exitFailed}
	}
	return demoOn(ctx, e, o, stage, nil)
}

// demoOn plays on a stage, which it closes, and removes all that it made.
func demoOn(ctx context.Context, e *env, o demoOptions, stage *demoStage, why error) error {
	// A reader that goes away, such as head, or a terminal that is closed, ends the demo in order too.
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP)
	defer stop()
	signal.Ignore(syscall.SIGPIPE)
	defer signal.Reset(syscall.SIGPIPE)
	dir, err := os.MkdirTemp("", "peervane-demo-")
	if err != nil {
		return errors.Join(fmt.Errorf("make a folder for the daemon's state: %w: set TMPDIR to one that this user may write", err), stage.close())
	}
	page := newDemoPage(e.stdout, o.json)
	err = playDemo(ctx, page, stage, demoPlay{dir: dir, pace: demoPaces[o.pace], why: why, stderr: e.stderr})
	err = errors.Join(err, stage.close(), os.RemoveAll(dir))
	switch {
	case ctx.Err() != nil:
		return errInterrupted
	case errors.Is(err, syscall.EPIPE):
		return exit{code: exitFailed}
	}
	return err
}
