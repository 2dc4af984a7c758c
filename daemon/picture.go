package daemon

import (
	"context"
	"encoding/json"
	"net/netip"
	"time"

	"peervane/daemon/api"
	"peervane/daemon/incident"
	"peervane/daemon/notice"
)

// picture makes a snapshot of the daemon; the engine's goroutine calls it.
func (l *loop) picture(now time.Time) *api.Snapshot {
	s := &api.Snapshot{
		Peers:      l.peers.picture(l.engine),
		Incidents:  l.openIncidents(),
		Counts:     countsOf(l.engine.book),
		POPs:       l.engine.pictureOfPOPs(now),
		LocalDrops: l.engine.localDrops, Interval: l.engine.cfg.Probe.Interval, Made: now,
	}
	s.Status = api.Status{
		Version: l.opts.Version, Source: l.engine.source, StartedAt: notice.At(l.started),
		ReloadedAt: notice.At(l.reloaded), ReloadError: l.refused, At: notice.At(now),
		Ready: !l.backlog, Peers: len(s.Peers), Prefixes: l.engine.regs.trie.Size(), OpenIncidents: len(s.Incidents),
		Store: "ok", RPKI: l.rpki.picture(), Relationships: l.engine.pictureOfRelationships(),
	}
	for _, p := range s.Peers {
		if p.State == "Established" {
			s.Status.PeersUp++
		}
	}
	s.Status.Feeds = l.feeds.picture()
	l.pictureOfTelling(&s.Status, s.Incidents)
	if err := l.store.Trouble(); err != nil {
		s.Status.Store = err.Error()
	}
	return s
}

func countsOf(b *incident.Book) (out []api.Count) {
	for c, n := range b.Count() {
		out = append(out, api.Count{Type: c.Type, Severity: c.Severity, Open: n})
	}
	return out
}

// some tells an empty list as [], not null.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// Snapshot is what the API shows. How the channels are is told as it is now: the engine need not be asked for that.
func (d *Daemon) Snapshot() *api.Snapshot {
	s := *d.snapshot.Load()
	s.Status.Channels = d.pictureOfChannels(s.Status.Channels)
	return &s
}

// maxEvents bounds one answer.
const maxEvents = 10_000

// Events reads the events log.
func (d *Daemon) Events(ctx context.Context, prefix netip.Prefix, since time.Time) ([]api.Event, error) {
	rows, err := d.store.Events(ctx, prefix, since, maxEvents)
	if err != nil {
		return nil, err
	}
	var out []api.Event
	for _, r := range rows {
		ev := api.Event{At: notice.At(r.At), Type: r.Type, Severity: r.Severity, Prefix: r.Prefix, Peer: r.Peer, POP: r.POP}
		_ = json.Unmarshal(r.Detail, &ev.Detail) // we wrote it: always a string
		out = append(out, ev)
	}
	return out, nil
}
