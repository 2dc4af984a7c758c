package daemon

import (
	"context"
	"fmt"
	"net/http/httptest"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/bgp/wire"
	"peervane/config"
	"peervane/daemon/incident"
	"peervane/daemon/notice"
	"peervane/daemon/store"
)

const (
	stormCulprit = 3356
	probeEvery   = 24700 * time.Microsecond // between two hijacks by culprits of their own, which are told singly: no multiple of stormTick
)

// probed is what the hijacks that measure are in.
var probed = netip.MustParsePrefix("172.0.0.0/8")

// shape is one kind of storm: what is registered, and what happens to it.
type shape struct {
	name       string
	registered func(n int) []config.Registration
	strike     func(i int) []byte // UPDATE i of the storm
	calm       func(i int) []byte // and what ends it
	groups     []string           // types that are told as a group
}

var shapes = [...]shape{
	{
		name:       "one registration",
		registered: func(int) []config.Registration { return []config.Registration{optional("10.0.0.0/7")} },
		strike:     func(i int) []byte { return says(stormy(i), stormCulprit) },
		calm:       func(i int) []byte { return withdraws(stormy(i)) },
		groups:     []string{notice.SubPrefix},
	}, {
		name: "each its own registration",
		registered: func(n int) (out []config.Registration) {
			for i := range n {
				out = append(out, optional(stormy(i).String()))
			}
			return out
		},
		strike: func(i int) []byte { return says(stormy(i), stormCulprit) },
		calm:   func(i int) []byte { return says(stormy(i), 64496) },
		groups: []string{notice.OriginChange},
	}, {
		name: "hijacks and withdrawals",
		registered: func(n int) (out []config.Registration) {
			for i := range n {
				reg := optional(stormy(i).String())
				if i%2 == 1 {
					reg.Policy.Expect = config.ExpectAnnounced
				}
				out = append(out, reg)
			}
			return out
		},
		strike: func(i int) []byte {
			if i%2 == 1 {
				return withdraws(stormy(i))
			}
			return says(stormy(i), stormCulprit)
		},
		calm:   func(i int) []byte { return says(stormy(i), 64496) },
		groups: []string{notice.OriginChange, notice.Withdrawn},
	},
}

func shapeOf(name string) shape {
	i := slices.IndexFunc(shapes[:], func(s shape) bool { return s.name == name })
	return shapes[i]
}

func optional(prefix string) config.Registration {
	reg := registered(prefix, 64496)
	reg.Policy.Expect = config.ExpectOptional
	return reg
}

func says(p netip.Prefix, origin uint32) []byte {
	attrs := &bgp.Attrs{Path: bgp.Sequence(64500, origin), NextHop: speaker}
	return wire.AppendUpdate(nil, speaks, attrs, []wire.NLRI{{Prefix: p}}, nil)
}

func withdraws(p netip.Prefix) []byte {
	return wire.AppendUpdate(nil, speaks, nil, nil, []wire.NLRI{{Prefix: p}})
}

// tempest is a whole daemon with its disk and the receivers of its channels, and, in another process, its router.
type tempest struct {
	testing.TB
	shape
	n      int
	daemon *Daemon
	stop   func() error
	router *stormRouter
	ears   *ears

	probes []time.Time // when each hijack that measures was written
	mu     sync.Mutex
	queued []queued
}

// queued is when something was, and when that was read which led to it.
type queued struct{ at, read time.Time }

