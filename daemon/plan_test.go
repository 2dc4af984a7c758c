package daemon

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"peervane/bgp"
	"peervane/config"
	"peervane/daemon/notice"
)

// manyPrefixes registers 10.0.0.0/24, 10.0.1.0/24 and so on, of one origin.
func manyPrefixes(n int) []config.Registration {
	list, policy := make([]config.Registration, n), registered("10.0.0.0/24", 64496).Policy
	for i := range list {
		list[i] = config.Registration{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i)}), 24), Policy: policy}
	}
	return list
}

// synced is a world of many prefixes whose sessions are up and have shown all.
func synced(t *testing.T, prefixes []config.Registration) *world {
	w := newWorld(t, twoPeers(prefixes...))
	for _, p := range []string{"edge1", "edge2"} {
		w.up(p)
		for _, reg := range prefixes {
			w.announce(p, reg.Prefix.String(), 64500, 64496)
		}
		w.endOfRIB(p)
	}
	return w
}

// judged lists the scopes that wait to be judged, and forgets them.
func (w *world) judged() (list []string) {
	for s, ok := w.engine.agenda.take(); ok; s, ok = w.engine.agenda.take() {
		list = append(list, fmt.Sprint(s.reg, " ", s.prefix))
	}
	slices.Sort(list)
	return list
}

// A reload of very many registered prefixes has exactly those judged that changed, with the routes and incidents inside.
func TestReloadTouchesOnlyWhatChanged(t *testing.T) {
	prefixes := manyPrefixes(500)
	w := synced(t, prefixes)
	w.want(w.announce("edge1", "10.0.7.0/25", 64500, 64510), "firing:subprefix:10.0.7.0/25:64510")
	w.want(w.announce("edge1", "10.0.9.0/25", 64500, 64510), "firing:subprefix:10.0.9.0/25:64510")
	reload := func(change func([]config.Registration) []config.Registration) []string {
		t.Helper()
		cfg := twoPeers(change(slices.Clone(prefixes))...)
		w.engine.reload(cfg)
		prefixes = cfg.Prefixes
		return w.judged()
	}
	for _, test := range []struct {
		name   string
		change func([]config.Registration) []config.Registration
		want   []string
	}{
		{"nothing", func(list []config.Registration) []config.Registration { return list }, nil},
		{"the order", func(list []config.Registration) []config.Registration { slices.Reverse(list); return list }, nil},
		{"one more inside", func(list []config.Registration) []config.Registration {
			return append(list, registered("10.0.7.0/25", 64496))
		}, []string{"10.0.7.0/24 10.0.7.0/25", "10.0.7.0/25 10.0.7.0/25"}},
		{"one less", func(list []config.Registration) []config.Registration { return list[:len(list)-1] },
			[]string{"10.0.7.0/24 10.0.7.0/25"}},
		{"one more elsewhere", func(list []config.Registration) []config.Registration {
			return append(list, registered("192.0.2.0/24", 64496))
		}, []string{"192.0.2.0/24 192.0.2.0/24"}},
		{"another policy", func(list []config.Registration) []config.Registration {
			i := slices.IndexFunc(list, func(r config.Registration) bool { return r.Prefix.String() == "10.0.9.0/24" })
			list[i] = registered("10.0.9.0/24", 64496)
			list[i].Policy.MaxLength = 25
			return list
		}, []string{"10.0.9.0/24 10.0.9.0/24", "10.0.9.0/24 10.0.9.0/25"}},
		{"an origin that is ours now, which the evidence of any incident may name", func(list []config.Registration) []config.Registration {
			return append(list, registered("198.51.100.0/24", 64510))
		}, []string{"10.0.7.0/24 10.0.7.0/25", "10.0.9.0/24 10.0.9.0/25", "198.51.100.0/24 198.51.100.0/24"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := reload(test.change); !slices.Equal(got, test.want) {
				t.Errorf("judged %q, want %q", got, test.want)
			}
		})
	}
}

