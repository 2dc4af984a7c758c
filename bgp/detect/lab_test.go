package detect_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"peervane/bgp"
	"peervane/bgp/detect"
)

const ourASN = 64512

var (
	epoch      = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	registered = netip.MustParsePrefix("203.0.113.0/24")
)

// fataler is what testing.T and rapid.T have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// lab is a registration with its vantages, moved by hand on a clock of its own. As in the engine, whatever is done is
// learnt at once.
type lab struct {
	t        fataler
	reg      detect.Registration
	settings detect.Settings
	memory   *detect.Memory
	now      time.Time
	sites    []*site
	learnt   bool          // the last thing done changed the memory
	settled  []string      // by the last thing done
	flaps    []detect.Flap // all that was counted
	learned  func()        // called when something was done
}

// site is a vantage with what it holds.
type site struct {
	detect.Vantage
	stale  bool
	routes map[netip.Prefix]map[uint32]bgp.Seen
}

// newLab registers 203.0.113.0/24 with origin 64496 and no connection; all holds are as in the default configuration.
func newLab(t fataler) *lab {
	return &lab{
		t: t, now: epoch, memory: &detect.Memory{},
		reg: detect.Registration{Prefix: registered, Policy: &detect.Policy{Origins: []uint32{64496}, Expect: detect.Announced, AllowPrepending: true}},
		settings: detect.Settings{
			OurASN: ourASN, AbsenceHold: 30 * time.Second, PathChangeHold: time.Minute, PathSettle: 24 * time.Hour,
			Off: map[string]bool{},
		},
	}
}

// peer adds one of our own sessions, up and in sync.
func (l *lab) peer(name string, asn uint32, rel bgp.Relationship) *site {
	return l.add(&bgp.Vantage{Name: name, ASN: asn, LocalASN: ourASN, Relationship: rel})
}

// collector adds a peer of a collector, in sync.
func (l *lab) collector(name string, asn uint32) *site {
	return l.add(&bgp.Vantage{Name: "ris/" + name, Collector: "ris", ASN: asn})
}

func (l *lab) add(v *bgp.Vantage) *site {
	s := &site{Vantage: detect.Vantage{Vantage: v, Up: true, InSync: true, Since: l.now}, routes: map[netip.Prefix]map[uint32]bgp.Seen{}}
	l.sites = append(l.sites, s)
	return s
}

// option changes the attributes of an announcement.
type option func(*bgp.Seen)

func pathID(id uint32) option { return func(s *bgp.Seen) { s.PathID = id } }
func localPref(n uint32) option {
	return func(s *bgp.Seen) { s.Attrs.LocalPref, s.Attrs.HasLocalPref = n, true }
}
func med(n uint32) option { return func(s *bgp.Seen) { s.Attrs.MED, s.Attrs.HasMED = n, true } }
func community(c ...bgp.Community) option {
	return func(s *bgp.Seen) { s.Attrs.Communities = append(s.Attrs.Communities, c...) }
}
func origin(o bgp.Origin) option { return func(s *bgp.Seen) { s.Attrs.Origin = o } }

// announce makes a vantage hold a route.
func (l *lab) announce(s *site, prefix, path string, opts ...option) {
	p := netip.MustParsePrefix(prefix)
	seen := bgp.Seen{Vantage: s.Vantage.Vantage, Prefix: p, Attrs: &bgp.Attrs{Path: parsePath(path)}, Since: l.now}
	for _, o := range opts {
		o(&seen)
	}
	if s.routes[p] == nil {
		s.routes[p] = map[uint32]bgp.Seen{}
	}
	if was, ok := s.routes[p][seen.PathID]; ok {
		if was.Attrs.Path.String() == seen.Attrs.Path.String() {
			seen.Since = was.Since
		} else {
			l.flap(s, p, seen.PathID, 0, 1)
		}
	}
	s.routes[p][seen.PathID] = seen
	l.learn()
}

