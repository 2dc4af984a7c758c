package daemon

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"peervane/bgp"
	"peervane/config"
	"peervane/daemon/notice"
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

// office hears what is told.
type office struct {
	t     *testing.T
	count map[notice.Status]int
	group notice.Notice // as it was told last
}

func (o *office) hear(w *world) {
	for _, n := range w.engine.take().notices {
		if n.Type != notice.SubPrefix && n.Type != notice.OriginChange {
			continue
		}
		o.count[n.Status]++
		if n.Evidence.Group != nil {
			o.group = n
		}
	}
	w.engine.book.Changed()
}

func inUse() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// A hundred thousand hijacks within a minute are ten that are told singly and one group, which tells how many there are. Not one
// of them is lost.
func TestStorm(t *testing.T) {
	n := storm
	if testing.Short() {
		n /= 10
	}
	before := inUse()
	w, o := newStorm(t, 0), &office{t: t, count: map[notice.Status]int{}}
	for i := range n {
		w.now = w.now.Add(time.Minute / time.Duration(n))
		w.strike(i, true, false)
		if i%bite == 0 {
			o.hear(w)
		}
	}
	for range 2 {
		w.now = w.now.Add(time.Minute)
		w.judgeAll()
		o.hear(w)
	}
	o.stands(w, n)
	if used := (inUse() - before) / n; used > 16<<10 {
		t.Errorf("each incident takes %d bytes", used)
	}
	for i := range n {
		w.strike(i, false, false)
		if i%bite == 0 {
			o.hear(w)
		}
	}
	o.hear(w)
	o.isOver(w)
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
}

// isOver looks at what is left of it.
func (o *office) isOver(w *world) {
	o.t.Helper()
	if o.count[notice.Firing] != groupedFrom+1 || o.count[notice.Resolved] != groupedFrom+1 || o.group.Status != notice.Resolved {
		o.t.Errorf("told %v", o.count)
	}
	if open := len(w.engine.book.Records()); open > 0 {
		o.t.Errorf("%d are open", open)
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
