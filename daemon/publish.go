package daemon

import (
	"context"
	"encoding/json"
	"maps"
	"net/netip"
	"slices"
	"time"

	"go.uber.org/zap"

	"peervane/config"
	"peervane/daemon/incident"
	"peervane/daemon/notice"
	"peervane/daemon/notify"
	"peervane/daemon/store"
)

// kindMemory is the kind of state under which the memory of each registration is kept.
const kindMemory = "memory"

// publisher turns what the engine tells into rows of the store: incidents, deliveries, events and memories, all of one
// step in one transaction, but for the numbers of a group that nobody is told of. Only what is on disk is told.
type publisher struct {
	store     *store.Store
	channels  *notify.Dispatcher
	followers *followers
	log       *zap.Logger
	hooks     hooks

	configured []config.Channel
	told       map[string]notice.Told // of the open incidents

	unwritten map[netip.Prefix]*registration // whose memory has changed since it was written
	written   time.Time                      // when memories were written last
	pause     time.Duration                  // from then until they may be again
	handed    int                            // since the store was last asked to write them at once
}

// memoryRate is how often memories are written that no notice rests on. While a registration is under attack its memory
// changes with every UPDATE, and none of the changes must outlive the process on its own.
const memoryRate = 500 * time.Millisecond

// memoryBite is how many of them are encoded in one step: a tenth of a millisecond, for which no notice waits but one that would
// have to wait again and again. The next part follows soon, when a million registrations are seen for the first time or a hundred thousand are hijacked.
const (
	memoryBite  = 8
	memoryPause = 800 * time.Microsecond
)

// memoryBatch is how many of them share a transaction at most: what is promised with the first does not wait for a million.
const memoryBatch = 250

// memoryFlow is how many bytes of them a second are written in the long run, when much is remembered of many and changes.
const memoryFlow = 4 << 20

// hooks hear how far the notices of an UPDATE have come, with the time at which it was read.
type hooks struct{ queued, durable func(heard time.Time) }

// line is what the log says of a notice once it is on disk.
type line struct {
	notice notice.Notice
	body   []byte
}

// publish hands over what one step of the engine told. It never waits.
func (p *publisher) publish(out output, changed []incident.Record, now time.Time) {
	var b store.Batch
	var lines []line
	for i := range out.notices {
		n := &out.notices[i]
		n.Delivery = randomID("", now, 0)
		body, err := n.Body()
		if err != nil {
			p.log.Error("notice cannot be encoded", zap.String("incident", n.Incident), zap.Error(err))
			continue
		}
		lines = append(lines, line{*n, body})
		if n.Held != "" {
			continue
		}
		to, told := notify.Route(n, p.told[n.Incident], p.configured)
		if n.Status != notice.Resolved { // who was told stays to be seen
			p.told[n.Incident] = told
		}
		b.Outbox = append(b.Outbox, notify.Deliveries(n, body, to, now)...)
	}
	b.Incidents, b.Urgent = p.incidents(changed), len(lines) > 0 // the log waits, too
	due := p.dueMemories(out, now)
	if p.handed += len(due); p.handed >= memoryBatch {
		p.handed, b.Urgent = 0, true
	}
	b.KV = append(p.memories(due), slices.Concat(p.trails(out.trails), reignRows(out.reigns))...)
	b.Events, b.Latency = rows(out.events), out.latency
	if len(b.Incidents)+len(b.Outbox)+len(b.KV)+len(b.Events)+len(b.Latency) == 0 {
		return
	}
	if !out.heard.IsZero() {
		p.hooks.queued(out.heard)
	}
	p.store.Submit(b, p.whenOnDisk(lines, b.Outbox, out.heard))
}

// whenOnDisk is what is to be done then; nil when nothing was told.
func (p *publisher) whenOnDisk(lines []line, deliveries []notice.Delivery, heard time.Time) func(error) {
	if len(lines) == 0 && heard.IsZero() {
		return nil
	}
	return func(err error) { p.onDisk(lines, deliveries, heard, err) }
}

