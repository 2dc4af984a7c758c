package daemon

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"peervane/bgp/rpki"
	"peervane/config"
)

// memoryless are the types that the present state alone decides, while every vantage is in sight and all holds are zero, but for
// that of session_down.
var memoryless = map[string]bool{
	"origin_change": true, "subprefix": true, "route_leak": true, "forged_origin": true, "rpki_invalid": true,
	"new_more_specific": true, "blackholed": true, "unlisted_prefix": true, "new_upstream": true, "new_downstream": true,
	"path_rule": true, "policy": true, "withdrawn": true, "missing_upstream": true, "session_down": true, "prefix_limit": true,
}

var levelPrefixes = []string{
	"203.0.113.0/24", "203.0.113.0/25", "203.0.113.128/25", "203.0.113.7/32", "203.0.112.0/22", "198.51.100.0/24", "2001:db8::/32", "2001:db8:1::/48",
}

var levelPaths = [][]uint32{
	{}, {64496}, {64500, 64496}, {64500, 64501, 64496}, {64500, 3356, 64501, 1299, 64496}, {64500, 64510}, {64500, 64496, 64510},
	{64500, 65010, 64496}, {64500, 64496, 64496, 64496}, {64500, 23456}, {64501, 64500, 64502, 64496}, {65010},
}

// levelSets are what RPKI deltas lead to.
var levelSets = func() (sets []*rpki.Set) {
	vrp := func(prefix string, longest uint8, asn uint32) rpki.VRP {
		return rpki.VRP{Prefix: netip.MustParsePrefix(prefix), MaxLength: longest, ASN: asn}
	}
	for _, vrps := range [][]rpki.VRP{
		nil,
		{vrp("203.0.112.0/22", 25, 64496), vrp("2001:db8::/32", 48, 64496)},
		{vrp("203.0.113.0/24", 24, 64510)},
		{vrp("203.0.113.128/25", 25, 0), vrp("203.0.112.0/22", 22, 64496)},
	} {
		for _, aspas := range [][]rpki.ASPA{
			nil,
			{{Customer: 1299, Providers: []uint32{0}}, {Customer: 64500, Providers: []uint32{64999}}},
			{{Customer: 64496, Providers: []uint32{64501}}, {Customer: 64501, Providers: []uint32{64999}}, {Customer: 64500, Providers: []uint32{3356}}},
		} {
			sets = append(sets, rpki.NewSet(slices.Clone(vrps), slices.Clone(aspas)))
		}
	}
	return append(sets, &rpki.Set{}) // all of it has expired
}()

// levelConfigs are what reloads switch between.
func levelConfigs() []*config.Config {
	policy := func(change func(*config.PrefixPolicy)) *config.PrefixPolicy {
		p := &config.PrefixPolicy{Origins: []uint32{64496}, Expect: config.ExpectAnnounced, MinVantages: 1, AllowPrepending: true}
		change(p)
		return p
	}
	make := func(change func(*config.Config), prefixes map[string]*config.PrefixPolicy) *config.Config {
		cfg := twoPeers()
		cfg.Peers = append(cfg.Peers, config.Peer{Name: "core", ASN: 64512, Enabled: true})
		cfg.Detect = config.Detect{PathSettle: 24 * time.Hour}
		cfg.Connections = []config.Connection{{Name: "paris-1", Primary: []string{"edge1"}, Backup: []string{"edge2"}, MinPrimary: 1}}
		for _, p := range levelPrefixes {
			if prefixes[p] != nil {
				cfg.Prefixes = append(cfg.Prefixes, config.Registration{Prefix: netip.MustParsePrefix(p), Policy: prefixes[p], Connection: "paris-1"})
			}
		}
		change(cfg)
		return cfg
	}
	plain := policy(func(p *config.PrefixPolicy) { p.Paths = []config.PathRule{{Match: "_64496_64496_"}} })
	strict := policy(func(p *config.PrefixPolicy) {
		p.Upstreams, p.RequiredUpstreams = []uint32{64500}, []uint32{64501}
		p.AllowPrepending, p.MaxPathLength = false, 4
		p.Paths = []config.PathRule{{Match: "_64496_64496_"}}
		p.RequiredCommunities = []config.Community{{Parts: [3]uint32{64500, 100}}}
	})
	absent := policy(func(p *config.PrefixPolicy) { p.Origins, p.Expect = nil, config.ExpectAbsent })
	carved := policy(func(p *config.PrefixPolicy) { p.Ignore = true })
	closed := policy(func(p *config.PrefixPolicy) { p.NoExport, p.AnyOrigin, p.Origins = true, true, nil })
	watch := []config.ASNWatch{{ASN: 64496, Upstreams: []uint32{64500}, Downstreams: []uint32{}, Unlisted: true}}
	return []*config.Config{
		make(func(*config.Config) {}, map[string]*config.PrefixPolicy{"203.0.113.0/24": plain, "2001:db8::/32": plain}),
		make(func(c *config.Config) { c.ASNs = watch },
			map[string]*config.PrefixPolicy{"203.0.113.0/24": strict, "203.0.113.128/25": carved, "2001:db8::/32": strict}),
		make(func(c *config.Config) {
			c.ASNs = watch
			c.Connections[0].Primary, c.Connections[0].MinPrimary = []string{"edge1", "core"}, 2
		}, map[string]*config.PrefixPolicy{"203.0.112.0/22": plain, "198.51.100.0/24": absent}),
		make(func(c *config.Config) {
			c.ASNs = watch
			c.Severity = map[string]string{"origin_change": "off", "policy": "error"}
		}, map[string]*config.PrefixPolicy{"203.0.113.0/24": plain, "203.0.113.128/25": plain}),
		make(func(c *config.Config) {
			c.Detect.Relationships = &config.Relationships{Links: []config.ASLink{{A: 64500, B: 64501}, {A: 64502, B: 64501}}}
			c.Detect.Peerlock = []config.Peerlock{{ASN: 64502, AllowedUpstreams: []uint32{3356}}}
			c.Detect.Siblings = [][]uint32{{64496, 64510}}
			c.Neighbours = []config.Neighbour{{ASN: 64500, Relationship: "customer"}}
			for i := range c.Prefixes {
				c.Prefixes[i].Connection = "" // every session of ours is primary
			}
		}, map[string]*config.PrefixPolicy{"203.0.113.0/24": plain, "203.0.113.0/25": closed, "2001:db8:1::/48": strict}),
	}
}

