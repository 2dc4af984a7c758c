package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"
)

// controlLook is how often is looked whether the control socket is still where it was opened.
const controlLook = 10 * time.Second

// openControl opens the socket over which the daemon is told to do something.
func (d *Daemon) openControl(ctx context.Context) (task, error) {
	path := d.opts.Control
	l, err := listenControl(ctx, path)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error { return d.keepControl(ctx, l, path, controlLook) }, nil
}

// listenControl makes the socket. Its folder's permissions say who may.
func listenControl(ctx context.Context, path string) (*net.UnixListener, error) {
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
	return l.(*net.UnixListener), nil
}

// keepControl answers at the control socket, and makes another one where somebody has removed it, as with the whole state folder:
// nobody could tell the daemon anything any more. It closes the listener.
func (d *Daemon) keepControl(ctx context.Context, l *net.UnixListener, path string, look time.Duration) error {
	server := &http.Server{Handler: d.controls(), ReadHeaderTimeout: time.Minute}
	var serving sync.WaitGroup
	failed := make(chan error, 1)
	serve := func(l net.Listener) {
		serving.Go(func() {
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
				select {
				case failed <- fmt.Errorf("serve the control socket: %w", err):
				default: // one is enough
				}
			}
		})
	}
	defer serving.Wait()
	defer d.recorders.running.Wait()
	defer d.recorders.refuse()
	defer server.Close()
	serve(l)
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			d.recorders.finish() // the engine has ended, and with it what they record
			return nil
		case err := <-failed:
			return err
		case <-tick.C:
		}
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			continue
		}
		again, err := listenControl(ctx, path)
		if err != nil {
			continue // its folder is gone, too: perhaps it comes back
		}
		d.log.Warn("control socket was removed, and is open again", zap.String("path", path))
		l.SetUnlinkOnClose(false) // that would remove the new one
		l.Close()
		l = again
		serve(l)
	}
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
	mux.HandleFunc("POST /reload", d.reloadNow)
	mux.HandleFunc("POST /test-alert", d.testAlert)
	mux.HandleFunc("POST /deadletter/list", d.listLetters)
	mux.HandleFunc("POST /deadletter/replay", d.replayLetters)
	mux.HandleFunc("POST /deadletter/drop", d.dropLetters)
	mux.HandleFunc("POST /ack", d.acknowledge)
	mux.HandleFunc("POST /revalidate", d.revalidate)
	mux.HandleFunc("POST /silence/add", d.addSilence)
	mux.HandleFunc("POST /silence/list", d.listSilences)
	mux.HandleFunc("POST /silence/remove", d.removeSilence)
	mux.HandleFunc("POST /backup", d.backup)
	mux.HandleFunc("POST /record", d.record)
	mux.HandleFunc("POST /record/stop", d.stopRecording)
	return mux
}

// reloadNow reloads, and says whether the file was taken.
func (d *Daemon) reloadNow(w http.ResponseWriter, r *http.Request) {
	switch err := d.Reload(r.Context()); {
	case errors.Is(err, ErrRefused):
		http.Error(w, err.Error(), http.StatusConflict)
	case err != nil:
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	case r.URL.Query().Has("json"):
		writeJSON(w, struct {
			Reloaded bool `json:"reloaded"`
		}{true})
	default:
		fmt.Fprintln(w, "reloaded")
	}
}

// backup hands over a copy of the database. What goes wrong on the way breaks the answer off, which the asker notices.
func (d *Daemon) backup(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/vnd.sqlite3")
	started := &begun{ResponseWriter: w}
	err := d.store.Backup(r.Context(), started)
	switch {
	case err == nil:
		d.log.Info("backup taken")
	case !started.yes:
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	default:
		d.log.Error("backup broken off", zap.Error(err))
		panic(http.ErrAbortHandler)
	}
}

// begun notes whether an answer has begun.
type begun struct {
	http.ResponseWriter
	yes bool
}

func (b *begun) Write(p []byte) (int, error) {
	b.yes = true
	return b.ResponseWriter.Write(p)
}