// onDisk tells what was promised. Without a working disk it is told all the same: an alert that may be lost with the
// process is better than none. The store calls it, once for each, in their order.
func (p *publisher) onDisk(lines []line, deliveries []notice.Delivery, heard time.Time, err error) {
	for i := range lines {
		notify.Log(p.log, &lines[i].notice, lines[i].body)
		p.followers.tell(lines[i].body, lines[i].notice.Held)
	}
	if err == nil && !heard.IsZero() {
		p.hooks.durable(heard)
	}
	p.channels.Hand(deliveries)
}

func (p *publisher) incidents(changed []incident.Record) []store.Incident {
	out := make([]store.Incident, 0, len(changed))
	for i := range changed {
		r := &changed[i]
		n := &r.Notice
		out = append(out, store.Incident{
			ID: n.Incident, Fingerprint: n.Fingerprint, Type: n.Type, Prefix: n.Prefix, Status: n.Status, Severity: n.Severity,
			Started: n.StartedAt.Time, Updated: n.UpdatedAt.Time, Resolved: n.ResolvedAt.Time, Told: p.told[n.Incident],
			Encode: p.encoded(r), Group: r.Group,
		})
		if !r.Open {
			delete(p.told, n.Incident)
		}
	}
	return out
}

// encoded gives an incident as it is kept, of a record that nobody changes any more.
func (p *publisher) encoded(r *incident.Record) store.Encode {
	return func() (body, state []byte, ok bool) {
		body, state, err := r.Encode()
		if err != nil {
			p.log.Error("incident cannot be encoded", zap.String("incident", r.ID()), zap.Error(err))
		}
		return body, state, err == nil
	}
}

// dueMemories gives the registrations whose memory is to be written now: those whose end or beginning of an incident was
// told on the ground of it, and, from time to time, all that changed.
func (p *publisher) dueMemories(out output, now time.Time) []*registration {
	for _, reg := range out.memories {
		p.unwritten[reg.Prefix] = reg
	}
	if len(p.unwritten) == 0 {
		return nil
	}
	var due []*registration
	if late := now.Sub(p.written) - p.pause; late >= memoryRate || late >= 0 && !toSend(out.notices) {
		p.written, p.pause = now, memoryRate
		for prefix, reg := range p.unwritten {
			if len(due) == memoryBite {
				break
			}
			due = append(due, reg)
			delete(p.unwritten, prefix)
		}
		if len(due) == memoryBite {
			p.pause = memoryPause
		}
		slices.SortFunc(due, func(a, b *registration) int { return a.Prefix.Compare(b.Prefix) })
		if len(p.unwritten) == 0 {
			p.unwritten = map[netip.Prefix]*registration{} // that of a million is not kept
		}
	}
	for _, n := range out.notices {
		if reg := p.unwritten[n.Prefix]; reg != nil && slices.Contains(remembered, n.Type) {
			due = append(due, reg)
			delete(p.unwritten, n.Prefix)
		}
	}
	return due
}

// remembered are the types that compare the present with what was remembered.
var remembered = []string{notice.PathChange, notice.CoveringChange, notice.Withdrawn, notice.MissingUpstream, notice.Flapping, notice.Visibility}

// flush writes all that waits: numbers of groups, memories, and the hours that are not over.
func (p *publisher) flush(e *engine) {
	p.store.Submit(store.Batch{Incidents: p.incidents(e.book.Swollen()), Latency: e.rollups.all(), KV: p.trails(e.plane.TrailsSince(e.trailsKept))}, nil)
	for len(p.unwritten) > 0 {
		p.written = time.Time{}
		p.store.Submit(store.Batch{KV: p.memories(p.dueMemories(output{}, time.Now()))}, nil)
	}
}

// due is when memories wait to be written; zero when none do.
func (p *publisher) due() time.Time {
	if len(p.unwritten) == 0 {
		return time.Time{}
	}
	return p.written.Add(p.pause)
}