func settle(e *engine, now time.Time) {
	for e.judge(now, 3) {
	}
	e.take()
}

// downHold is for how long a session is lost before session_down fires.
const downHold = 30 * time.Second

// firing lists what is open, of the types that have no memory, and which of it flaps.
func firing(e *engine) (out, flaps []string) {
	for _, r := range e.book.Records() {
		n := r.Notice
		if !memoryless[n.Type] || !r.Cleared.IsZero() { // one that flaps stays open a while longer
			continue
		}
		severity, leakType := n.Severity.String(), n.Evidence.LeakType
		if n.Type == "new_more_specific" || n.Type == "origin_change" {
			severity, leakType = "", 0 // remember for an hour what it may answer, and who was on the way
		}
		var bad []string
		for _, w := range r.Bad {
			bad = append(bad, w.Vantage)
		}
		line := fmt.Sprintf("%s %s %s AS%d %s %s by %v type %d also %s", n.Type, cmp.Or(n.Peer, n.Prefix.String()), n.Offending,
			n.CulpritASN, severity, bad, n.Evidence.Methods, leakType, memorylessOf(n.Evidence.Also))
		out = append(out, line)
		if r.Flapping {
			flaps = append(flaps, line)
		}
	}
	slices.Sort(out)
	return out, flaps
}

// compare gives what fires, and what a daemon finds that starts now. What flaps and is back has not ended, and fires while its hold
// runs anew, which the other waits for.
func (l *levels) compare() (got, want []string) {
	fresh := l.fresh()
	got, flaps := firing(l.engine)
	want, _ = firing(fresh)
	if slices.Equal(got, want) || len(flaps) == 0 {
		return got, want
	}
	settle(fresh, l.now.Add(downHold))
	held, _ := firing(fresh)
	return slices.DeleteFunc(got, func(line string) bool {
		return slices.Contains(flaps, line) && !slices.Contains(want, line) && slices.Contains(held, line)
	}), want
}

func memorylessOf(types []string) (out []string) {
	for _, name := range types {
		if memoryless[name] {
			out = append(out, name)
		}
	}
	return out
}

// After any history what fires is what a daemon finds that starts now: an incident is a function of state, not of messages.
func TestLevelTriggered(t *testing.T) {
	seen := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		l := newLevels(t)
		for range rapid.IntRange(5, 30).Draw(t, "steps") {
			l.live()
			got, want := l.compare()
			if !slices.Equal(got, want) {
				t.Fatalf("after all that\n%s\na fresh daemon\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			for _, line := range want {
				typ, _, _ := strings.Cut(line, " ")
				seen[typ]++
			}
		}
	})
	for typ := range memoryless {
		if seen[typ] == 0 && !testing.Short() {
			t.Errorf("no history led to %s", typ)
		}
	}
	t.Logf("after how many steps each was firing: %v", seen)
}
