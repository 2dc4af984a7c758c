package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/config"
	"peervane/daemon/incident"
	"peervane/daemon/notice"
	"peervane/daemon/notify"
	"peervane/daemon/store"
)

const (
	storm       = 100_000
	groupedFrom = 10 // are told singly
)

// stormy is prefix i of a hundred thousand inside 10.0.0.0/7.
func stormy(i int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(10 + i>>16), byte(i >> 8), byte(i), 0}), 24)
}

// newStorm has n prefixes registered, each by itself; with none, the one that holds them all.
func newStorm(t testing.TB, n int) *world {
	regs := []config.Registration{registered("10.0.0.0/7", 64496)}
	if n > 0 {
		regs = make([]config.Registration, n)
		for i := range regs {
			regs[i] = registered(stormy(i).String(), 64496)
			regs[i].Policy.Expect = config.ExpectOptional // it is withdrawn, too: that would be another group
		}
	}
	w := newWorld(t, twoPeers(regs...))
	for _, reg := range regs {
		w.engine.input(bgp.Change{
			Vantage: w.peers["edge1"], Prefix: reg.Prefix, At: w.now, First: w.now,
			Announced: 1, Attrs: &bgp.Attrs{Path: bgp.Sequence(64500, 64496)},
		})
	}
	w.judgeAll()
	w.engine.take()
	return w
}

func (w *world) judgeAll() {
	for w.engine.judge(w.now, bite) {
	}
}

// strike has the hijacker announce prefix i, or its owner again.
func (w *world) strike(i int, hijacked, registered bool) {
	c := bgp.Change{Vantage: w.peers["edge1"], Prefix: stormy(i), At: w.now, First: w.now, Announced: 1}
	switch {
	case hijacked:
		c.Attrs = &bgp.Attrs{Path: bgp.Sequence(64500, 3356)}
	case registered:
		c.Attrs = &bgp.Attrs{Path: bgp.Sequence(64500, 64496)}
	default:
		c.Announced, c.Withdrawn = 0, 1
	}
	w.engine.input(c)
	w.judgeAll()
}

// office is all that a notice passes on its way to the disk.
type office struct {
	*publisher
	t     *testing.T
	count map[notice.Status]int
	group notice.Notice // as it was told last
}

