package daemon

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/config"
	"peervane/daemon/incident"
	"peervane/daemon/notice"
)

var start = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// world drives an engine by hand, second by second, and tells its notices in short.
type world struct {
	t      testing.TB
	engine *engine
	now    time.Time
	peers  map[string]*bgp.Vantage
}

func newWorld(t testing.TB, cfg *config.Config) *world {
	t.Helper()
	w := &world{t: t, now: start, peers: map[string]*bgp.Vantage{}}
	w.engine = newEngine(cfg, incident.Options{Source: "test", NewID: derivedID}, false, zap.NewNop())
	for i, p := range cfg.Peers {
		v := &bgp.Vantage{Name: p.Name, Addr: netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}), ASN: p.ASN, LocalASN: 64512, Relationship: bgp.Provider}
		w.peers[p.Name] = v
		w.engine.expect(v, p, start)
		w.engine.input(bgp.SessionUp{Vantage: v, At: start, Families: bgp.Families[:], EndOfRIBDue: true})
		for _, f := range bgp.Families {
			w.engine.input(bgp.EndOfRIB{Vantage: v, Family: f, At: start})
		}
	}
	w.tell()
	return w
}

func twoPeers(prefixes ...config.Registration) *config.Config {
	return &config.Config{
		Daemon:   config.Daemon{ASN: 64512},
		Detect:   config.Detect{AbsenceHold: 30 * time.Second, PathChangeHold: time.Minute, PathSettle: 24 * time.Hour},
		Peers:    []config.Peer{{Name: "edge1", ASN: 64500, Enabled: true}, {Name: "edge2", ASN: 64501, Enabled: true}},
		Prefixes: prefixes,
	}
}

func registered(prefix string, origins ...uint32) config.Registration {
	return config.Registration{
		Prefix: netip.MustParsePrefix(prefix),
		Policy: &config.PrefixPolicy{Origins: origins, Expect: config.ExpectAnnounced, MinVantages: 1},
	}
}

func (w *world) announce(peer, prefix string, asns ...uint32) string {
	w.engine.input(w.change(peer, prefix, asns...))
	return w.tell()
}

func (w *world) change(peer, prefix string, asns ...uint32) bgp.Change {
	return bgp.Change{
		Vantage: w.peers[peer], Prefix: netip.MustParsePrefix(prefix), Attrs: &bgp.Attrs{Path: bgp.Sequence(asns...)},
		At: w.now, First: w.now, Announced: 1,
	}
}

func (w *world) withdraw(peer, prefix string) string {
	w.engine.input(bgp.Change{Vantage: w.peers[peer], Prefix: netip.MustParsePrefix(prefix), At: w.now, First: w.now, Withdrawn: 1})
	return w.tell()
}

func (w *world) down(peer string) string {
	w.engine.input(bgp.SessionDown{Vantage: w.peers[peer], At: w.now, Reason: "hold timer expired"})
	return w.tell()
}

func (w *world) up(peer string) string {
	w.engine.input(bgp.SessionUp{Vantage: w.peers[peer], At: w.now, Families: bgp.Families[:], EndOfRIBDue: true})
	return w.tell()
}

func (w *world) endOfRIB(peer string) string {
	for _, f := range bgp.Families {
		w.engine.input(bgp.EndOfRIB{Vantage: w.peers[peer], Family: f, At: w.now})
	}
	return w.tell()
}

// pass lets time go by, waking the engine whenever it asked for that.
func (w *world) pass(d time.Duration) string {
	var told []string
	end := w.now.Add(d)
	for at, ok := w.engine.next(); ok && !at.After(end); at, ok = w.engine.next() {
		w.now = at
		told = append(told, w.tell())
	}
	w.now = end
	told = append(told, w.tell())
	return strings.TrimSpace(strings.Join(told, " "))
}

func (w *world) tell() string {
	for w.engine.judge(w.now, 3) { // in small bites, as the daemon does
	}
	var told []string
	for _, n := range w.engine.take().notices {
		told = append(told, short(n))
	}
	return strings.Join(told, " ")
}

func short(n notice.Notice) string {
	subject := n.Peer
	if n.Offending.IsValid() {
		subject = n.Offending.String()
	}
	return fmt.Sprintf("%s:%s:%s:%d", n.Status, n.Type, subject, n.CulpritASN)
}

func (w *world) want(got, want string) {
	w.t.Helper()
	if got != want {
		w.t.Fatalf("told %q, want %q", got, want)
	}
}

