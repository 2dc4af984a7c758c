// Command peervane watches the routes of registered prefixes over BGP, probes the edge POPs, and raises alerts on route
// leaks, hijacks and path changes, each with what it cost in latency.
//
// This package wires and decides nothing: one file a command.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes, as sysexits.h has them.
const (
	exitFailed = 1
	exitUsage  = 64
	exitConfig = 78
)

// commands lists every command. A new one is a file and a line here.
var commands = []func(*env) *cobra.Command{
	runCommand,
	checkCommand,
	replayCommand,
	dumpCommand,

	reloadCommand,
	versionCommand,
}

// env is what a command may touch of the world.
type env struct {
	stdout, stderr io.Writer
}

// exit is an error with an exit code of its own.
type exit struct {
	code int
	err  error // nil: everything was said already
}

func (e exit) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.err.Error()
}

func (e exit) Unwrap() error { return e.err }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := run(ctx, &env{os.Stdout, os.Stderr}, os.Args[1:])
	stop()
	os.Exit(code)
}

// run does what the arguments ask for, and gives the exit code.
func run(ctx context.Context, e *env, args []string) int {
	root := newRoot(e)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	code := exitUsage // cobra's own errors are all about usage
	var told exit
	if errors.As(err, &told) {
		code = told.code
		if told.err == nil {
			return code
		}
	}
	fmt.Fprintf(e.stderr, "peervane: %v\n", err)
	if code == exitUsage {
		fmt.Fprintln(e.stderr, "See 'peervane help'.")
	}
	return code
}

func newRoot(e *env) *cobra.Command {
	root := &cobra.Command{
		Use:           "peervane",
		Short:         "Watch registered prefixes over BGP, and what their routes cost in latency",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
	}
	root.SetOut(e.stdout)
	root.SetErr(e.stderr)
	for _, command := range commands {
		root.AddCommand(failing(command(e)))
	}
	return root
}

// failing gives every error of a command's own work exit code 1, so that only cobra's are about usage.
func failing(c *cobra.Command) *cobra.Command {
	work := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		err := work(c, args)
		var told exit
		if err == nil || errors.As(err, &told) {
			return err
		}
		return exit{exitFailed, err}
	}
	return c
}