func (l *lab) withdraw(s *site, prefix string, ids ...uint32) {
	p := netip.MustParsePrefix(prefix)
	for _, id := range append(ids, 0)[:max(1, len(ids))] {
		delete(s.routes[p], id)
		l.flap(s, p, id, 1, 0)
	}
	l.learn()
}

// flap counts a change of the registered prefix, unless it is part of a first table.
func (l *lab) flap(s *site, p netip.Prefix, id, withdrawn, changed uint32) {
	if p != l.reg.Prefix || s.Loading || !s.Up {
		return
	}
	l.memory.Flap(s.Name, id, withdrawn, changed, l.now)
	l.flaps = append(l.flaps, detect.Flap{Vantage: s.Name, PathID: id, At: l.now, Withdrawn: withdrawn, Changed: changed})
}

// lose takes a session down; its routes are unknown.
func (l *lab) lose(s *site) {
	s.Up, s.InSync, s.stale, s.Loading = false, false, false, false
	for _, paths := range s.routes {
		clear(paths)
	}
	l.learn()
}

// keep takes a session down; its routes are stale.
func (l *lab) keep(s *site) {
	s.Up, s.stale = false, true
	l.learn()
}

// rise brings a session up with nothing shown yet.
func (l *lab) rise(s *site) {
	s.Up, s.Loading = true, true
	l.learn()
}

// sync brings a session up, if it is not, and ends its first table.
func (l *lab) sync(s *site) {
	s.Up, s.InSync, s.Loading, s.stale, s.Since = true, true, false, false, l.now
	l.learn()
}

func (l *lab) wait(d time.Duration) {
	l.now = l.now.Add(d)
	l.learn()
}

// restart stores the memory and reads it again.
func (l *lab) restart() {
	text, err := json.Marshal(l.memory)
	if err != nil {
		l.t.Fatalf("store the memory: %v", err)
	}
	l.memory = &detect.Memory{}
	if err := json.Unmarshal(text, l.memory); err != nil {
		l.t.Fatalf("read the memory %s: %v", text, err)
	}
}

func (l *lab) learn() {
	st := l.state(l.reg.Prefix)
	l.learnt = st.Learn()
	l.settled = st.Settled()
	for _, p := range l.scopes() {
		findings, _ := detect.All(l.state(p))
		var culprits []uint32
		for _, f := range findings {
			if (f.Type == "subprefix" || f.Type == "origin_change") && !f.Quiet {
				culprits = append(culprits, f.Culprit)
			}
		}
		if st := l.state(p); st.Reg == &l.reg {
			l.memory.Hijacked(p, culprits, l.now)
		}
	}
	if l.learned != nil {
		l.learned()
	}
}

// scopes are the registered prefix and all inside it that is or was announced; with watched ASNs all else, too.
func (l *lab) scopes() []netip.Prefix {
	all := map[netip.Prefix]bool{}
	for _, s := range l.sites {
		for p := range s.routes {
			if l.inside(p) || p != l.reg.Prefix && len(l.settings.ASNs) > 0 {
				all[p] = true
			}
		}
	}
	return append([]netip.Prefix{l.reg.Prefix}, slices.SortedFunc(maps.Keys(all), netip.Prefix.Compare)...)
}

// state is the scope of a prefix as the engine would build it.
func (l *lab) state(p netip.Prefix) *detect.State {
	st := &detect.State{Reg: &l.reg, Prefix: p, Now: l.now, Settings: &l.settings, Hijacks: l.memory.Hijacks()}
	if p != l.reg.Prefix && !l.inside(p) {
		st.Reg = detect.Unlisted()
	}
	for i, s := range l.sites {
		v := s.Vantage
		v.InSync = v.InSync || len(s.routes[p]) > 0
		st.Vantages = append(st.Vantages, v)
		st.Routes = append(st.Routes, s.held(i, p)...)
		if p == l.reg.Prefix {
			st.Covering = append(st.Covering, s.covering(i, p)...)
		}
	}
	if p == l.reg.Prefix {
		st.Memory = l.memory
	} else if st.Reg == &l.reg {
		half, _ := netip.ParsePrefix(map[string]string{half: "203.0.113.0/25", "203.0.113.0/25": half}[p.String()])
		for i, s := range l.sites {
			st.Around = append(append(st.Around, s.held(i, l.reg.Prefix)...), s.held(i, half)...)
		}
	}
	st.Sort()
	return st
}

