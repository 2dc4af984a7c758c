package store

import (
	"cmp"
	"maps"
	"slices"

	"peervane/daemon/notice"
)

// The bounds of what waits in memory while the disk does not answer. Incidents and deliveries are small in number but
// for a disaster; what goes over a bound goes oldest first, and is counted. Incidents share what they hold with the book, and are
// not encoded before they are written: there is room for those of a storm.
const (
	maxIncidents = 200_000
	maxOutbox    = 50_000
	maxKV        = 1_000_000
	maxEvents    = 200_000
	maxLatency   = 20_000
)

// incidentBite is how many incidents wait for company at most: what is promised after them does not wait until more are encoded.
const incidentBite = 32

type kvKey struct{ kind, key string }

// pending is what waits for the next transaction, the latest of each key.
type pending struct {
	incidents map[string]*Incident
	outbox    map[int64]notice.Delivery
	kv        map[kvKey][]byte
	events    []Event
	latency   map[latencyKey]Latency
	forget    map[int64]string // dead letters, and their channels
	done      []func(error)
	promised  bool   // somebody waits for some of it
	direct    bool   // it is not for the redo log
	inRedo    bool   // all of it is in the redo log, on the disk
	lsn       uint64 // of the last record of the redo log that is in it; 0: none
}

func newPending() *pending {
	return &pending{
		incidents: map[string]*Incident{}, outbox: map[int64]notice.Delivery{}, kv: map[kvKey][]byte{},
		latency: map[latencyKey]Latency{}, forget: map[int64]string{},
	}
}

// clear makes p empty, and keeps its room, but for the list of those who wait: whoever tells them has that still.
func (p *pending) clear() {
	clear(p.incidents)
	clear(p.outbox)
	clear(p.kv)
	clear(p.events)
	clear(p.latency)
	clear(p.forget)
	*p = pending{incidents: p.incidents, outbox: p.outbox, kv: p.kv, events: p.events[:0], latency: p.latency, forget: p.forget}
}

func (p *pending) empty() bool { return p.rows()+len(p.done) == 0 }

func (p *pending) rows() int {
	return len(p.incidents) + len(p.outbox) + len(p.kv) + len(p.events) + len(p.latency) + len(p.forget)
}

// volume is how much of each is in several.
type volume struct{ incidents, outbox, kv, events, latency int }

func (v *volume) add(p *pending) {
	v.incidents += len(p.incidents)
	v.outbox += len(p.outbox)
	v.kv += len(p.kv)
	v.events += len(p.events)
	v.latency += len(p.latency)
}

func (v *volume) fits() bool {
	return v.incidents <= maxIncidents && v.outbox <= maxOutbox && v.kv <= maxKV && v.events <= maxEvents && v.latency <= maxLatency
}

func (p *pending) add(b *Batch) {
	for i := range b.Incidents {
		p.incidents[b.Incidents[i].ID] = &b.Incidents[i]
	}
	for _, d := range b.Outbox {
		p.outbox[d.Seq] = d
	}
	for _, kv := range b.KV {
		p.kv[kvKey{kv.Kind, kv.Key}] = kv.Value
	}
	p.events = append(p.events, b.Events...)
	for _, l := range b.Latency {
		p.latency[l.key()] = l
	}
	for _, d := range b.Forget {
		delete(p.outbox, d.Seq)
		p.forget[d.Seq] = d.Channel
	}
	p.promised = p.promised || b.promised() || len(p.incidents) >= incidentBite
}

// overlay puts what came later on top of p.
func (p *pending) overlay(later *pending) {
	maps.Copy(p.incidents, later.incidents)
	maps.Copy(p.outbox, later.outbox)
	maps.Copy(p.kv, later.kv)
	p.events = append(p.events, later.events...)
	maps.Copy(p.latency, later.latency)
	for seq, channel := range later.forget {
		delete(p.outbox, seq)
		p.forget[seq] = channel
	}
	p.done, p.promised = append(p.done, later.done...), p.promised || later.promised
	p.inRedo, p.direct, p.lsn = p.inRedo && later.inRedo, p.direct || later.direct, max(p.lsn, later.lsn)
}

// Dropped counts what was given up while the disk did not answer.
type Dropped struct{ Incidents, Outbox, KV, Events, Latency int }

// trim holds p to the bounds, and takes what it drops of the outbox from the counts.
func (p *pending) trim(d *Dropped, depth, dead map[string]int) {
	for _, old := range trimMap(p.incidents, maxIncidents, func(a, b *Incident) int { return a.Updated.Compare(b.Updated) }) {
		delete(p.incidents, old.ID)
		d.Incidents++
	}
	for _, old := range trimMap(p.outbox, maxOutbox, func(a, b notice.Delivery) int { return cmp.Compare(a.Seq, b.Seq) }) {
		delete(p.outbox, old.Seq)
		d.Outbox++
		switch old.State {
		case notice.Pending:
			depth[old.Channel]--
		case notice.Dead:
			dead[old.Channel]--
		}
	}
	for key := range p.kv {
		if len(p.kv) <= maxKV {
			break
		}
		delete(p.kv, key)
		d.KV++
	}
	p.events = trimSlice(p.events, maxEvents, &d.Events)
	for _, old := range trimMap(p.latency, maxLatency, func(a, b Latency) int { return a.End.Compare(b.End) }) {
		delete(p.latency, old.key())
		d.Latency++
	}
}

// trimMap gives what is to go of m, the first in the order given; a sixteenth more, so that it is seldom called for.
func trimMap[K comparable, V any](m map[K]V, limit int, order func(a, b V) int) []V {
	if len(m) <= limit {
		return nil
	}
	return slices.SortedFunc(maps.Values(m), order)[:len(m)-limit+limit/16]
}

func trimSlice[T any](s []T, limit int, dropped *int) []T {
	if len(s) <= limit {
		return s
	}
	drop := len(s) - limit + limit/16
	*dropped += drop
	return slices.Clone(s[drop:])
}
