package daemon

import (
	"encoding/json"
	"maps"
	"net/netip"
	"slices"
	"time"

	"go.uber.org/zap"
	"pgregory.net/rapid"

	"peervane/bgp"
	"peervane/bgp/rpki"
	"peervane/config"
	"peervane/daemon/incident"
)

// levels is an engine that lives through a random history, and what its vantages hold now.
type levels struct {
	*rapid.T
	engine *engine
	now    time.Time
	cfg    *config.Config
	set    *rpki.Set
	peers  []*bgp.Vantage
	held   map[*bgp.Vantage]routes
	over   map[*bgp.Vantage]bool      // its limit is exceeded
	stale  map[*bgp.Vantage]time.Time // its session is lost since then, its routes are kept
}

// routes is what a vantage holds.
type routes map[route]*bgp.Attrs

type route struct {
	prefix netip.Prefix
	pathID uint32
}

// sorted makes a history depend on what was drawn alone.
func (r routes) sorted() []route {
	return slices.SortedFunc(maps.Keys(r), func(a, b route) int {
		if c := a.prefix.Compare(b.prefix); c != 0 {
			return c
		}
		return int(a.pathID) - int(b.pathID)
	})
}

// newLevels begins with every vantage in sync and empty.
func newLevels(t *rapid.T) *levels {
	l := &levels{
		T: t, now: start, cfg: levelConfigs()[0], held: map[*bgp.Vantage]routes{}, over: map[*bgp.Vantage]bool{}, stale: map[*bgp.Vantage]time.Time{},
	}
	for i, p := range l.cfg.Peers {
		relationship := [...]bgp.Relationship{bgp.Provider, bgp.Customer, bgp.Internal}[i]
		l.peers = append(l.peers, &bgp.Vantage{Name: p.Name, Addr: netip.MustParseAddr("192.0.2.1"), ASN: p.ASN, LocalASN: 64512, Relationship: relationship})
	}
	for _, name := range []string{"ris/a", "ris/b"} {
		l.peers = append(l.peers, &bgp.Vantage{Name: name, Collector: "ris", ASN: 64700})
	}
	for _, v := range l.peers {
		l.held[v] = routes{}
	}
	l.engine = l.fresh()
	return l
}

// empty is a daemon that has just started and knows its peers.
func (l *levels) empty() *engine {
	e := newEngine(l.cfg, incident.Options{Source: "test", OurASN: 64512, NewID: derivedID, Severity: l.cfg.Severity}, false, zap.NewNop())
	if l.set != nil {
		e.validated(l.set)
	}
	for i, v := range l.peers {
		if v.Own() {
			e.expect(v, l.cfg.Peers[i], l.now)
		}
	}
	return e
}

// fresh starts a daemon that finds the present state.
func (l *levels) fresh() *engine {
	e := l.empty()
	for _, v := range l.peers {
		l.present(e, v)
	}
	for _, v := range l.peers {
		if at, lost := l.stale[v]; lost {
			e.input(bgp.SessionDown{Vantage: v, At: at, Reason: "reset", Kept: bgp.Families[:]})
		}
	}
	settle(e, l.now)
	return e
}

// present has a vantage come up with all that it holds.
func (l *levels) present(e *engine, v *bgp.Vantage) {
	at := l.now
	if since, lost := l.stale[v]; lost {
		at = since
	}
	e.input(bgp.SessionUp{Vantage: v, At: at, Families: bgp.Families[:], EndOfRIBDue: v.Own(), Recorded: !v.Own()})
	for _, r := range l.held[v].sorted() {
		l.hear(e, v, r, nil, l.held[v][r], bgp.Initial)
	}
	l.whole(e, v)
	if l.over[v] {
		e.input(bgp.LimitExceeded{Vantage: v, At: l.now, Exceeded: true, Prefixes: 2, Limit: 1})
	}
}

func (l *levels) whole(e *engine, v *bgp.Vantage) {
	for _, f := range bgp.Families {
		if v.Own() {
			e.input(bgp.EndOfRIB{Vantage: v, Family: f, At: l.now})
		}
	}
}

