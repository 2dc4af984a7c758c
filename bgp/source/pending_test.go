package source

import (
	"net/netip"
	"testing"
	"time"

	"peervane/bgp"
	"pgregory.net/rapid"
)

var t0 = time.Unix(1_700_000_000, 0).UTC()

// The oracle of Pending is the plain list of what was put: folding either must give the same routes at every session
// event, and the same counts.
type folded struct {
	routes map[changeKey]*bgp.Attrs
	counts map[changeKey]tally
	events []bgp.Input
	at     []map[changeKey]*bgp.Attrs // the routes at each event
}

type tally struct {
	announced, withdrawn, pathChanges uint32
	first, last                       time.Time
}

func fold(inputs []bgp.Input) *folded {
	f := &folded{routes: map[changeKey]*bgp.Attrs{}, counts: map[changeKey]tally{}}
	for _, in := range inputs {
		c, ok := in.(bgp.Change)
		if !ok {
			f.events = append(f.events, in)
			copied := map[changeKey]*bgp.Attrs{}
			for k, a := range f.routes {
				copied[k] = a
			}
			f.at = append(f.at, copied)
			continue
		}
		f.routes[changeKey{c.Prefix, c.PathID, 0}] = c.Attrs
		k := changeKey{c.Prefix, c.PathID, c.Cause}
		t, had := f.counts[k]
		if !had {
			t.first = c.First
		}
		t.announced, t.withdrawn, t.pathChanges = t.announced+c.Announced, t.withdrawn+c.Withdrawn, t.pathChanges+c.PathChanges
		t.last = c.At
		f.counts[k] = t
	}
	return f
}

func (f *folded) equal(g *folded) bool {
	if len(f.events) != len(g.events) || len(f.counts) != len(g.counts) || !sameRoutes(f.routes, g.routes) {
		return false
	}
	for k, t := range f.counts {
		if g.counts[k] != t {
			return false
		}
	}
	for i := range f.events {
		if f.events[i].When() != g.events[i].When() || !sameRoutes(f.at[i], g.at[i]) {
			return false
		}
	}
	return true
}

func sameRoutes(a, b map[changeKey]*bgp.Attrs) bool {
	if len(a) != len(b) {
		return false
	}
	for k := range a {
		if a[k] != b[k] {
			return false
		}
	}
	return true
}

func drawInput(t *rapid.T, at time.Time) bgp.Input {
	if rapid.IntRange(0, 9).Draw(t, "kind") == 0 {
		f := rapid.SampledFrom(bgp.Families[:]).Draw(t, "family")
		return rapid.SampledFrom([]bgp.Input{
			bgp.EndOfRIB{Family: f, At: at}, bgp.SessionUp{At: at}, bgp.SessionDown{At: at}, bgp.StaleLost{Family: f, At: at},
		}).Draw(t, "event")
	}
	c := bgp.Change{
		Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, byte(rapid.IntRange(0, 3).Draw(t, "net"))}), 24),
		PathID: rapid.Uint32Range(0, 1).Draw(t, "path"),
		Cause:  rapid.SampledFrom([]bgp.Cause{bgp.Updated, bgp.Updated, bgp.Initial, bgp.Refreshed}).Draw(t, "cause"),
		At:     at, First: at,
	}
	if rapid.Bool().Draw(t, "announce") {
		c.Attrs, c.Announced = &bgp.Attrs{}, 1
		c.PathChanges = rapid.Uint32Range(0, 1).Draw(t, "pathChange")
	} else {
		c.Withdrawn = 1
	}
	return c
}

// A peer that is said to come up again and again has few events wait; the last one stands, and what was before it is lost.
func TestPendingUpAgain(t *testing.T) {
	p, v := NewPending(nil), &bgp.Vantage{Name: "a"}
	for range 10 * maxEvents {
		_ = p.Put(bgp.SessionUp{Vantage: v})
	}
	took := p.Take(nil)
	if _, up := took[len(took)-1].(bgp.SessionUp); !up || len(took) > maxEvents+2 {
		t.Errorf("%d wait, the last is %T", len(took), took[len(took)-1])
	}
	if _, down := took[0].(bgp.SessionDown); !down {
		t.Errorf("the first is %T", took[0])
	}
}

func TestPendingKeepsStateOrderAndCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := NewPending(nil)
		var put, took []bgp.Input
		for i := range rapid.IntRange(0, 60).Draw(t, "steps") {
			in := drawInput(t, t0.Add(time.Duration(i)*time.Second))
			put = append(put, in)
			if err := p.Put(in); err != nil {
				t.Fatal(err)
			}
			if rapid.IntRange(0, 7).Draw(t, "take") == 0 {
				took = p.Take(took)
			}
		}
		took = p.Take(took)
		if want, got := fold(put), fold(took); !want.equal(got) {
			t.Fatalf("put %v\ntook %v", put, took)
		}
		if left := p.Take(nil); len(left) != 0 {
			t.Fatalf("left over: %v", left)
		}
	})
}

// However far the engine lags, no more waits than a few changes for each route between two events.
func TestPendingIsBounded(t *testing.T) {
	p := NewPending(nil)
	prefixes := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	for i := range 100_000 {
		p.Put(bgp.Change{Prefix: prefixes[i%2], Cause: bgp.Cause(i / 2 % 4), At: t0, Withdrawn: 1})
	}
	for range 10 {
		p.Put(bgp.LimitExceeded{At: t0, Exceeded: true})
	}
	if took := p.Take(nil); len(took) != 2*4+1 {
		t.Errorf("%d inputs wait", len(took))
	}
	for range 10 * maxEvents {
		p.Put(bgp.SessionUp{At: t0})
		p.Put(bgp.Change{Prefix: prefixes[0], At: t0, Announced: 1})
		p.Put(bgp.SessionDown{At: t0, Kept: []bgp.Family{bgp.IPv4}})
	}
	if took := p.Take(nil); len(took) > 3*maxEvents {
		t.Errorf("%d inputs of a flapping session wait", len(took))
	}
}

func TestPendingTellsTimesInOrder(t *testing.T) {
	p := NewPending(nil)
	a, b := netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24")
	for i, prefix := range []netip.Prefix{a, b, a} {
		p.Put(bgp.Change{Prefix: prefix, At: t0.Add(time.Duration(i)), First: t0.Add(time.Duration(i)), Withdrawn: 1})
	}
	took := p.Take(nil)
	last := took[1].(bgp.Change)
	if last.Prefix != a || !last.Coalesced() || last.First != t0 || last.At != t0.Add(2) {
		t.Errorf("took %v", took)
	}
}

func TestPendingWakes(t *testing.T) {
	wake := make(chan struct{}, 1)
	p, q := NewPending(wake), NewPending(wake)
	p.Put(bgp.SessionUp{At: t0})
	q.Put(bgp.SessionUp{At: t0})
	<-p.Wake()
	if len(p.Take(nil))+len(q.Take(nil)) != 2 {
		t.Error("an input is lost")
	}
	select {
	case <-q.Wake():
		t.Error("woken for nothing")
	default:
	}
}
