package daemon

import (
	"encoding/json"
	"maps"
	"net"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"peervane/config"
	"peervane/daemon/incident"
	"peervane/daemon/notice"
)

// What an earlier run told is known again once its state can be read: what stands was told anew by then, and ends under both
// ids; what ended meanwhile ends now, and what waits for a session waits on.
func TestStateReadLate(t *testing.T) {
	cfg := twoPeers(optional("203.0.113.0/24"), optional("198.51.100.0/24"), optional("192.0.2.0/24"))
	old := newWorld(t, cfg)
	old.announce("edge1", "203.0.113.0/24", 64500, 64510)
	old.announce("edge1", "198.51.100.0/24", 64500, 64510)
	old.announce("edge2", "192.0.2.0/24", 64501, 64510)
	b, err := json.Marshal(old.engine.book.Records())
	if err != nil {
		t.Fatal(err)
	}
	var records []incident.Record
	if err := json.Unmarshal(b, &records); err != nil {
		t.Fatal(err)
	}

	w := newWorld(t, cfg)
	w.pass(time.Hour)
	w.down("edge2")
	w.pass(time.Hour)
	w.announce("edge1", "198.51.100.0/24", 64500, 64496)
	w.want(w.announce("edge1", "203.0.113.0/24", 64500, 64510), "firing:origin_change:203.0.113.0/24:64510")
	w.want(w.late(kept{records: records}, 2*time.Hour), "resolved:origin_change:198.51.100.0/24:64510")
	if n := len(w.engine.book.Records()); n != 4 { // one in both, one that edge2 shows, and its session
		t.Errorf("%d are open: %s", n, w.ids())
	}
	w.want(w.announce("edge1", "203.0.113.0/24", 64500, 64502, 64510), "")
	w = w.restart() // which finds both
	w.up("edge1")
	w.want(w.announce("edge1", "203.0.113.0/24", 64500, 64496),
		"resolved:origin_change:203.0.113.0/24:64510 resolved:origin_change:203.0.113.0/24:64510")
	w.up("edge2")
	w.announce("edge2", "192.0.2.0/24", 64501, 64496)
	w.endOfRIB("edge1")
	w.endOfRIB("edge2")
	if w.ids() != "" {
		t.Errorf("still open: %s", w.ids())
	}
}

// late has a world take in what an earlier run kept, so long after its own start.
func (w *world) late(k kept, age time.Duration) string {
	w.engine.rejoin(&late{k, maps.Collect(k.remembered(zap.NewNop()))}, w.now, age)
	return w.tell()
}

// What an earlier run remembered of prefixes is known again, too, where this one has seen nothing since.
func TestMemoryReadLate(t *testing.T) {
	const p, cover = "203.0.113.0/24", "203.0.112.0/22"
	const change, changed = "firing:path_change:203.0.113.0/24:0", "resolved:path_change:203.0.113.0/24:0"
	shows := func(w *world, peer, prefix string, path ...uint32) {
		w.up(peer)
		w.announce(peer, prefix, path...)
		w.endOfRIB(peer)
	}
	moved := func(w *world) { shows(w, "edge1", p, 64500, 64505, 64496); shows(w, "edge2", p, 64501, 64496) }
	for _, c := range []struct {
		what          string
		before, since func(w *world) // in the earlier run, and in this one before it knows of that
		age           time.Duration
		want          string // within two minutes from then on
		after         func(w *world) string
		then          string
	}{
		{
			what:  "the path moved in between",
			since: moved,
			age:   time.Hour, want: change,
			after: func(w *world) string { return w.announce("edge1", p, 64500, 64496) }, then: changed,
		},
		{
			what:  "it has held for longer than path_settle",
			since: moved,
			age:   24 * time.Hour,
		},
		{
			what:   "it had moved before, which was told",
			before: func(w *world) { w.announce("edge1", p, 64500, 64505, 64496); w.pass(2 * time.Minute) },
			since:  moved,
			age:    time.Hour,
			after:  func(w *world) string { return w.pass(24 * time.Hour) }, then: changed,
		},
		{
			what:  "a session is not back yet",
			since: func(w *world) { shows(w, "edge1", p, 64500, 64496) },
			age:   24 * time.Hour, want: "firing:session_down:edge2:0",
			after: func(w *world) string {
				shows(w, "edge2", p, 64501, 64505, 64496)
				return w.pass(2 * time.Minute)
			}, then: change,
		},
		{
			what:  "another covering route took over in between",
			since: func(w *world) { shows(w, "edge1", cover, 64500, 64510); shows(w, "edge2", cover, 64501, 64510) },
			age:   time.Hour, want: "firing:covering_change:203.0.112.0/22:64510 firing:withdrawn:203.0.113.0/24:0",
		},
		{
			what: "it was there while this run held a route",
			since: func(w *world) {
				shows(w, "edge1", cover, 64500, 64510)
				w.announce("edge1", p, 64500, 64496)
				shows(w, "edge2", p, 64501, 64496)
				w.withdraw("edge1", p)
			},
			age: time.Hour,
		},
	} {
		t.Run(c.what, func(t *testing.T) {
			old := newWorld(t, twoPeers(registered(p, 64496)))
			old.announce("edge1", p, 64500, 64496)
			old.announce("edge2", p, 64501, 64496)
			old.pass(time.Hour)
			if c.before != nil {
				c.before(old)
			}
			w := old.anew()
			c.since(w)
			told := w.late(old.kept(), c.age)
			w.want(strings.TrimSpace(told+" "+w.pass(2*time.Minute)), c.want)
			if c.after != nil {
				w.want(c.after(w), c.then)
			}
		})
	}
}