func TestHijackFiresAndResolves(t *testing.T) {
	w := newWorld(t, twoPeers(registered("203.0.113.0/24", 64496)))
	w.want(w.announce("edge1", "203.0.113.0/24", 64500, 64496), "")
	w.want(w.announce("edge2", "203.0.113.0/24", 64501, 64496), "")
	w.want(w.announce("edge1", "203.0.113.128/25", 64500, 64510), "firing:subprefix:203.0.113.128/25:64510")
	w.want(w.announce("edge1", "203.0.113.0/24", 64500, 64510), "firing:origin_change:203.0.113.0/24:64510")
	w.want(w.announce("edge1", "203.0.113.0/24", 64500, 64496), "resolved:origin_change:203.0.113.0/24:64510")
	w.want(w.withdraw("edge1", "203.0.113.128/25"), "resolved:subprefix:203.0.113.128/25:64510")
	w.want(w.pass(time.Hour), "")
}

func TestLosingAVantageResolvesNothing(t *testing.T) {
	w := newWorld(t, twoPeers(registered("203.0.113.0/24", 64496)))
	w.announce("edge1", "203.0.113.0/24", 64500, 64496)
	w.announce("edge2", "203.0.113.0/24", 64501, 64496)
	w.want(w.announce("edge1", "203.0.113.0/24", 64500, 64510), "firing:origin_change:203.0.113.0/24:64510")
	w.want(w.down("edge1"), "updated:origin_change:203.0.113.0/24:64510")
	w.want(w.pass(time.Minute), "firing:session_down:edge1:0")
	w.want(w.up("edge1"), "resolved:session_down:edge1:0")
	w.want(w.announce("edge1", "203.0.113.0/24", 64500, 64496), "resolved:origin_change:203.0.113.0/24:64510")
}

func TestWithdrawnAfterItsHold(t *testing.T) {
	w := newWorld(t, twoPeers(registered("203.0.113.0/24", 64496)))
	w.announce("edge1", "203.0.113.0/24", 64500, 64496)
	w.announce("edge2", "203.0.113.0/24", 64501, 64496)
	w.want(w.withdraw("edge1", "203.0.113.0/24"), "")
	w.want(w.pass(time.Minute), "")
	w.want(w.withdraw("edge2", "203.0.113.0/24"), "")
	w.want(w.pass(29*time.Second), "")
	w.want(w.pass(time.Second), "firing:withdrawn:203.0.113.0/24:0")
	w.want(w.announce("edge2", "203.0.113.0/24", 64501, 64496), "resolved:withdrawn:203.0.113.0/24:0")
}

func TestReloadKeepsAndRemoves(t *testing.T) {
	cfg := twoPeers(registered("203.0.113.0/24", 64496), registered("198.51.100.0/24", 64496))
	w := newWorld(t, cfg)
	w.announce("edge1", "203.0.113.0/24", 64500, 64510)
	w.announce("edge1", "198.51.100.0/24", 64500, 64510)
	w.engine.reload(twoPeers(cfg.Prefixes[0]))
	w.want(w.tell(), "resolved:origin_change:198.51.100.0/24:64510")
	w.engine.reload(twoPeers(registered("203.0.113.0/24", 64510)))
	w.want(w.tell(), "resolved:origin_change:203.0.113.0/24:64510")
}

// What is newly registered is asked for by a route refresh: until its end, the absence of a route is no fact.
func TestNewlyRegisteredIsUnknownUntilRefreshed(t *testing.T) {
	w := newWorld(t, twoPeers(registered("203.0.113.0/24", 64496)))
	w.announce("edge1", "203.0.113.0/24", 64500, 64496)
	w.announce("edge2", "203.0.113.0/24", 64501, 64496)
	w.engine.reload(twoPeers(registered("203.0.113.0/24", 64496), registered("198.51.100.0/24", 64496)))
	w.want(w.tell(), "")
	w.want(w.pass(time.Hour), "")
	w.endOfRIB("edge1")
	w.want(w.pass(time.Minute), "firing:withdrawn:198.51.100.0/24:0")
	w.want(w.announce("edge2", "198.51.100.0/24", 64501, 64496), "resolved:withdrawn:198.51.100.0/24:0")
}

func TestIgnoreCarvesOut(t *testing.T) {
	carved := registered("203.0.113.128/25")
	carved.Policy.Ignore = true
	w := newWorld(t, twoPeers(registered("203.0.113.0/24", 64496), carved))
	w.announce("edge1", "203.0.113.0/24", 64500, 64496)
	w.want(w.announce("edge1", "203.0.113.128/25", 64500, 64510), "")
	w.want(w.announce("edge1", "203.0.113.192/26", 64500, 64510), "")
	w.want(w.announce("edge1", "203.0.113.0/26", 64500, 64510), "firing:subprefix:203.0.113.0/26:64510")
}