func (s *site) held(i int, p netip.Prefix) []detect.Held {
	var out []detect.Held
	for _, id := range slices.Sorted(maps.Keys(s.routes[p])) {
		out = append(out, detect.Held{V: i, Seen: s.routes[p][id], Stale: s.stale})
	}
	return out
}

func (s *site) covering(i int, p netip.Prefix) []detect.Held {
	for bits := p.Bits() - 1; bits > 0; bits-- {
		q, _ := p.Addr().Prefix(bits)
		if held := s.held(i, q); len(held) > 0 {
			return held
		}
	}
	return nil
}

func (l *lab) inside(p netip.Prefix) bool {
	return p.Bits() > l.reg.Prefix.Bits() && l.reg.Prefix.Contains(p.Addr())
}

// judge gives the findings of every scope.
func (l *lab) judge() (out []bgp.Finding) {
	for _, p := range l.scopes() {
		findings, _ := detect.All(l.state(p))
		out = append(out, findings...)
	}
	return out
}

// show prints findings as tables expect them: type, severity, offending prefix, culprit, vantages that show it of those
// that could, and what else is set.
func show(findings []bgp.Finding) []string {
	out := []string{}
	for _, f := range findings {
		line := fmt.Sprintf("%s %s %s", f.Type, f.Severity, f.Offending)
		if f.Culprit != 0 {
			line += fmt.Sprintf(" AS%d", f.Culprit)
		}
		line += fmt.Sprintf(" %s/%d", strings.Join(f.Bad, ","), f.Total)
		if f.Quiet {
			line += " quiet"
		}
		if len(f.Also) > 0 {
			line += " also " + strings.Join(f.Also, ",")
		}
		out = append(out, line)
	}
	return out
}

// parsePath reads a path as routers print it: sequences plain, sets {1,2}, confederations (1 2).
func parsePath(text string) *bgp.Path {
	var segs []bgp.Segment
	text = strings.NewReplacer("(", " ( ", ")", " ) ").Replace(text)
	kind := bgp.ASSequence
	for _, word := range strings.Fields(text) {
		switch {
		case word == "(":
			kind = bgp.ConfedSequence
			segs = append(segs, bgp.Segment{Type: kind})
		case word == ")":
			kind = bgp.ASSequence
		case strings.HasPrefix(word, "{"):
			set := bgp.Segment{Type: bgp.ASSet}
			for _, n := range strings.Split(strings.Trim(word, "{}"), ",") {
				set.ASNs = append(set.ASNs, parseASN(n))
			}
			segs = append(segs, set)
		default:
			if n := len(segs); n == 0 || segs[n-1].Type != kind {
				segs = append(segs, bgp.Segment{Type: kind})
			}
			last := &segs[len(segs)-1]
			last.ASNs = append(last.ASNs, parseASN(word))
		}
	}
	return bgp.NewPath(segs)
}

func parseASN(text string) uint32 {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		panic(err)
	}
	return uint32(n)
}

// rule is one sentence of the behaviour with a history that shows it.
type rule struct {
	sentence string
	history  func(*lab)
	want     []string
}

func checkRules(t *testing.T, rules []rule) {
	for i, r := range rules {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			l := newLab(t)
			r.history(l)
			if got := show(l.judge()); !slices.Equal(got, append([]string{}, r.want...)) {
				t.Errorf("%s\n got %q\nwant %q", r.sentence, got, r.want)
			}
		})
	}
}
