package systemd

import (
	"fmt"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"
)

// Ready says that start-up, or a reload, is over.
func Ready() error { return send(daemon.SdNotifyReady) }

// Stopping says that the service ends.
func Stopping() error { return send(daemon.SdNotifyStopping) }

// Alive feeds the watchdog.
func Alive() error { return send(daemon.SdNotifyWatchdog) }

// Status sets the line that `systemctl status` shows.
func Status(text string) error {
	return send("STATUS=" + strings.ReplaceAll(text, "\n", " "))
}

// Reloading says that a reload begins; Ready must follow. Type=notify-reload tells reloads apart by the time in it, which
// Type=notify ignores.
func Reloading() error {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return fmt.Errorf("read the monotonic clock: %w", err)
	}
	return send(fmt.Sprintf("%s\nMONOTONIC_USEC=%d", daemon.SdNotifyReloading, now.Nano()/int64(time.Microsecond)))
}

// WatchdogInterval is how often Alive must be called at the least; 0 when nobody watches. Call it twice as often.
func WatchdogInterval() (time.Duration, error) {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return 0, fmt.Errorf("read WATCHDOG_USEC: %w", err)
	}
	return interval, nil
}

// send reaches nobody, and says nothing, where NOTIFY_SOCKET is not set.
func send(state string) error {
	if _, err := daemon.SdNotify(false, state); err != nil {
		return fmt.Errorf("notify systemd: %w", err)
	}
	return nil
}
