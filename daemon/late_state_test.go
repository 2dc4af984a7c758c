package daemon

import (
	"encoding/json"
	"net"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
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
	w.engine.rejoin(&kept{records: records})
	w.want(w.tell(), "resolved:origin_change:198.51.100.0/24:64510")
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

// late is a daemon of which a receiver hears, and the router that it hears itself.
type late struct {
	*testing.T
	cfg      *config.Config
	listener net.Listener
	ears     *ears
	router   net.Conn
	queued   chan struct{} // something was told
}

// run starts a daemon to which the router shows who announces each prefix.
func (l *late) run(origins ...uint32) (stop func() error) {
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

func (l *late) show(origins ...uint32) {
	l.Helper()
	for i, reg := range l.cfg.Prefixes {
		l.write(says(reg.Prefix, origins[i]))
	}
}

func (l *late) write(b []byte) {
	l.Helper()
	if _, err := l.router.Write(b); err != nil {
		l.Fatal(err)
	}
}

// hear waits until so many incidents of a prefix were heard of with a status, and gives their ids: what was being sent when a
// daemon stopped is sent again.
func (l *late) hear(n int, status notice.Status, prefix netip.Prefix) (ids []string) {
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
	l := &late{T: t, listener: listener, ears: &ears{heard: map[string][]notice.Notice{}, fresh: make(chan struct{}, 1)}}
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
