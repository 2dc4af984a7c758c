package daemon

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"
)

// task is a long-lived part of the daemon. It ends without an error when ctx does.
type task func(ctx context.Context) error

// stages are tasks that start one after the other and end in reverse, so that none outlives what it uses. When a task
// fails, failed is closed, and everything should be stopped.
type stages struct {
	all    []stage
	failed chan struct{}
}

type stage struct {
	group  *errgroup.Group
	cancel context.CancelFunc
}

func newStages() *stages { return &stages{failed: make(chan struct{}, 1)} }

// start begins a stage. Its tasks end with stop, not with the context of the daemon, whose values alone they get.
func (s *stages) start(ctx context.Context, tasks ...task) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	group, ctx := errgroup.WithContext(ctx)
	for _, t := range tasks {
		group.Go(func() error {
			err := t(ctx)
			if err != nil {
				signal(s.failed)
			}
			return err
		})
	}
	s.all = append(s.all, stage{group, cancel})
}

// stop ends the stages, the latest first, and waits for each.
func (s *stages) stop() error {
	var errs []error
	for i := len(s.all) - 1; i >= 0; i-- {
		s.all[i].cancel()
		errs = append(errs, s.all[i].group.Wait())
	}
	return errors.Join(errs...)
}

// signal leaves a token, if there is none yet.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
