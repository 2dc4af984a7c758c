package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// openControl opens the socket over which the daemon is told to do something. Its folder's permissions say who may.
func (d *Daemon) openControl(ctx context.Context) (task, error) {
	path := d.opts.Control
	if err := removeStale(path); err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	if err := os.Chmod(path, 0o660); err != nil {
		return nil, errors.Join(fmt.Errorf("open the control socket: %w", err), l.Close())
	}
	server := &http.Server{Handler: d.controls(), ReadTimeout: time.Minute}
	return func(ctx context.Context) error {
		closed := make(chan error, 1)
		stop := context.AfterFunc(ctx, func() { closed <- server.Close() })
		err := server.Serve(l)
		if stop() {
			return fmt.Errorf("serve the control socket: %w", err)
		}
		<-closed
		return nil
	}, nil
}

// removeStale takes away the socket of a daemon that was killed; one that answers is left alone.
func removeStale(path string) error {
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		conn.Close()
		return fmt.Errorf("open the control socket: another peervane answers at %s: stop it first", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove an old control socket: %w", err)
	}
	return nil
}

// controls is what can be asked for: each a POST.
func (d *Daemon) controls() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /reload", func(w http.ResponseWriter, r *http.Request) {
		switch err := d.Reload(r.Context()); {
		case err == nil:
			fmt.Fprintln(w, "reloaded")
		case errors.Is(err, ErrRefused):
			http.Error(w, err.Error(), http.StatusConflict)
		default:
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	})
	return mux
}