// lateRun is a daemon of which a receiver hears, and the router that it hears itself.
type lateRun struct {
	*testing.T
	cfg      *config.Config
	listener net.Listener
	ears     *ears
	router   net.Conn
	queued   chan struct{} // something was told
}

// run starts a daemon to which the router shows who announces each prefix.
func (l *lateRun) run(origins ...uint32) (stop func() error) {
	l.Helper()
	d := New(l.cfg, Options{Log: zap.NewNop()})
	l.queued = make(chan struct{}, 1)
	queued := l.queued
	d.hooks.queued = func(time.Time) { signal(queued) }
	stop = launch(l, d)
	l.Cleanup(func() { _ = stop() })
	l.router = greet(l, l.listener)
	l.Cleanup(func() { l.router.Close() })
	l.show(origins...)
	l.write(endsOfRIB())
	return stop
}

func (l *lateRun) show(origins ...uint32) {
	l.Helper()
	for i, reg := range l.cfg.Prefixes {
		l.write(says(reg.Prefix, origins[i]))
	}
}

func (l *lateRun) write(b []byte) {
	l.Helper()
	if _, err := l.router.Write(b); err != nil {
		l.Fatal(err)
	}
}

// hear waits until so many incidents of a prefix were heard of with a status, and gives their ids: what was being sent when a
// daemon stopped is sent again.
func (l *lateRun) hear(n int, status notice.Status, prefix netip.Prefix) (ids []string) {
	l.Helper()
	for late := time.After(3 * time.Minute); ; {
		ids = nil
		for _, heard := range l.ears.of("noc", notice.OriginChange) {
			if heard.Status == status && heard.Prefix == prefix && !slices.Contains(ids, heard.Incident) {
				ids = append(ids, heard.Incident)
			}
		}
		if len(ids) >= n {
			return ids
		}
		select {
		case <-l.ears.fresh:
		case <-late:
			l.Fatalf("of %s %d %s were heard, not %d", prefix, len(ids), status, n)
		}
	}
}

// A daemon that starts while its database cannot be opened tells what it finds, and once the database is back whoever was told
// by the run before is told of every end.
func TestDatabaseGivenBackLate(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	l := &lateRun{T: t, listener: listener, ears: &ears{heard: map[string][]notice.Notice{}, fresh: make(chan struct{}, 1)}}
	receiver := httptest.NewServer(l.ears)
	t.Cleanup(receiver.Close)
	dir := t.TempDir()
	l.cfg = benchConfig(dir, netip.MustParseAddrPort(listener.Addr().String()))
	l.cfg.Prefixes = []config.Registration{registered("203.0.113.0/24", 64496), registered("198.51.100.0/24", 64496)}
	l.cfg.Channels = []config.Channel{{
		Name: "noc", Kind: "webhook", URL: config.NewURL(receiver.URL+"/noc", false), MinSeverity: "warning", Resolve: true, AllowPrivate: true,
	}}
	stands, ends := l.cfg.Prefixes[0].Prefix, l.cfg.Prefixes[1].Prefix

	stop := l.run(64510, 64510)
	first, over := l.hear(1, notice.Firing, stands)[0], l.hear(1, notice.Firing, ends)[0]
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	db := filepath.Join(dir, "peervane.db")
	if err := os.Rename(db, db+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(db, 0o700); err != nil {
		t.Fatal(err)
	}
	stop = l.run(64510, 64496)
	select {
	case <-l.queued: // anew: the state could not be read
	case <-time.After(3 * time.Minute):
		t.Fatal("what stands is not told")
	}
	if err := os.Remove(db); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(db+".away", db); err != nil {
		t.Fatal(err)
	}
	if got := l.hear(1, notice.Resolved, ends)[0]; got != over {
		t.Errorf("resolved is %s, fired had %s", got, over)
	}
	second := ""
	for _, id := range l.hear(2, notice.Firing, stands) {
		if id != first {
			second = id
		}
	}
	l.show(64496, 64496)
	if got := l.hear(2, notice.Resolved, stands); got[0] == got[1] || got[0] != first && got[1] != first || got[0] != second && got[1] != second {
		t.Errorf("resolved are %s, fired had %s and %s", got, first, second)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if fired := l.hear(2, notice.Firing, stands); len(fired) != 2 {
		t.Errorf("told as firing: %s", fired)
	}
}
