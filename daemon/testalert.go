package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"peervane/config"
	"peervane/daemon/api"
	"peervane/daemon/notice"
	"peervane/daemon/notify"
	"peervane/daemon/store"
)

// trialTime is how long a test notice is waited for: the longest attempt there is, that of a mail, may be under way before it.
const trialTime = 130 * time.Second

// testAlert sends a test notice through a channel the way of all others, and then its end, so that nothing stays open at
// the receiver.
func (d *Daemon) testAlert(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), trialTime)
	defer cancel()
	name := r.URL.Query().Get("channel")
	channel, source, others := d.channelNamed(ctx, name)
	if channel.Name == "" {
		http.Error(w, fmt.Sprintf("there is no channel %q: %s", name, others), http.StatusNotFound)
		return
	}
	n := notify.Test(channel, source, time.Now())
	told, err := d.try(ctx, channel.Name, n)
	if err == nil && channel.Resolve {
		now := time.Now()
		n.Status, n.UpdatedAt, n.ResolvedAt, n.Reason = notice.Resolved, notice.At(now), notice.At(now), notice.ReasonCleared
		var end string
		end, err = d.try(ctx, channel.Name, n)
		told += "\n" + end
	}
	if err != nil {
		http.Error(w, strings.TrimSpace(told+"\n"+err.Error()), http.StatusBadGateway)
		return
	}
	if r.URL.Query().Has("json") {
		writeJSON(w, api.Tried{Channel: name, Told: strings.Split(told, "\n")})
		return
	}
	fmt.Fprintln(w, told)
}

// channelNamed finds a configured channel, or says which others there are, and how this host is named.
func (d *Daemon) channelNamed(ctx context.Context, name string) (channel config.Channel, source, others string) {
	var names []string
	d.call(ctx, func() {
		source = sourceName(d.cfg)
		for _, c := range d.cfg.Channels {
			names = append(names, c.Name)
			if c.Name == name {
				channel = c
			}
		}
	})
	slices.Sort(names)
	others = "the configuration has none"
	if len(names) > 0 {
		others = "the configuration has " + strings.Join(names, ", ")
	}
	return channel, source, others
}

// try sends one test notice, and tells how it went.
func (d *Daemon) try(ctx context.Context, channel string, n notice.Notice) (string, error) {
	began := time.Now()
	n.Delivery = randomID("", began, 0)
	body, err := n.Body()
	if err != nil {
		return "", err
	}
	row := notify.Deliveries(&n, body, []string{channel}, began)
	result, err := d.channels.Try(ctx, row[0], func(notice.Delivery) notice.Delivery {
		d.keep(ctx, store.Batch{Outbox: row})
		return row[0] // with its number
	})
	took := time.Since(began).Round(time.Millisecond)
	switch {
	case errors.Is(err, notify.ErrNoChannel):
		return "", fmt.Errorf("channel %s cannot be used: the log says why", channel)
	case err != nil:
		return "", fmt.Errorf("channel %s: %s test notice %s not sent within %s: %w", channel, n.Status, n.Delivery, took, err)
	case result.Outcome != notify.Delivered:
		return "", fmt.Errorf("channel %s: %s test notice %s not delivered, and not tried again: %w", channel, n.Status, n.Delivery, result.Err)
	case result.Err != nil:
		return fmt.Sprintf("channel %s: %s test notice %s delivered in %s, but not to all: %v", channel, n.Status, n.Delivery, took, result.Err), nil
	}
	return fmt.Sprintf("channel %s: %s test notice %s delivered in %s", channel, n.Status, n.Delivery, took), nil
}

// keep submits a batch and waits until it is on disk, or, while there is none that works, in memory. What it has for channels is
// handed to them, in its turn, also when nobody waits any more.
func (d *Daemon) keep(ctx context.Context, b store.Batch) {
	kept := make(chan struct{})
	d.store.Submit(b, func(error) {
		d.channels.Hand(b.Outbox)
		close(kept)
	})
	select {
	case <-kept:
	case <-ctx.Done():
	}
}
