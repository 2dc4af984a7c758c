package source

import (
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"go.uber.org/zap"
	"pgregory.net/rapid"

	"peervane/bgp"
	"peervane/bgp/rib"
	"peervane/bgp/session"
	"peervane/bgp/wire"
)

// view is what an engine makes of what a peer tells: the routes that it knows of, by the rules of bgp's Inputs.
type view struct {
	routes map[changeKey]*bgp.Attrs
	kept   []bgp.Family
}

func (v *view) take(inputs []bgp.Input) {
	for _, in := range inputs {
		switch in := in.(type) {
		case bgp.Change:
			k := changeKey{in.Prefix, in.PathID, 0}
			if v.routes[k] = in.Attrs; in.Attrs == nil {
				delete(v.routes, k)
			}
		case bgp.SessionUp:
			v.forget(func(f bgp.Family) bool { return !slices.Contains(v.kept, f) })
			v.kept = nil
		case bgp.SessionDown:
			v.kept = in.Kept
			v.forget(func(f bgp.Family) bool { return !slices.Contains(v.kept, f) })
		case bgp.StaleLost:
			v.kept = slices.DeleteFunc(slices.Clone(v.kept), func(f bgp.Family) bool { return f == in.Family })
			v.forget(func(f bgp.Family) bool { return f == in.Family })
		}
	}
}

func (v *view) forget(lost func(bgp.Family) bool) {
	maps.DeleteFunc(v.routes, func(k changeKey, _ *bgp.Attrs) bool { return lost(bgp.FamilyOf(k.prefix)) })
}

// world is a peer under random events, and the view of it.
type world struct {
	peer *Peer
	view view
	now  time.Time
	up   bool
	add  bool // ADD-PATH
	full bool
}

func (w *world) RouteRefresh(...bgp.Family)         {}
func (w *world) Cease(uint8, string, time.Duration) {}

func (w *world) negotiated(t *rapid.T) session.Negotiated {
	n := session.Negotiated{RouteRefresh: rapid.Bool().Draw(t, "refresh")}
	n.Params = wire.Params{AS4: rapid.Bool().Draw(t, "as4"), PeerASN: 64500, LocalASN: 64512}
	for _, f := range bgp.Families {
		n.Families[f] = rapid.IntRange(0, 5).Draw(t, "family") > 0
		n.AddPath[f] = w.add
	}
	mostly := func(label string) bool { return rapid.IntRange(0, 3).Draw(t, label) > 0 }
	if mostly("gr") {
		n.GR = &wire.GracefulRestart{Time: rapid.SampledFrom([]uint16{0, 30, 300}).Draw(t, "restart time")}
		for _, f := range bgp.Families {
			n.GR.Families[f] = wire.GracefulFamily{Listed: mostly("listed"), Forwarding: mostly("forwarding")}
		}
	}
	return n
}

func (w *world) Session(t *rapid.T) {
	if w.up = !w.up; w.up {
		w.peer.Established(w.negotiated(t), w.now)
	} else {
		w.peer.Closed(session.Reason{Graceful: rapid.IntRange(0, 3).Draw(t, "graceful") > 0}, w.now)
	}
}

func (w *world) Update(t *rapid.T) {
	if !w.up {
		t.Skip("down")
	}
	routes := func(label string) (out []wire.NLRI) {
		for range rapid.IntRange(0, 3).Draw(t, label) {
			n := wire.NLRI{Prefix: rapid.SampledFrom(worldPrefixes).Draw(t, "prefix")}
			if w.add {
				n.PathID = rapid.Uint32Range(0, 2).Draw(t, "path")
			}
			out = append(out, n)
		}
		return out
	}
	a := &bgp.Attrs{Path: bgp.Sequence(64500, rapid.Uint32Range(1, 3).Draw(t, "origin")), NextHop: netip.MustParseAddr("2001:db8::1")}
	for b := wire.AppendUpdate(nil, w.peer.negotiated.Params, a, routes("announced"), routes("withdrawn")); len(b) > 0; {
		size := int(b[16])<<8 | int(b[17])
		if err := w.peer.Update(b[wire.HeaderLen:size], w.now); err != nil {
			t.Fatal(err)
		}
		b = b[size:]
	}
}

var worldPrefixes = func() (out []netip.Prefix) {
	for _, p := range []string{"192.0.2.0/24", "192.0.2.0/25", "192.0.0.0/16", "203.0.113.0/24", "2001:db8::/32", "2001:db8:1::/48", "2001:db9::/32"} {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}()

func (w *world) EndOfRIB(t *rapid.T) {
	if !w.up {
		t.Skip("down")
	}
	f := rapid.SampledFrom(bgp.Families[:]).Draw(t, "family")
	w.peer.Update(wire.AppendEndOfRIB(nil, f)[wire.HeaderLen:], w.now)
}

func (w *world) Refresh(t *rapid.T) {
	if !w.up {
		t.Skip("down")
	}
	f := rapid.SampledFrom(bgp.Families[:]).Draw(t, "family")
	w.peer.Refresh(f, rapid.SampledFrom([]uint8{wire.RefreshBegin, wire.RefreshEnd}).Draw(t, "subtype"), w.now)
}

func (w *world) Time(t *rapid.T) {
	w.now = w.now.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "seconds")) * time.Second)
	w.peer.expire(w.now)
	if deadline := w.peer.untilDeadline(w.now); deadline <= 0 {
		t.Fatalf("a deadline %v ago has not been seen to", -deadline)
	}
}

