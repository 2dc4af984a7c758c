package daemon

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"pgregory.net/rapid"

	"peervane/bgp"
	"peervane/bgp/rpki"
	"peervane/config"
	"peervane/daemon/incident"
)

// memoryless are the types that the present state alone decides, while every vantage is in sight and all holds are zero.
var memoryless = map[string]bool{
	"origin_change": true, "subprefix": true, "route_leak": true, "forged_origin": true, "rpki_invalid": true,
	"new_more_specific": true, "blackholed": true, "unlisted_prefix": true, "new_upstream": true, "new_downstream": true,
	"path_rule": true, "policy": true, "withdrawn": true, "missing_upstream": true, "session_down": true, "prefix_limit": true,
}

// levels is an engine that lives through a random history, and what its vantages hold now.
type levels struct {
	*rapid.T
	engine *engine
	now    time.Time
	cfg    *config.Config
	set    *rpki.Set
	peers  []*bgp.Vantage
	held   map[*bgp.Vantage]map[netip.Prefix]*bgp.Attrs
	over   map[*bgp.Vantage]bool // its limit is exceeded
}

var levelPrefixes = []string{"203.0.113.0/24", "203.0.113.128/25", "203.0.113.7/32", "203.0.112.0/22", "198.51.100.0/24", "2001:db8::/32", "2001:db8:1::/48"}

var levelPaths = [][]uint32{
	{64496}, {64500, 64496}, {64500, 64501, 64496}, {64500, 3356, 64501, 1299, 64496}, {64500, 64510}, {64500, 64496, 64510},
	{64500, 65010, 64496}, {64500, 64496, 64496, 64496}, {64500, 23456},
}

// levelConfigs are what reloads switch between.
func levelConfigs() []*config.Config {
	policy := func(change func(*config.PrefixPolicy)) *config.PrefixPolicy {
		p := &config.PrefixPolicy{Origins: []uint32{64496}, Expect: config.ExpectAnnounced, MinVantages: 1, AllowPrepending: true}
		change(p)
		return p
	}
	make := func(asns []config.ASNWatch, prefixes map[string]*config.PrefixPolicy) *config.Config {
		cfg := twoPeers()
		cfg.Detect = config.Detect{PathSettle: 24 * time.Hour}
		cfg.ASNs = asns
		for _, p := range levelPrefixes {
			if prefixes[p] != nil {
				cfg.Prefixes = append(cfg.Prefixes, config.Registration{Prefix: netip.MustParsePrefix(p), Policy: prefixes[p], Connection: "paris-1"})
			}
		}
		cfg.Connections = []config.Connection{{Name: "paris-1", Primary: []string{"edge1"}, Backup: []string{"edge2"}, MinPrimary: 1}}
		return cfg
	}
	plain := policy(func(*config.PrefixPolicy) {})
	strict := policy(func(p *config.PrefixPolicy) {
		p.Upstreams, p.RequiredUpstreams = []uint32{64500}, []uint32{64501}
		p.AllowPrepending, p.MaxPathLength = false, 4
		p.Paths = []config.PathRule{{Match: "_64501_"}}
		p.RequiredCommunities = []config.Community{{Parts: [3]uint32{64500, 100}}}
	})
	absent := policy(func(p *config.PrefixPolicy) { p.Origins, p.Expect = nil, config.ExpectAbsent })
	carved := policy(func(p *config.PrefixPolicy) { p.Ignore = true })
	watch := []config.ASNWatch{{ASN: 64496, Upstreams: []uint32{64500}, Downstreams: []uint32{}, Unlisted: true}}
	off := make(watch, map[string]*config.PrefixPolicy{"203.0.113.0/24": plain, "203.0.113.128/25": plain})
	off.Severity = map[string]string{"origin_change": "off", "policy": "error"}
	return []*config.Config{
		make(nil, map[string]*config.PrefixPolicy{"203.0.113.0/24": plain, "2001:db8::/32": plain}),
		make(watch, map[string]*config.PrefixPolicy{"203.0.113.0/24": strict, "203.0.113.128/25": carved, "2001:db8::/32": strict}),
		make(watch, map[string]*config.PrefixPolicy{"203.0.112.0/22": plain, "198.51.100.0/24": absent}),
		off,
	}
}

// newLevels begins with every vantage in sync and empty.
func newLevels(t *rapid.T) *levels {
	l := &levels{T: t, now: start, cfg: levelConfigs()[0], held: map[*bgp.Vantage]map[netip.Prefix]*bgp.Attrs{}, over: map[*bgp.Vantage]bool{}}
	for i, p := range l.cfg.Peers {
		relationship := [...]bgp.Relationship{bgp.Provider, bgp.Customer}[i]
		l.peers = append(l.peers, &bgp.Vantage{Name: p.Name, Addr: netip.MustParseAddr("192.0.2.1"), ASN: p.ASN, LocalASN: 64512, Relationship: relationship})
	}
	for _, name := range []string{"ris/a", "ris/b"} {
		l.peers = append(l.peers, &bgp.Vantage{Name: name, Collector: "ris", ASN: 64700})
	}
	for _, v := range l.peers {
		l.held[v] = map[netip.Prefix]*bgp.Attrs{}
	}
	l.engine = l.fresh()
	return l
}

// fresh starts a daemon that finds the present state.
func (l *levels) fresh() *engine {
	e := newEngine(l.cfg, incident.Options{Source: "test", NewID: derivedID, Severity: l.cfg.Severity}, false, zap.NewNop())
	if l.set != nil {
		e.validated(l.set)
	}
	for i, v := range l.peers {
		if v.Own() {
			e.expect(v, l.cfg.Peers[i], l.now)
		}
		l.present(e, v)
	}
	settle(e, l.now)
	return e
}