// hear tells the engine, as a session does, what it watches of a change from one route to another.
func (l *levels) hear(e *engine, v *bgp.Vantage, r route, was, is *bgp.Attrs, cause bgp.Cause) {
	w := e.watchedSet()
	told := func(a *bgp.Attrs) bool { return a != nil && (w.Match(r.prefix) || w.MatchPath(a.Path)) }
	c := bgp.Change{Vantage: v, Prefix: r.prefix, PathID: r.pathID, At: l.now, First: l.now, Cause: cause}
	switch {
	case told(is):
		c.Attrs, c.Announced = is, 1
	case told(was):
		c.Withdrawn = 1
	default:
		return
	}
	e.input(c)
}

// set makes a vantage hold a route, or none.
func (l *levels) hold(v *bgp.Vantage, r route, is *bgp.Attrs, cause bgp.Cause) {
	was := l.held[v][r]
	l.held[v][r] = is
	if is == nil {
		delete(l.held[v], r)
	}
	l.hear(l.engine, v, r, was, is, cause)
}

// live does something to the daemon, and to what its vantages hold: one thing, or several before it judges.
func (l *levels) live() {
	l.now = l.now.Add(time.Duration(rapid.IntRange(0, 100).Draw(l.T, "seconds")) * time.Second)
	for range rapid.SampledFrom([]int{1, 1, 1, 3}).Draw(l.T, "at once") {
		v := rapid.SampledFrom(l.peers).Draw(l.T, "vantage")
		op := rapid.SampledFrom([]string{
			"announce", "announce", "announce", "announce", "announce", "withdraw", "withdraw", "bounce", "keep", "keep", "refresh",
			"reload", "rpki", "limit", "restart", "gone",
		}).Draw(l.T, "op")
		if _, lost := l.stale[v]; lost && op != "reload" && op != "restart" && op != "rpki" {
			l.comeBack(v)
			continue
		}
		l.act(op, v)
	}
	settle(l.engine, l.now)
}

func (l *levels) act(op string, v *bgp.Vantage) {
	r := route{prefix: netip.MustParsePrefix(rapid.SampledFrom(levelPrefixes).Draw(l.T, "prefix"))}
	if v.Own() {
		r.pathID = uint32(rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(l.T, "path id"))
	}
	switch op {
	case "announce":
		l.hold(v, r, l.attrs(), bgp.Updated)
	case "withdraw":
		l.hold(v, r, nil, bgp.Updated)
	case "bounce":
		l.engine.input(bgp.SessionDown{Vantage: v, At: l.now, Reason: "reset"})
		l.pause()
		if v.Own() { // what a collector's peer does not show again is not known to have gone
			l.held[v][r] = l.attrs()
		}
		l.present(l.engine, v)
	case "keep":
		if v.Own() {
			l.stale[v] = l.now
			l.engine.input(bgp.SessionDown{Vantage: v, At: l.now, Reason: "reset", Kept: bgp.Families[:]})
		}
	case "refresh":
		l.refresh(v, r)
	case "reload":
		l.reload()
	case "rpki":
		l.set = rapid.SampledFrom(levelSets).Draw(l.T, "rpki")
		l.engine.validated(l.set)
	case "limit":
		l.over[v] = v.Own() && !l.over[v]
		l.engine.input(bgp.LimitExceeded{Vantage: v, At: l.now, Exceeded: l.over[v], Prefixes: 2, Limit: 1})
	case "restart":
		l.restart()
	case "gone":
		l.replace(v)
	}
}

// pause lets the engine judge what there is, or not.
func (l *levels) pause() {
	if rapid.Bool().Draw(l.T, "judged meanwhile") {
		settle(l.engine, l.now)
	}
}

// refresh has a neighbour show all again. One route has gone, and is swept at the end.
func (l *levels) refresh(v *bgp.Vantage, gone route) {
	for _, r := range l.held[v].sorted() {
		if r != gone {
			l.hold(v, r, l.held[v][r], bgp.Refreshed)
		}
	}
	l.pause()
	l.hold(v, gone, nil, bgp.Refreshed)
}