func newTempest(t testing.TB, s shape, n int) *tempest {
	t.Helper()
	o := &tempest{TB: t, shape: s, n: n, router: startRouter(t), ears: &ears{heard: map[string][]notice.Notice{}, fresh: make(chan struct{}, 1)}}
	receiver := httptest.NewServer(o.ears)
	t.Cleanup(receiver.Close)
	cfg := benchConfig(t.TempDir(), o.router.at)
	cfg.Detect = config.Detect{AbsenceHold: time.Second, PathChangeHold: time.Minute, PathSettle: 24 * time.Hour}
	cfg.Prefixes = append(s.registered(n), optional(probed.String()))
	channel := func(name string) config.Channel {
		return config.Channel{Name: name, Kind: "webhook", URL: config.NewURL(receiver.URL+"/"+name, false), MinSeverity: "warning", Resolve: true, AllowPrivate: true}
	}
	noc, once, leaks := channel("noc"), channel("once"), channel("leaks")
	once.Resolve, leaks.Types = false, []string{notice.RouteLeak}
	cfg.Channels = []config.Channel{noc, once, leaks}
	o.daemon = New(cfg, Options{Log: zap.NewNop()})
	o.daemon.hooks.queued = func(read time.Time) {
		o.mu.Lock()
		o.queued = append(o.queued, queued{time.Now(), read})
		o.mu.Unlock()
	}
	o.stop = launch(t, o.daemon)
	t.Cleanup(func() {
		if err := o.stop(); err != nil {
			t.Error(err)
		}
	})
	o.has("table", n, 0, false)
	return o
}

// has has the router do something, over some time, with hijacks between that measure.
func (o *tempest) has(do string, n int, over time.Duration, probes bool) {
	o.Helper()
	o.probes = append(o.probes, o.router.do(order{o.name, n, do, over, probes})...)
}

// detection gives how long the probes since the i-th took to be queued, from their being written and from their being read, each in
// order of length.
func (o *tempest) detection(since int) (written, read []time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, w := range o.probes[since:] {
		i, _ := slices.BinarySearchFunc(o.queued, w, func(q queued, t time.Time) int { return q.at.Compare(t) })
		for i < len(o.queued) && o.queued[i].read.Before(w) {
			i++ // what was read before is something else
		}
		if i < len(o.queued) {
			written = append(written, o.queued[i].at.Sub(w))
			read = append(read, o.queued[i].at.Sub(o.queued[i].read))
		}
	}
	slices.Sort(written)
	slices.Sort(read)
	return written, read
}

// until waits until something holds, and looks again whenever a receiver has heard something, and from time to time.
func (o *tempest) until(what string, holds func() (string, bool)) {
	o.Helper()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	late := time.After(3 * time.Minute)
	for {
		state, ok := holds()
		if ok {
			return
		}
		select {
		case <-o.ears.fresh:
		case <-again.C:
		case <-late:
			o.Fatalf("%s: %s", what, state)
		}
	}
}

// open counts what the engine holds open, and how the store is.
func (o *tempest) open() (open int, trouble error) {
	o.daemon.call(context.Background(), func() {
		for r := range o.daemon.engine.book.All() {
			if r.Notice.CulpritASN < 200_000 {
				open++
			}
		}
	})
	return open, o.daemon.store.Trouble()
}

// inSync waits until the router's table is known, and what is to be remembered of it is handed to the store.
func (o *tempest) inSync() {
	o.Helper()
	o.until("it is in sync", func() (string, bool) {
		s, unwritten := o.daemon.Snapshot().Status, 0
		o.daemon.call(context.Background(), func() { unwritten = len(o.daemon.publisher.unwritten) })
		return fmt.Sprintf("%+v, %d unwritten", s, unwritten), s.Ready && s.PeersUp == 1 && unwritten == 0
	})
}

