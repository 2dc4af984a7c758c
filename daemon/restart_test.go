package daemon

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/daemon/incident"
)

// restart goes on with a new engine from what the old one kept, as after kill -9. No session is up yet.
func (w *world) restart() *world {
	w.t.Helper()
	next := w.anew()
	if err := next.engine.restore(w.kept()); err != nil {
		w.t.Fatal(err)
	}
	next.engine.resumeReigns(w.engine.reigns.kept)
	next.want(next.tell(), "")
	return next
}

// kept is what is on disk of a run.
func (w *world) kept() (k kept) {
	w.t.Helper()
	k.at, k.memories = w.now, map[netip.Prefix][]byte{}
	for reg := range w.engine.regs.all() {
		b, err := json.Marshal(&reg.memory)
		if err != nil {
			w.t.Fatal(err)
		}
		k.memories[reg.Prefix] = b
	}
	b, err := json.Marshal(w.engine.book.Records())
	if err != nil {
		w.t.Fatal(err)
	}
	if err := json.Unmarshal(b, &k.records); err != nil {
		w.t.Fatal(err)
	}
	k.silences, _ = w.engine.book.Silences()
	return k
}

// anew is another run that knows nothing of this one. No session is up yet.
func (w *world) anew() *world {
	old := w.engine
	next := &world{t: w.t, now: w.now, peers: map[string]*bgp.Vantage{}}
	next.engine = newEngine(old.cfg, incident.Options{Source: "test", NewID: derivedID}, false, zap.NewNop())
	for _, p := range old.cfg.Peers {
		was := *w.peers[p.Name]
		next.peers[p.Name] = &was
		next.engine.expect(&was, p, w.now)
	}
	return next
}

// ids gives the open incidents.
func (w *world) ids() string {
	var out []string
	for _, r := range w.engine.book.Records() {
		out = append(out, r.Notice.Incident)
	}
	return strings.Join(out, " ")
}

func TestRestartNeitherRefiresNorOrphans(t *testing.T) {
	w := newWorld(t, twoPeers(registered("203.0.113.0/24", 64496)))
	w.announce("edge1", "203.0.113.0/24", 64500, 64496)
	w.announce("edge2", "203.0.113.0/24", 64501, 64496)
	w.announce("edge1", "203.0.113.128/25", 64500, 64510)
	before := w.ids()

	w = w.restart()
	w.want(w.pass(10*time.Second), "")
	w.want(w.up("edge2"), "")
	w.want(w.announce("edge2", "203.0.113.0/24", 64501, 64496), "")
	w.want(w.endOfRIB("edge2"), "") // what edge1 showed is not known yet
	w.want(w.up("edge1"), "")
	w.want(w.announce("edge1", "203.0.113.0/24", 64500, 64496), "")
	w.want(w.announce("edge1", "203.0.113.128/25", 64500, 64510), "")
	w.want(w.endOfRIB("edge1"), "")
	if got := w.ids(); got != before {
		t.Fatalf("open: %s, before the restart: %s", got, before)
	}
	w.want(w.withdraw("edge1", "203.0.113.128/25"), "resolved:subprefix:203.0.113.128/25:64510")
}

func TestRestartResolvesWhatEndedMeanwhile(t *testing.T) {
	w := newWorld(t, twoPeers(registered("203.0.113.0/24", 64496)))
	w.announce("edge1", "203.0.113.0/24", 64500, 64496)
	w.announce("edge2", "203.0.113.0/24", 64501, 64510)
	w = w.restart()
	w.up("edge1")
	w.announce("edge1", "203.0.113.0/24", 64500, 64496)
	w.want(w.endOfRIB("edge1"), "")
	w.up("edge2")
	w.want(w.announce("edge2", "203.0.113.0/24", 64501, 64496), "resolved:origin_change:203.0.113.0/24:64510")
	w.endOfRIB("edge2")
	w.want(w.pass(time.Hour), "")
}

func TestRestartKnowsTheSettledPath(t *testing.T) {
	w := newWorld(t, twoPeers(registered("203.0.113.0/24", 64496)))
	w.announce("edge1", "203.0.113.0/24", 64500, 64496)
	w.announce("edge2", "203.0.113.0/24", 64501, 64496)
	w = w.restart()
	for peer, asn := range map[string]uint32{"edge1": 64500, "edge2": 64501} {
		w.up(peer)
		w.announce(peer, "203.0.113.0/24", asn, 64505, 64496)
		w.endOfRIB(peer)
	}
	if told := w.pass(2 * time.Minute); !strings.HasPrefix(told, "firing:path_change:203.0.113.0/24:") {
		t.Errorf("told %q: the path of before the restart is the settled one", told)
	}
}

// A vantage that is taken out of the configuration takes what it showed with it.
func TestGoneVantageResolves(t *testing.T) {
	w := newWorld(t, twoPeers(registered("203.0.113.0/24", 64496)))
	w.announce("edge1", "203.0.113.0/24", 64500, 64510)
	w.announce("edge2", "203.0.113.0/24", 64501, 64496)
	cfg := twoPeers(registered("203.0.113.0/24", 64496))
	cfg.Peers = cfg.Peers[1:]
	w.engine.reload(cfg)
	w.want(w.tell(), "")
	w.engine.input(bgp.Gone{Vantage: w.peers["edge1"], At: w.now})
	w.want(w.tell(), "resolved:origin_change:203.0.113.0/24:64510")
}

// A session whose configuration changed comes back as another; what it showed is unknown until then.
func TestChangedSessionIsALoss(t *testing.T) {
	w := newWorld(t, twoPeers(registered("203.0.113.0/24", 64496)))
	w.announce("edge1", "203.0.113.0/24", 64500, 64510)
	w.announce("edge2", "203.0.113.0/24", 64501, 64496)
	old := w.peers["edge1"]
	again := *old
	w.engine.take()
	w.engine.expect(&again, w.engine.cfg.Peers[0], w.now)
	if got := w.engine.take().events; len(got) != 1 || got[0].typ != "session_down" || got[0].detail != "its configuration changed" {
		t.Errorf("recorded: %+v", got)
	}
	w.want(w.tell(), "updated:origin_change:203.0.113.0/24:64510")
	w.engine.input(bgp.Change{Vantage: old, Prefix: netip.MustParsePrefix("203.0.113.0/24"), At: w.now, Withdrawn: 1})
	w.want(w.tell(), "") // last words of the old session
	w.peers["edge1"] = &again
	w.up("edge1")
	w.want(w.announce("edge1", "203.0.113.0/24", 64500, 64496), "resolved:origin_change:203.0.113.0/24:64510")
}
