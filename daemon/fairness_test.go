package daemon

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/bgp/session"
	"peervane/bgp/source"
)

// What changes at one session is judged before the first table that another shows, and that is judged all the same while
// changes keep coming.
func TestFirstTablesWaitForChanges(t *testing.T) {
	at := func(group, i int) scope {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(group), byte(i >> 8), byte(i)}), 32)
		return scope{p, p}
	}
	var a agenda
	for i := range 1000 {
		a.show(at(1, i))
	}
	a.touch(at(2, 0))
	a.touch(at(1, 999)) // changed again since
	a.show(at(2, 0))
	for i := range 3 {
		a.touch(at(3, i))
	}
	seen := map[scope]int{}
	for i := 0; a.waits() || i == 0; i++ {
		s, ok := a.take()
		if !ok {
			break
		}
		if seen[s]++; seen[s] > 1 {
			t.Fatalf("%v is judged twice", s)
		}
		if i < 10_000 { // they come faster than they are judged
			a.touch(at(4+i>>16, i))
		}
		if i == 7 {
			for _, want := range []scope{at(2, 0), at(1, 999), at(3, 0), at(3, 1), at(3, 2)} {
				if seen[want] == 0 {
					t.Errorf("%v waits for a first table", want)
				}
			}
		}
		if i == 9000 {
			for n := range 1000 {
				if seen[at(1, n)] == 0 {
					t.Fatalf("%v of the first table is never judged", at(1, n))
				}
			}
		}
	}
	if len(seen) != 11_004 {
		t.Errorf("%d scopes were judged", len(seen))
	}
}

// What changes at one session is judged before all that another has shown which is lost.
func TestLostTablesWaitForChanges(t *testing.T) {
	const last = 20*bite - 1
	w := newStorm(t, last+1)
	w.engine.input(bgp.SessionDown{Vantage: w.peers["edge1"], At: w.now})
	w.engine.input(bgp.Change{
		Vantage: w.peers["edge2"], Prefix: stormy(last), At: w.now, First: w.now,
		Announced: 1, Attrs: &bgp.Attrs{Path: bgp.Sequence(64500, 3356)},
	})
	if !w.engine.judge(w.now, bite) {
		t.Fatal("what was lost is judged already")
	}
	told := w.engine.take().notices
	if len(told) != 1 || told[0].Prefix != stormy(last) {
		t.Errorf("told first: %v", told)
	}
	w.judgeAll()
}

// What is to be sent does not wait until others are judged that were touched together with it.
func TestWhatIsToldEndsABite(t *testing.T) {
	w := newStorm(t, 3)
	for i := range 3 {
		w.engine.input(bgp.Change{
			Vantage: w.peers["edge1"], Prefix: stormy(i), At: w.now, First: w.now,
			Announced: 1, Attrs: &bgp.Attrs{Path: bgp.Sequence(64500, 3356)},
		})
	}
	for i := range 3 {
		if !w.engine.judge(w.now, bite) {
			t.Fatalf("nothing is left after hijack %d, which was told", i)
		}
		if told := w.engine.take().notices; len(told) != 1 || told[0].Prefix != stormy(i) {
			t.Errorf("bite %d told %v", i, told)
		}
	}
	if w.engine.judge(w.now, bite) || len(w.engine.take().notices) > 0 {
		t.Error("there were only three")
	}
}

func TestBitesFollowTheirTime(t *testing.T) {
	for _, c := range []struct {
		n     int
		took  time.Duration
		short bool
		want  int
	}{
		{bite, biteTime * 3 / 4, false, bite}, {bite, 0, false, bite}, {bite, 2 * biteTime, false, bite / 2},
		{biteLeast, time.Second, false, biteLeast}, {biteLeast, 0, false, 2 * biteLeast},
		{biteLeast, 0, true, biteLeast}, {bite, 2 * biteTime, true, bite / 2},
	} {
		if got := nextBite(c.n, c.took, c.short); got != c.want {
			t.Errorf("after %d in %v: %d, want %d", c.n, c.took, got, c.want)
		}
	}
}

// A session that has much to tell holds up nobody, and loses none of it: what it tells comes in its order, and it does not fall while
// first tables wait to be judged.
func TestMouthfuls(t *testing.T) {
	d := New(benchConfig(t.TempDir(), netip.MustParseAddrPort("127.0.0.2:179")), Options{Log: zap.NewNop()})
	ps := d.peers
	for i, name := range []string{"loading", "idle"} {
		v := &bgp.Vantage{Name: name, Addr: netip.AddrFrom4([4]byte{127, 0, 0, byte(i + 3)})}
		ps.byName[name] = &peer{Peer: source.NewPeer(source.PeerConfig{Vantage: v}, ps.wake, zap.NewNop(), session.Options{})}
		ps.order = append(ps.order, name)
	}
	put := func(name string, in bgp.Input) { _ = ps.byName[name].Pending().Put(in) } // its error is always nil
	loading, now := ps.byName["loading"].Vantage(), time.Now()
	const routes = 3 * mouthful / 2
	for i := range routes {
		put("loading", bgp.Change{Vantage: loading, Prefix: at32(i), At: now, Cause: bgp.Initial, Announced: 1})
	}
	put("loading", bgp.SessionDown{Vantage: loading, At: now})
	put("idle", bgp.Change{Vantage: ps.byName["idle"].Vantage(), Prefix: at32(0), At: now, Announced: 1})

	first, more := ps.take(d.engine, nil)
	if len(first) != mouthful+1 || first[mouthful].Of().Name != "idle" || !more {
		t.Fatalf("%d inputs at first, more: %v", len(first), more)
	}
	for i := range bite + 1 {
		d.engine.agenda.show(scope{at32(i), at32(i)})
	}
	second, more := ps.take(d.engine, nil)
	if len(second) != routes-mouthful || !more {
		t.Fatalf("%d inputs then, more: %v", len(second), more)
	}
	if held, more := ps.take(d.engine, nil); len(held) != 0 || !more {
		t.Fatalf("%d inputs while first tables wait, more: %v", len(held), more)
	}
	d.engine.agenda = agenda{}
	last, _ := ps.take(d.engine, nil)
	if len(last) != 1 || fmt.Sprintf("%T", last[0]) != "bgp.SessionDown" {
		t.Fatalf("in the end %v", last)
	}
	for i, in := range append(first[:mouthful:mouthful], second...) {
		if c := in.(bgp.Change); c.Prefix != at32(i) {
			t.Fatalf("the %d-th is %v", i, c.Prefix)
		}
	}
	if rest, more := ps.take(d.engine, nil); len(rest) > 0 || more {
		t.Errorf("%d inputs are left, more: %v", len(rest), more)
	}
}

func at32(i int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 32)
}