// comeBack ends a graceful restart: the neighbour shows what it has, and what it does not show is swept; or the stale
// routes are given up, and it comes up as after any loss, with some of them.
func (l *levels) comeBack(v *bgp.Vantage) {
	delete(l.stale, v)
	if rapid.IntRange(0, 3).Draw(l.T, "given up") == 0 {
		for _, f := range bgp.Families {
			l.engine.input(bgp.StaleLost{Vantage: v, Family: f, At: l.now})
		}
		l.pause()
		for _, r := range l.held[v].sorted() {
			if rapid.Bool().Draw(l.T, "not there any more") {
				delete(l.held[v], r) // and nobody says so
			}
		}
		l.present(l.engine, v)
		return
	}
	l.engine.input(bgp.SessionUp{Vantage: v, At: l.now, Families: bgp.Families[:], EndOfRIBDue: true})
	var swept []route
	for _, r := range l.held[v].sorted() {
		switch rapid.IntRange(0, 2).Draw(l.T, "shown again") {
		case 0:
			l.hold(v, r, l.held[v][r], bgp.Initial)
		case 1:
			l.hold(v, r, l.attrs(), bgp.Initial)
		default:
			swept = append(swept, r)
		}
	}
	l.pause()
	for _, r := range swept {
		l.hold(v, r, nil, bgp.Swept)
	}
	l.whole(l.engine, v)
	if l.over[v] {
		l.engine.input(bgp.LimitExceeded{Vantage: v, At: l.now, Exceeded: true, Prefixes: 2, Limit: 1})
	}
}

// reload takes another configuration. Sessions tell what is newly watched, nothing else, and that it is all.
func (l *levels) reload() {
	for _, v := range l.peers {
		if _, lost := l.stale[v]; lost {
			l.comeBack(v) // of what is newly registered a lost session knows nothing
		}
	}
	old := l.engine.watchedSet()
	configs := levelConfigs()
	l.cfg = configs[rapid.IntRange(0, len(configs)-1).Draw(l.T, "config")]
	l.engine.reload(l.cfg)
	l.pause()
	for _, v := range l.peers {
		for _, r := range l.held[v].sorted() {
			if a := l.held[v][r]; !old.Match(r.prefix) && !old.MatchPath(a.Path) {
				l.hear(l.engine, v, r, nil, a, bgp.Refreshed)
			}
		}
		l.whole(l.engine, v)
	}
}

// restart goes on with a new engine from what the old one kept. All sessions come up.
func (l *levels) restart() {
	settle(l.engine, l.now)
	memories := map[netip.Prefix][]byte{}
	for reg := range l.engine.regs.all() {
		memories[reg.Prefix] = l.json(&reg.memory)
	}
	var records []incident.Record
	if err := json.Unmarshal(l.json(l.engine.book.Records()), &records); err != nil {
		l.Fatal(err)
	}
	clear(l.stale)
	l.engine = l.empty()
	if err := l.engine.restore(kept{records: records, memories: memories}); err != nil {
		l.Fatal(err)
	}
	l.pause()
	for _, v := range l.peers {
		l.present(l.engine, v)
	}
	settle(l.engine, l.now)
}

func (l *levels) json(x any) []byte {
	b, err := json.Marshal(x)
	if err != nil {
		l.Fatal(err)
	}
	return b
}

// replace forgets a collector's peer, and has it come again.
func (l *levels) replace(v *bgp.Vantage) {
	if v.Own() {
		return
	}
	l.engine.input(bgp.Gone{Vantage: v, At: l.now})
	l.pause()
	again := *v
	l.peers[slices.Index(l.peers, v)] = &again
	l.held[&again] = l.held[v]
	delete(l.held, v)
	l.present(l.engine, &again)
}

func (l *levels) attrs() *bgp.Attrs {
	a := &bgp.Attrs{Path: bgp.Sequence(rapid.SampledFrom(levelPaths).Draw(l.T, "path")...)}
	if rapid.Bool().Draw(l.T, "tagged") {
		a.Communities = append(a.Communities, 64500<<16|100)
	}
	if rapid.IntRange(0, 5).Draw(l.T, "hole") == 0 {
		a.Communities = append(a.Communities, bgp.Blackhole)
	}
	if rapid.IntRange(0, 5).Draw(l.T, "otc") == 0 {
		a.HasOTC, a.OTC = true, 64500
	}
	return a
}