func (p *publisher) memories(changed []*registration) []store.KV {
	var out []store.KV
	size := 0
	for _, reg := range changed {
		value, err := json.Marshal(reg.memory.WithoutHijacks())
		if err != nil {
			p.log.Error("memory cannot be encoded", zap.Stringer("prefix", reg.Prefix), zap.Error(err))
			continue
		}
		out = append(out, store.KV{Kind: kindMemory, Key: reg.Prefix.String(), Value: value})
		size += len(value)
	}
	p.pause += time.Duration(size) * time.Second / memoryFlow
	return out
}

func rows(events []event) []store.Event {
	out := make([]store.Event, 0, len(events))
	for _, ev := range events {
		detail, _ := json.Marshal(ev.detail) // a string can always be encoded
		out = append(out, store.Event{At: ev.at, Type: ev.typ, Severity: ev.severity, Prefix: ev.prefix, Peer: ev.peer, POP: ev.pop, Detail: detail})
	}
	return out
}

// kept is what an earlier run left to the engine.
type kept struct {
	at       time.Time // when it was read
	records  []incident.Record
	silences []incident.Silence
	memories map[netip.Prefix][]byte
	hijacks  []store.Ended  // within the last hour, oldest first
	members  []store.Member // that have ended, of groups that are open
	trails   [][]byte
	reigns   []byte
	told     map[string]notice.Told // of the open incidents
}

// load reads what an earlier run kept: its incidents and who was told of them, silences and memories.
func (p *publisher) load(ctx context.Context) (k kept, err error) {
	state, err := p.store.Load(ctx)
	if err != nil {
		return k, err
	}
	k.at, k.told = time.Now(), map[string]notice.Told{}
	for _, row := range state.Incidents {
		if p.restored(&k, row) {
			k.told[row.ID] = row.Told
		}
	}
	k.members = state.Members
	for _, row := range state.Ended {
		p.restored(&k, row)
	}
	if k.hijacks, err = p.store.Ended(ctx, wrongOriginTypes...); err != nil {
		p.log.Error("the hijacks that ended lately cannot be read, going on without them", zap.Error(err))
	}
	k.memories = map[netip.Prefix][]byte{}
	for _, kv := range state.KV {
		switch prefix, err := netip.ParsePrefix(kv.Key); {
		case kv.Kind == kindMemory && err == nil:
			k.memories[prefix] = kv.Value
		case kv.Kind == kindSilence:
			k.silences = append(k.silences, p.silence(kv)...)
		case kv.Kind == kindTrails:
			k.trails = append(k.trails, kv.Value)
		case kv.Kind == kindReigns:
			k.reigns = kv.Value
		}
	}
	return k, nil
}

// rejoin goes on knowing who was told in an earlier run.
func (p *publisher) rejoin(k *kept) { maps.Copy(p.told, k.told) }

// restored takes in an incident that was kept, and says whether it can be read.
func (p *publisher) restored(k *kept, row store.Incident) bool {
	r, err := incident.Decode(row.Notice, row.State)
	if err != nil {
		p.log.Error("an incident of the last run cannot be read, going on without it", zap.String("incident", row.ID), zap.Error(err))
		return false
	}
	r.NotAfter(k.at)
	k.records = append(k.records, r)
	return true
}

// rewrite hands over all that must outlive the process, to a store that has lost it.
func (p *publisher) rewrite(e *engine) {
	p.log.Warn("state is written anew, the database was lost or replaced")
	var regs []*registration
	for reg := range e.regs.all() {
		if len(reg.memory.Traces) > 0 {
			regs = append(regs, reg)
		}
	}
	silences, _ := e.book.Silences()
	kv := slices.Concat(p.memories(regs), p.trails(e.plane.TrailsSince(time.Time{})), silenceRows(silences), reignRows(e.reigns.kept))
	p.store.Submit(store.Batch{Incidents: p.incidents(e.book.Records()), KV: kv, Latency: e.rollups.all(), Urgent: true}, nil)
}