// stands waits until all is open and written, and every channel has been told of it.
func (o *tempest) stands() {
	o.Helper()
	o.until("all is open", func() (string, bool) {
		open, trouble := o.open()
		return fmt.Sprint(open, " are open; ", trouble), open == o.n && trouble == nil
	})
	o.onDisk()
	state, err := o.daemon.store.Load(o.Context())
	if err != nil {
		o.Fatal(err)
	}
	book := incident.NewBook(incident.Options{NewID: derivedID})
	var records []incident.Record
	for _, row := range state.Incidents {
		r, err := incident.Decode(row.Notice, row.State)
		if err != nil {
			o.Fatal(err)
		}
		if r.Notice.CulpritASN < 200_000 {
			records = append(records, r)
		}
	}
	book.Restore(records, nil)
	if want := o.n + len(o.groups); len(records) != want {
		o.Errorf("%d incidents are on disk, want %d", len(records), want)
	}
	singly := map[string]bool{}
	for _, r := range book.Records() {
		switch g := r.Notice.Evidence.Group; {
		case g != nil && (g.Open != g.Total || len(book.Members(r.ID())) != g.Total):
			o.Errorf("a restart finds %d of group %+v", len(book.Members(r.ID())), g)
		case g != nil || r.Group == "":
			singly[r.ID()] = true
		}
	}
	for _, channel := range [...]string{"noc", "once"} {
		o.until(channel+" is told of all", func() (string, bool) {
			missing := o.ears.lacks(channel, notice.Firing, singly)
			return fmt.Sprint("lacks ", missing), missing == 0
		})
	}
}

// written waits until all is on disk.
func (o *tempest) onDisk() {
	onDisk := make(chan error, 1)
	for {
		o.daemon.store.Submit(store.Batch{Urgent: true}, func(err error) { onDisk <- err })
		if <-onDisk == nil { // else it took long, and goes on
			return
		}
	}
}

// isOver waits until all has ended, and every channel that wants to know was told of it.
func (o *tempest) isOver() {
	o.Helper()
	o.until("all is over", func() (string, bool) {
		open, trouble := o.open()
		return fmt.Sprint(open, " are open; ", trouble), open == 0 && trouble == nil
	})
	o.onDisk()
	total := 0
	told := map[string]bool{}
	for _, typ := range o.groups {
		for _, n := range o.ears.of("noc", typ) {
			told[n.Incident] = true
		}
	}
	o.until("noc is told of all ends", func() (string, bool) {
		missing := o.ears.lacks("noc", notice.Resolved, told)
		return fmt.Sprint("lacks ", missing), missing == 0
	})
	for _, typ := range o.groups {
		for _, n := range o.ears.of("noc", typ) {
			if n.Status != notice.Resolved {
				continue
			}
			if n.Evidence.Group == nil {
				total++
				continue
			}
			rows, err := o.daemon.store.Incidents(o.Context(), notice.Resolved, n.Incident, 2*o.n)
			if err != nil || len(rows) != n.Evidence.Group.Total {
				o.Errorf("%d of the group of %d are on disk as ended, %v", len(rows), n.Evidence.Group.Total, err)
			}
			total += n.Evidence.Group.Total
		}
		if leaks := o.ears.of("leaks", typ); len(leaks) > 0 {
			o.Errorf("leaks was told of %d that are no business of it", len(leaks))
		}
		if o.ears.ends("once", typ) {
			o.Error("once was told of an end")
		}
	}
	if total != o.n {
		o.Errorf("the ends of %d were told, want %d", total, o.n)
	}
	for _, channel := range [...]string{"noc", "once", "leaks"} {
		o.until("all is delivered", func() (string, bool) {
			depth := o.daemon.store.Depth(channel)
			return fmt.Sprint(channel, " lacks ", depth), depth == 0
		})
	}
}

// Very many incidents at once, in the whole daemon: none is lost, in memory, on disk or over a restart; each is told to
// every channel that should know of it, by itself or in a group, and so is its end. The benchmark has a hundred thousand within a minute.
func TestStormInTheDaemon(t *testing.T) {
	n := 8_000
	if testing.Short() {
		n = 1_000
	}
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			o := newTempest(t, s, n)
			o.inSync()
			before := inUse()
			o.has("strike", n, time.Duration(n)*time.Minute/storm/3, false)
			o.stands()
			if used := (inUse() - before) / n; used > 24<<10 {
				t.Errorf("each incident takes %d bytes", used)
			}
			o.has("calm", n, 0, false)
			o.isOver()
		})
	}
}
