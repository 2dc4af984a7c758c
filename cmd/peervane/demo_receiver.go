package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"peervane/daemon/notice"
)

// demoReceiver is the other end of the webhook. It does what Standard Webhooks asks of a receiver, with no help from the
// daemon's own code: what it refuses, the demo does not show.
type demoReceiver struct {
	listener net.Listener
	key      []byte
	arrivals chan demoArrival
}

// demoArrival is a notice that came with a good signature.
type demoArrival struct {
	at     time.Time // when the request was there
	header http.Header
	body   []byte
	notice notice.Notice
	after  time.Duration // from the UPDATE
}

const (
	arrivalsKept  = 64
	largestNotice = 1 << 20
	clockSkew     = 5 * time.Minute // of webhook-timestamp, as Standard Webhooks advises
)

func newDemoReceiver(ctx context.Context, key []byte) (*demoReceiver, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("webhook receiver: %w", err)
	}
	return &demoReceiver{listener: l, key: key, arrivals: make(chan demoArrival, arrivalsKept)}, nil
}

func (r *demoReceiver) url() string { return "http://" + r.listener.Addr().String() + "/peervane" }

// run serves until ctx is done, or a notice comes that must be refused.
func (r *demoReceiver) run(ctx context.Context) error {
	failed := make(chan error, 1)
	server := &http.Server{
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if err := r.take(req, time.Now()); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				select {
				case failed <- err:
				default:
				}
				return
			}
			w.WriteHeader(http.StatusNoContent)
		}),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(r.listener) }()
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		err = fmt.Errorf("webhook receiver: a notice was refused: %w", err)
	}
	_ = server.Close() // the daemon is gone by now, or the demo has failed
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// take verifies one notice and hands it on.
func (r *demoReceiver) take(req *http.Request, at time.Time) error {
	body, err := io.ReadAll(io.LimitReader(req.Body, largestNotice))
	if err != nil {
		return err
	}
	if err := r.verify(req.Header, body, at); err != nil {
		return err
	}
	n, err := notice.Parse(body)
	if err != nil {
		return err
	}
	select {
	case r.arrivals <- demoArrival{at: at, header: req.Header, body: body, notice: n}:
		return nil
	case <-req.Context().Done():
		return req.Context().Err()
	}
}

// verify holds the signature to "id.timestamp.body", and the timestamp to the clock.
func (r *demoReceiver) verify(h http.Header, body []byte, at time.Time) error {
	id, timestamp := h.Get("webhook-id"), h.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || id == "" {
		return fmt.Errorf("webhook-id %q, webhook-timestamp %q", id, timestamp)
	}
	if off := at.Sub(time.Unix(seconds, 0)).Abs(); off > clockSkew {
		return fmt.Errorf("webhook-timestamp is off by %s", off)
	}
	mac := hmac.New(sha256.New, r.key)
	fmt.Fprintf(mac, "%s.%s.%s", id, timestamp, body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for _, have := range strings.Fields(h.Get("webhook-signature")) {
		if hmac.Equal([]byte(have), []byte(want)) {
			return nil
		}
	}
	return errors.New("webhook-signature is wrong")
}
