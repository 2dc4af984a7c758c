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
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"peervane/systemd"
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
	initCommand,
	checkCommand,
	replayCommand,
	dumpCommand,
	generateCommand,
	demoCommand,

	asking(statusView),
	asking(peersView),
	asking(routesView),
	asking(prefixesView),
	incidentsCommand,
	asking(eventsView),
	asking(popsView),
	asking(latencyView),
	asking(transitsView),

	reloadCommand,
	ackCommand,
	silenceCommand,
	revalidateCommand,
	testAlertCommand,
	deadletterCommand,
	backupCommand,
	recordCommand,
	completionCommand,
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
	e := &env{os.Stdout, os.Stderr}
	if systemd.OnJournal(os.Stderr) {
		e.stderr = priorityWriter{os.Stderr, priority(zap.ErrorLevel)}
	}
	code := run(ctx, e, os.Args[1:])
	stop()
	os.Exit(code)
}

// run does what the arguments ask for, and gives the exit code.
func run(ctx context.Context, e *env, args []string) int {
	root := newRoot(e)
	root.SetArgs(args)
	err := errors.New("a command is missing")
	if len(args) > 0 {
		err = root.ExecuteContext(ctx)
	}
	if err == nil {
		return 0
	}
	told := exit{exitUsage, fmt.Errorf("%w\nSee 'peervane help'", err)} // there is no such command
	errors.As(err, &told)
	if told.err != nil {
		fmt.Fprintf(e.stderr, "peervane: %v\n", told.err)
	}
	return told.code
}

func newRoot(e *env) *cobra.Command {
	root := &cobra.Command{
		Use:               "peervane",
		Short:             "Watch registered prefixes over BGP, and what their routes cost in latency",
		Version:           version(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetOut(e.stdout)
	root.SetErr(e.stderr)
	root.SetVersionTemplate(versionLine())
	root.SetHelpCommand(helpCommand())
	root.SetFlagErrorFunc(usage)
	for _, command := range commands {
		root.AddCommand(failing(command(e)))
	}
	return root
}

// failing gives every error of a command's own work exit code 1, and of its arguments 64.
func failing(c *cobra.Command) *cobra.Command {
	work, arguments := c.RunE, c.Args
	c.DisableFlagsInUseLine = true
	c.Args = func(c *cobra.Command, args []string) error {
		if arguments(c, args) == nil {
			return nil
		}
		return usage(c, fmt.Errorf("wrong arguments: the command is '%s'", c.UseLine()))
	}
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

// usage says where it is written how a command is used.
func usage(c *cobra.Command, err error) error {
	if !c.HasParent() {
		return err
	}
	return exit{exitUsage, fmt.Errorf("%w\nSee 'peervane help %s'", err, strings.TrimPrefix(c.CommandPath(), "peervane "))}
}