// Watch changes the watched set. What is not watched any more, an engine forgets by itself; what it lacks in a watched
// table comes with a refresh, which is an Update here.
func (w *world) Watch(t *rapid.T) {
	set := rapid.SliceOfN(rapid.SampledFrom(worldPrefixes), 0, 3).Draw(t, "watched")
	w.peer.setWatched(rib.NewWatched(set, nil), w.now)
	w.view.take(w.peer.Pending().Take(nil))
	maps.DeleteFunc(w.view.routes, func(k changeKey, _ *bgp.Attrs) bool { return !w.peer.watched.Match(k.prefix) })
}

// Judge changes who is called a leaker. Sometimes it is not done with that at once.
func (w *world) Judge(t *rapid.T) {
	w.peer.SetLeakJudge(leaksOf(rapid.Uint32Range(0, 3).Draw(t, "leaker")), 1)
	for rapid.Bool().Draw(t, "judged") && w.peer.judgeAgain(w.now) {
	}
}

// leaksOf calls the routes of one origin leaked.
func leaksOf(origin uint32) LeakJudge {
	return func(a *bgp.Attrs) *bgp.Leak {
		if last, _ := a.Path.Last(); last.ASN != origin {
			return nil
		}
		return &bgp.Leak{Leaker: origin, Methods: []string{"otc"}}
	}
}

// showsAll says whether every table of the session that it has is complete.
func (w *world) showsAll() bool {
	up := 0
	for i := range w.peer.families {
		if f := &w.peer.families[i]; f.up && !f.synced {
			return false
		} else if f.up {
			up++
		}
	}
	return up > 0
}

// checkLeaks counts the leaked routes one by one.
func (w *world) checkLeaks(t *rapid.T) {
	l := &w.peer.leaks
	if l.judge == nil || l.again != rib.None {
		return
	}
	counts, total := map[uint32]int{}, 0
	for _, f := range bgp.Families {
		for r := range w.peer.table.Walk(f) {
			if leak := l.judge(w.peer.attrs(r.ID)); leak != nil && !w.peer.watched.Match(r.Prefix) {
				counts[leak.Leaker]++
				total++
			}
		}
	}
	if total != l.total || !maps.Equal(counts, l.counts) {
		t.Fatalf("counted %d leaked routes, %v; there are %d, %v", l.total, l.counts, total, counts)
	}
	if w.showsAll() && l.told.Exceeded != (total > w.peer.cfg.LeakCount) {
		t.Fatalf("%d leaked routes of more than %d, told %v", total, w.peer.cfg.LeakCount, l.told.Exceeded)
	}
}

// checkLimit counts the routes of a session that shows all.
func (w *world) checkLimit(t *rapid.T) {
	limit, n := w.peer.cfg.MaxPrefixes, w.peer.table.Len(bgp.IPv4)+w.peer.table.Len(bgp.IPv6)
	if limit > 0 && w.showsAll() && w.peer.exceeded != (n > limit) {
		t.Fatalf("%d routes of at most %d, told %v", n, limit, w.peer.exceeded)
	}
}

// Check compares what was told with what is held.
func (w *world) Check(t *rapid.T) {
	w.checkLimit(t)
	w.checkLeaks(t)
	if rapid.Bool().Draw(t, "the engine lags") {
		return
	}
	w.view.take(w.peer.Pending().Take(nil))
	held := map[changeKey]*bgp.Attrs{}
	for _, f := range bgp.Families {
		for r := range w.peer.table.Walk(f) {
			if w.peer.concerns(r.Prefix, r.ID) {
				held[changeKey{r.Prefix, r.PathID, 0}] = w.peer.attrs(r.ID)
			}
		}
	}
	if len(held) != len(w.view.routes) {
		t.Fatalf("held %v\ntold %v", held, w.view.routes)
	}
	for k, a := range held {
		if told := w.view.routes[k]; told == nil || told.Path.String() != a.Path.String() {
			t.Fatalf("%v: held %v, told %v", k, a.Path, told)
		}
	}
}

// What the engine was told is what the peer holds, whatever happens, and however far the engine lags.
func TestPeerTellsWhatItHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{now: t0, add: rapid.Bool().Draw(t, "add-path"), full: rapid.Bool().Draw(t, "full")}
		w.view.routes = map[changeKey]*bgp.Attrs{}
		w.peer = newPeer(PeerConfig{
			Vantage: &bgp.Vantage{Name: "edge1"}, Full: w.full, Watched: rib.NewWatched(watchedNets, nil), GracefulRestart: time.Minute,
			MaxPrefixes: rapid.SampledFrom([]int{0, 2}).Draw(t, "limit"),
		}, w, nil, zap.NewNop())
		t.Repeat(map[string]func(*rapid.T){
			"session": w.Session, "flap": w.Session, "update": w.Update, "more": w.Update, "again": w.Update, "endOfRIB": w.EndOfRIB, "refresh": w.Refresh,
			"time": w.Time, "watch": w.Watch, "judge": w.Judge, "": w.Check,
		})
	})
}