// present has a vantage come up with all that it holds.
func (l *levels) present(e *engine, v *bgp.Vantage) {
	e.input(bgp.SessionUp{Vantage: v, At: l.now, Families: bgp.Families[:], EndOfRIBDue: v.Own(), Recorded: !v.Own()})
	for _, text := range levelPrefixes {
		p := netip.MustParsePrefix(text)
		l.hear(e, v, p, nil, l.held[v][p], bgp.Initial)
	}
	for _, f := range bgp.Families {
		if v.Own() {
			e.input(bgp.EndOfRIB{Vantage: v, Family: f, At: l.now})
		}
	}
	if l.over[v] {
		e.input(bgp.LimitExceeded{Vantage: v, At: l.now, Exceeded: true, Prefixes: 2, Limit: 1})
	}
}

// hear tells the engine, as a session does, what it watches of a change from one route to another.
func (l *levels) hear(e *engine, v *bgp.Vantage, p netip.Prefix, was, is *bgp.Attrs, cause bgp.Cause) {
	w := e.watchedSet()
	told := func(a *bgp.Attrs) bool { return a != nil && (w.Match(p) || w.MatchPath(a.Path)) }
	switch {
	case told(is):
		e.input(bgp.Change{Vantage: v, Prefix: p, Attrs: is, At: l.now, First: l.now, Announced: 1, Cause: cause})
	case told(was):
		e.input(bgp.Change{Vantage: v, Prefix: p, At: l.now, First: l.now, Withdrawn: 1, Cause: cause})
	}
}

func settle(e *engine, now time.Time) {
	for e.judge(now, 3) {
	}
	e.take()
}

// firing lists what is open, of the types that have no memory.
func firing(e *engine) string {
	var out []string
	for _, r := range e.book.Records() {
		n := r.Notice
		if !memoryless[n.Type] {
			continue
		}
		severity := n.Severity.String()
		if n.Type == "new_more_specific" {
			severity = "" // remembers for an hour what it may answer
		}
		var bad []string
		for _, w := range r.Bad {
			bad = append(bad, w.Vantage)
		}
		out = append(out, fmt.Sprintf("%s %s %s AS%d %s %s also %s", n.Type, cmp.Or(n.Peer, n.Prefix.String()), n.Offending, n.CulpritASN, severity, bad, memorylessOf(n.Evidence.Also)))
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func memorylessOf(types []string) (out []string) {
	for _, name := range types {
		if memoryless[name] {
			out = append(out, name)
		}
	}
	return out
}

// live does something to the daemon, and to what its vantages hold.
func (l *levels) live() {
	l.now = l.now.Add(time.Duration(rapid.IntRange(0, 100).Draw(l.T, "seconds")) * time.Second)
	v := rapid.SampledFrom(l.peers).Draw(l.T, "vantage")
	p := netip.MustParsePrefix(rapid.SampledFrom(levelPrefixes).Draw(l.T, "prefix"))
	switch rapid.SampledFrom([]string{"announce", "announce", "announce", "announce", "withdraw", "withdraw", "bounce", "refresh", "reload", "rpki", "limit"}).Draw(l.T, "op") {
	case "announce":
		was, is := l.held[v][p], l.attrs()
		l.held[v][p] = is
		l.hear(l.engine, v, p, was, is, bgp.Updated)
	case "withdraw":
		was := l.held[v][p]
		delete(l.held[v], p)
		l.hear(l.engine, v, p, was, nil, bgp.Updated)
	case "bounce":
		l.engine.input(bgp.SessionDown{Vantage: v, At: l.now, Reason: "reset"})
		settle(l.engine, l.now)
		l.present(l.engine, v)
	case "refresh":
		for p, a := range l.held[v] {
			l.hear(l.engine, v, p, nil, a, bgp.Refreshed)
		}
	case "reload":
		l.reload()
	case "rpki":
		l.set = rapid.SampledFrom([]*rpki.Set{vrps(64496, start, levelPrefixes...), vrps(64510, start, "203.0.113.0/24"), vrps(64496, start)}).Draw(l.T, "vrps")
		l.engine.validated(l.set)
	case "limit":
		l.over[v] = v.Own() && !l.over[v]
		l.engine.input(bgp.LimitExceeded{Vantage: v, At: l.now, Exceeded: l.over[v], Prefixes: 2, Limit: 1})
	}
	settle(l.engine, l.now)
}

// reload takes another configuration. Sessions tell what is newly watched, nothing else, and that it is all.
func (l *levels) reload() {
	old := l.engine.watchedSet()
	l.cfg = levelConfigs()[rapid.IntRange(0, 3).Draw(l.T, "config")]
	l.engine.reload(l.cfg)
	settle(l.engine, l.now)
	for _, v := range l.peers {
		for p, a := range l.held[v] {
			if !old.Match(p) && !old.MatchPath(a.Path) {
				l.hear(l.engine, v, p, nil, a, bgp.Refreshed)
			}
		}
		for _, f := range bgp.Families {
			if v.Own() {
				l.engine.input(bgp.EndOfRIB{Vantage: v, Family: f, At: l.now})
			}
		}
	}
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

// After any history what fires is what a daemon finds that starts now: an incident is a function of state, not of messages.
func TestLevelTriggered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLevels(t)
		for range rapid.IntRange(5, 30).Draw(t, "steps") {
			l.live()
			if got, want := firing(l.engine), firing(l.fresh()); got != want {
				t.Fatalf("after all that\n%s\na fresh daemon\n%s", got, want)
			}
		}
	})
}
