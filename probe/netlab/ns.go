package netlab

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/vishvananda/netns"
)

// newNamespace makes a network namespace. The handle alone keeps it alive.
func newNamespace() (ns netns.NsHandle, err error) {
	err = onThread(func() error {
		ns, err = netns.New()
		return err
	})
	if err != nil {
		return netns.None(), fmt.Errorf("cannot make a network namespace: %w", err)
	}
	return ns, nil
}

// within runs f on a thread that is in the namespace ns. What f asks of netlink
// goes there: a netlink.Handle would do as well, until it is closed, when it turns
// to the namespace of the caller.
func within(ns netns.NsHandle, f func() error) error {
	if !ns.IsOpen() {
		return errors.New("the lab is closed")
	}
	return onThread(func() error {
		if err := netns.Set(ns); err != nil {
			return fmt.Errorf("cannot enter the network namespace: %w", err)
		}
		return f()
	})
}

// onThread runs f with the goroutine bound to its thread, and then puts the
// thread back into the namespace that it was in. A thread that cannot go back
// stays bound, so that the runtime ends it with the goroutine and no other
// goroutine ever runs in the wrong namespace.
func onThread(f func() error) (err error) {
	runtime.LockOSThread()
	home, err := netns.Get()
	if err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("cannot open this thread's network namespace (is /proc mounted?): %w", err)
	}
	defer func() {
		if back := netns.Set(home); back != nil {
			err = errors.Join(err, fmt.Errorf("cannot return to the network namespace of before: %w", back))
		} else {
			runtime.UnlockOSThread()
		}
		home.Close()
	}()
	return f()
}