// What stays registered is the very same registration, with all that is remembered of it, and goes on sharing its policy.
func TestReloadKeepsRegistrations(t *testing.T) {
	prefixes := manyPrefixes(10)
	w := synced(t, prefixes)
	first := w.engine.regs.exact(prefixes[3].Prefix)
	policy := first.Policy
	again := manyPrefixes(11) // read anew: equal, and not the same
	w.engine.reload(twoPeers(again...))
	w.want(w.tell(), "")
	now, fresh := w.engine.regs.exact(prefixes[3].Prefix), w.engine.regs.exact(again[10].Prefix)
	if now != first || now.Policy != policy || fresh == nil || fresh.Policy != policy || fresh.born != 1 || len(now.memory.Traces) != 2 {
		t.Errorf("%+v and %+v", now, fresh)
	}
	if n := len(w.engine.regs.policies.byKey); n != 1 {
		t.Errorf("%d policies are kept", n)
	}
}

// A session that has told what is newly registered has the new prefixes judged, not all.
func TestCatchingUpJudgesWhatIsNew(t *testing.T) {
	w := synced(t, manyPrefixes(100))
	w.engine.reload(twoPeers(append(manyPrefixes(100), registered("192.0.2.0/24", 64496))...))
	w.want(w.tell(), "")
	end := func(peer string) { w.engine.input(bgp.EndOfRIB{Vantage: w.peers[peer], Family: bgp.IPv4, At: w.now}) }
	end("edge1")
	if got := w.judged(); !slices.Equal(got, []string{"192.0.2.0/24 192.0.2.0/24"}) {
		t.Errorf("judged %q", got)
	}
	end("edge1")
	if got := w.judged(); got != nil {
		t.Errorf("judged %q, though nothing is new to that session", got)
	}
	end("edge2")
	w.tell()
	w.want(w.pass(time.Minute), "firing:withdrawn:192.0.2.0/24:0")
}

// While all are gone through, what came before is judged once more where all were asked for anew.
func TestTourBeginsAnew(t *testing.T) {
	var a agenda
	regs := manyPrefixes(4)
	a.reviewAll(bgp.IPv4, regs)
	a.reviewAll(bgp.IPv4, regs)
	a.reviewAll(bgp.IPv6, regs)
	a.take()
	a.take()
	a.reviewAll(bgp.IPv4, regs)
	a.reviewAll(bgp.IPv4, regs[:1])
	a.touch(scopeOf(9))
	a.review(scopeOf(10))
	if got, want := drain(&a), []byte{9, 0, 0, 0, 10}; !slices.Equal(got, want) {
		t.Errorf("judged %v, want %v", got, want)
	}
	if a.tours[bgp.IPv4].rest != nil {
		t.Error("the list is kept")
	}
}

// No notice waits until what nothing rests on is encoded, and such memories do not wait for ever.
func TestNoticesDoNotWaitForMemories(t *testing.T) {
	reg := &registration{}
	reg.Prefix = netip.MustParsePrefix("192.0.2.0/24")
	p := &publisher{unwritten: map[netip.Prefix]*registration{}, written: start, pause: memoryRate}
	out := output{memories: []*registration{reg}, notices: []notice.Notice{{Prefix: netip.MustParsePrefix("198.51.100.0/24")}}}
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{memoryRate, 0}, {2*memoryRate - 1, 0}, {2 * memoryRate, 1}} {
		if got := p.dueMemories(out, start.Add(c.after)); len(got) != c.want {
			t.Errorf("%d are written %v after the last, together with a notice, want %d", len(got), c.after, c.want)
		}
	}
	if got := p.dueMemories(out, start.Add(2*memoryRate)); len(got) != 0 {
		t.Errorf("%d are written at once again", len(got))
	}
	out.notices[0].Held = "session_down" // for the log alone
	if got := p.dueMemories(out, start.Add(3*memoryRate)); len(got) != 1 {
		t.Errorf("%d are written where nothing is sent, want 1", len(got))
	}
}

// When a million registrations are seen for the first time, what is remembered of them is written a bite at a time, so that
// a notice does not wait for all of it; at the end nothing is left.
func TestMemoriesAreWrittenInBites(t *testing.T) {
	p := &publisher{unwritten: map[netip.Prefix]*registration{}}
	var out output
	for i := range 2*memoryBite + 1 {
		reg := &registration{}
		reg.Prefix = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 32)
		out.memories = append(out.memories, reg)
	}
	var got []int
	for at := start; len(p.unwritten) > 0 || at == start; at = at.Add(memoryRate) {
		got = append(got, len(p.dueMemories(out, at)), len(p.dueMemories(output{}, at)))
		out = output{}
	}
	if want := []int{memoryBite, 0, memoryBite, 0, 1, 0}; !slices.Equal(got, want) {
		t.Errorf("written %v, want %v", got, want)
	}
}