// newOffice works on a real database, if on any. One of its channels wants no resolve, and one is told of nothing.
func newOffice(t *testing.T, disk bool) *office {
	if !disk {
		return &office{t: t, count: map[notice.Status]int{}}
	}
	s, err := store.Open(store.Options{Path: filepath.Join(t.TempDir(), "peervane.db"), Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return &office{t: t, count: map[notice.Status]int{}, publisher: &publisher{
		store: s, channels: notify.New(notify.Options{Journal: s, Log: zap.NewNop()}), followers: &followers{}, log: zap.NewNop(),
		told: map[string]notice.Told{}, unwritten: map[netip.Prefix]*registration{},
		configured: []config.Channel{
			{Name: "noc", Kind: "webhook", MinSeverity: "info", Resolve: true},
			{Name: "log", Kind: "webhook", MinSeverity: "critical"},
			{Name: "leaks", Kind: "webhook", MinSeverity: "info", Types: []string{notice.RouteLeak}, Resolve: true},
		},
	}}
}

func (o *office) hear(w *world) {
	out := w.engine.take()
	for _, n := range out.notices {
		if n.Type != notice.SubPrefix && n.Type != notice.OriginChange {
			continue
		}
		o.count[n.Status]++
		if n.Evidence.Group != nil {
			o.group = n
		}
	}
	changed := w.engine.book.Changed()
	if o.publisher == nil {
		return
	}
	o.publish(out, changed, time.Time{}, w.now)
}

// written waits until all is on disk, and gives the incidents there.
func (o *office) written(status notice.Status, group string) []store.Incident {
	o.t.Helper()
	onDisk := make(chan error, 1)
	for {
		o.store.Submit(store.Batch{Urgent: true}, func(err error) { onDisk <- err })
		if <-onDisk == nil { // else it took long, and goes on
			break
		}
	}
	rows, err := o.store.Incidents(o.t.Context(), status, group, 2*storm)
	if err != nil {
		o.t.Fatal(err)
	}
	return rows
}

func inUse() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// A hundred thousand hijacks within a minute are ten that are told singly and one group, which tells how many there are, to every
// channel that should have it. Not one of them is lost, and the ends go to those who were told.
func TestStorm(t *testing.T) {
	for _, c := range []struct {
		name string
		n    int
		each bool // is registered
		disk bool
	}{{"of one registration", storm, false, false}, {"of one registration, on disk", storm / 10, false, true}, {"of each its own, on disk", storm / 10, true, true}} {
		t.Run(c.name, func(t *testing.T) {
			if testing.Short() {
				c.n /= 10
			}
			before := inUse()
			registered := 0
			if c.each {
				registered = c.n
			}
			w, o := newStorm(t, registered), newOffice(t, c.disk)
			for i := range c.n {
				w.now = w.now.Add(time.Minute / time.Duration(c.n))
				w.strike(i, true, c.each)
				if i%bite == 0 {
					o.hear(w)
				}
			}
			for range 2 {
				w.now = w.now.Add(time.Minute)
				w.judgeAll()
				o.hear(w)
			}
			o.stands(w, c.n)
			if used := (inUse() - before) / c.n; used > 16<<10 {
				t.Errorf("each incident takes %d bytes", used)
			}
			for i := range c.n {
				w.strike(i, false, c.each)
				if i%bite == 0 {
					o.hear(w)
				}
			}
			o.hear(w)
			o.isOver(w, c.n)
		})
	}
}

// stands looks at the storm at its height.
func (o *office) stands(w *world, n int) {
	o.t.Helper()
	if o.count[notice.Firing] != groupedFrom+1 || o.count[notice.Updated] > 4 {
		o.t.Errorf("told %v, want 10 singly, one group and few updates of it", o.count)
	}
	g := o.group.Evidence.Group
	if g == nil || g.Total != n-groupedFrom || g.Open != g.Total || len(g.Examples) != 50 {
		o.t.Fatalf("the group was told with %+v", g)
	}
	if body, err := o.group.Body(); err != nil || len(body) > 16<<10 {
		o.t.Errorf("its body has %d bytes, %v", len(body), err)
	}
	if got := len(w.engine.book.Members(o.group.Incident)); got != n-groupedFrom {
		o.t.Errorf("%d are in the group", got)
	}
	if o.publisher == nil {
		return
	}
	o.written(notice.Firing, "")
	state, err := o.store.Load(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	again := incident.NewBook(incident.Options{NewID: derivedID})
	var records []incident.Record
	for _, row := range state.Incidents {
		var r incident.Record
		if err := json.Unmarshal(row.State, &r); err != nil {
			o.t.Fatal(err)
		}
		records = append(records, r)
	}
	again.Restore(records, nil)
	if got := len(again.Members(o.group.Incident)); got != n-groupedFrom || len(records) != n+1 {
		o.t.Errorf("a restart finds %d incidents, %d of them in the group", len(records), got)
	}
}

// isOver looks at what is left of it.
func (o *office) isOver(w *world, n int) {
	o.t.Helper()
	if o.count[notice.Firing] != groupedFrom+1 || o.count[notice.Resolved] != groupedFrom+1 || o.group.Status != notice.Resolved {
		o.t.Errorf("told %v", o.count)
	}
	if open := len(w.engine.book.Records()); open > 0 {
		o.t.Errorf("%d are open", open)
	}
	if o.publisher == nil {
		return
	}
	if len(o.told) > 0 {
		o.t.Errorf("of %d it is kept who was told", len(o.told))
	}
	if got := len(o.written(notice.Resolved, o.group.Incident)); got != n-groupedFrom {
		o.t.Errorf("%d of the group are on disk as resolved", got)
	}
	all := o.count[notice.Firing] + o.count[notice.Updated]
	for channel, want := range map[string]int{"noc": all + o.count[notice.Resolved], "log": all, "leaks": 0} {
		if got := o.store.Depth(channel); got != want {
			o.t.Errorf("%s is sent %d notices, want %d", channel, got, want)
		}
	}
}

// BenchmarkDetectInStorm measures what the engine needs for a hijack, from the change to what is told of it, while so many others
// stand and are told as one: more-specifics of one registration, and registered prefixes.
func BenchmarkDetectInStorm(b *testing.B) {
	for _, each := range []bool{false, true} {
		for _, standing := range []int{0, 10_000, storm} {
			b.Run(fmt.Sprintf("registered=%t/standing=%d", each, standing), func(b *testing.B) {
				registered := 0
				if each {
					registered = storm + 1000
				}
				w := newStorm(b, registered)
				for i := range standing {
					w.strike(i, true, each)
				}
				w.engine.book.Changed()
				b.ReportAllocs()
				b.ResetTimer()
				for i := range b.N {
					w.now = w.now.Add(time.Millisecond)
					w.strike(storm+i%1000, true, each)
					b.StopTimer()
					w.strike(storm+i%1000, false, each)
					w.engine.book.Changed()
					w.engine.take()
					b.StartTimer()
				}
			})
		}
	}
}
