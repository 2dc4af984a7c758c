package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"peervane/bgp/source"
	"peervane/daemon"
)

func recordCommand(e *env) *cobra.Command {
	var socket string
	var length time.Duration
	c := &cobra.Command{
		Use:   "record [--for DURATION] FILE [-c FILE | --socket SOCKET]",
		Short: "Write what the running daemon takes in to a file of MRT for replay, - for stdout",
		Long: `Record writes what the engine of the running daemon takes in from its sessions, from now on until it is interrupted or
DURATION has passed: first how all sessions stand and what they hold of what is watched, then every change. FILE is MRT: any
reader of that shows its routes, and 'peervane replay' judges it as the daemon did, one recording at a time.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("for") && length <= 0 {
				return usage(c, fmt.Errorf("--for %v: give how long to record, such as 30s or 2h", length))
			}
			return takeRecording(c.Context(), e, socket, length, args[0])
		},
	}
	socketFlag(c, &socket)
	c.Flags().DurationVar(&length, "for", 0, "end after this `duration`, such as 30s or 2h; else when interrupted")
	return c
}

// takeRecording writes the recording as it comes. What broke off can be used as far as it goes.
func takeRecording(ctx context.Context, e *env, socket string, length time.Duration, name string) error {
	began := time.Now()
	copied, err := patiently(ctx, func() (copied source.TapeCopied, err error) {
		err = writingTo(e, name, func(to io.Writer) (err error) {
			copied, err = copyRecording(ctx, to, socket, length)
			return err
		})
		return copied, err
	})
	if copied.Records > 0 {
		fmt.Fprintf(e.stderr, "recorded  %d records of %d vantages in %s\n", copied.Records, copied.Vantages, time.Since(began).Round(time.Millisecond))
	}
	switch {
	case err == nil && copied.Why != "":
		return fmt.Errorf("the recording ended early: %s; %s", copied.Why, asFar)
	case err != nil && copied.Records > 0:
		return fmt.Errorf("%w; %s", err, asFar)
	}
	return err
}

const asFar = "what was written can be used as far as it goes"

// endPatience is how long the daemon may take to end a recording in order.
const endPatience = 10 * time.Second

// patiently calls what heeds ctx, and gives up on what does not, some time after its end: who reads a pipe may take nothing more, and a write to
// it cannot be called off.
func patiently(ctx context.Context, call func() (source.TapeCopied, error)) (source.TapeCopied, error) {
	over := make(chan struct{})
	var copied source.TapeCopied
	var err error
	go func() {
		defer close(over)
		copied, err = call()
	}()
	select {
	case <-over:
		return copied, err
	case <-ctx.Done():
	}
	select {
	case <-over:
		return copied, err
	case <-time.After(endPatience + time.Second):
		return source.TapeCopied{}, errors.New("who reads the recording takes no more of it: its end is missing")
	}
}

// copyRecording asks the daemon for a recording, and, when ctx ends, for its end.
func copyRecording(ctx context.Context, to io.Writer, socket string, length time.Duration) (copied source.TapeCopied, err error) {
	asking, leave := context.WithCancel(context.WithoutCancel(ctx))
	defer leave()
	var ending sync.WaitGroup
	defer ending.Wait()
	over, ids := make(chan struct{}), make(chan string, 1)
	defer close(over)
	ending.Go(func() {
		select {
		case <-over:
		case <-ctx.Done():
			endRecording(asking, socket, ids, over)
			leave()
		}
	})
	path := "/record"
	if length > 0 {
		path += "?for=" + url.QueryEscape(length.String())
	}
	err = controlAnswer(asking, socket, path, nil, func(answer *http.Response) error {
		ids <- answer.Header.Get(daemon.RecordingID)
		copied, err = source.CopyTape(to, answer.Body)
		return err
	})
	return copied, err
}

// endRecording has the daemon end the recording that it has begun, and waits until that is over.
func endRecording(ctx context.Context, socket string, ids <-chan string, over <-chan struct{}) {
	select {
	case id := <-ids:
		ctx, cancel := context.WithTimeout(ctx, endPatience)
		defer cancel()
		_, _ = control(ctx, socket, "/record/stop?id="+url.QueryEscape(id)) // where it has ended already, its end is on its way
		select {
		case <-over:
		case <-ctx.Done():
		}
	default: // it has begun none yet
	}
}
