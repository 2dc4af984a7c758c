package source

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"peervane/bgp"
	"peervane/bgp/rib"
)

var feedNets = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}

// dirLab is a folder that is looked at by hand.
type dirLab struct {
	t    *testing.T
	dir  string
	feed *mrtDir
	logs *observer.ObservedLogs
	now  time.Time
}

func newDirLab(t *testing.T) *dirLab {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	l := &dirLab{t: t, dir: t.TempDir(), logs: logs, now: time.Now()}
	made, err := NewFeed(FeedConfig{
		Name: "archive", Kind: "mrt-dir", Path: l.dir, Watched: rib.NewWatched(feedNets, nil),
	}, make(chan struct{}, 1), zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	l.feed = made.(*mrtDir)
	return l
}

// file writes a file whose records are of so many seconds ago, and which was written a minute ago.
func (l *dirLab) file(name string, ago int, fill func(*mrtFile)) {
	l.t.Helper()
	m := &mrtFile{at: l.now.Add(time.Duration(-ago) * time.Second)}
	fill(m)
	l.bytes(name, m.bytes)
}

func (l *dirLab) bytes(name string, b []byte) {
	l.t.Helper()
	path := filepath.Join(l.dir, name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		l.t.Fatal(err)
	}
	written := l.now.Add(-time.Minute).Add(time.Duration(len(b)) * time.Millisecond)
	if err := os.Chtimes(path, written, written); err != nil {
		l.t.Fatal(err)
	}
}

// look gives what is told after a look at the folder.
func (l *dirLab) look() string {
	l.feed.look(l.t.Context(), l.now)
	return l.told()
}

func (l *dirLab) told() string {
	took, more := l.feed.Take(nil, 1000)
	if more {
		l.t.Error("there is more")
	}
	var lines []string
	for _, in := range took {
		lines = append(lines, strings.TrimPrefix(in.Of().Name, "archive/192.0.2.1/")+" "+say(in))
	}
	return strings.Join(lines, "; ")
}

func (l *dirLab) want(got, want string) {
	l.t.Helper()
	if got != want {
		l.t.Errorf("told %q\nwant %q", got, want)
	}
}

// Updates that were read before a dump of their time came are played on top of it, and only what differs is told.
func TestMRTDirDumpComesLate(t *testing.T) {
	l := newDirLab(t)
	l.file("updates.1", 300, func(m *mrtFile) { m.update("192.0.2.0/24", "", 64500, 64497) })
	l.want(l.look(), "64500 up [ipv4 ipv6] due=false; 64500 +192.0.2.0/24 64500 64497 initial")
	l.file("bview.1", 310, func(m *mrtFile) {
		m.peerIndex("192.0.2.1", 64500)
		m.rib("192.0.2.0/24", 64500, 64496)
		m.rib("192.0.2.128/25", 64500, 64496)
		m.rib("198.51.100.0/24", 64500, 64496) // nobody watches it
	})
	l.want(l.look(), "64500 +192.0.2.128/25 64500 64496 initial; 64500 eor ipv4")
	l.file("bview.2", 100, func(m *mrtFile) {
		m.peerIndex("192.0.2.1", 64500)
		m.rib("192.0.2.0/24", 64500, 64497)
	})
	l.want(l.look(), "64500 -192.0.2.128/25 swept; 64500 eor ipv4")
	l.want(l.look(), "")
}

// Updates that come behind younger ones of their peer change nothing that those have said.
func TestMRTDirUpdatesComeLate(t *testing.T) {
	l := newDirLab(t)
	l.file("updates.2", 200, func(m *mrtFile) { m.update("192.0.2.0/24", "", 64500, 64497) })
	l.look()
	l.file("updates.1", 400, func(m *mrtFile) {
		m.update("192.0.2.0/24", "", 64500, 64666)
		m.update("2001:db8::/32", "", 64500, 64496)
	})
	l.want(l.look(), "64500 +2001:db8::/32 64500 64496 initial")
	l.file("updates.3", 100, func(m *mrtFile) { m.state(6, 1) })
	l.want(l.look(), "64500 down kept=[]")
}

// A file that grows is read on, also from the middle of a record that was cut; one that is replaced is another.
func TestMRTDirFileGrows(t *testing.T) {
	l := newDirLab(t)
	m := &mrtFile{at: l.now.Add(-time.Minute)}
	m.update("192.0.2.0/24", "", 64500, 64496)
	one := len(m.bytes)
	m.update("192.0.2.0/24", "", 64500, 64497)
	l.bytes("updates", m.bytes[:one+20])
	l.want(l.look(), "64500 up [ipv4 ipv6] due=false; 64500 +192.0.2.0/24 64500 64496 initial")
	l.bytes("updates", m.bytes)
	l.want(l.look(), "64500 +192.0.2.0/24 64500 64497*")
	l.want(l.look(), "")
	if n := l.logs.FilterMessageSnippet("not read to its end").Len(); n != 1 { // it stood still
		t.Errorf("logged %d times", n)
	}
}

// Updates are read while they are written; what is compressed, and a dump, when nobody writes it any more.
func TestMRTDirFileIsBeingWritten(t *testing.T) {
	l := newDirLab(t)
	l.look()
	m := &mrtFile{at: l.now.Add(-time.Minute)}
	m.update("192.0.2.0/24", "", 64500, 64496)
	var zip bytes.Buffer
	z := gzip.NewWriter(&zip)
	_, _ = z.Write(m.bytes)
	_ = z.Close()
	one := len(m.bytes)
	m.update("192.0.2.0/24", "", 64500, 64497)
	write := func(name string, b []byte) {
		l.bytes(name, b)
		if err := os.Chtimes(filepath.Join(l.dir, name), l.now, l.now); err != nil {
			t.Fatal(err)
		}
	}
	write("updates", m.bytes[:one+20])
	l.want(l.look(), "64500 up [ipv4 ipv6] due=false; 64500 +192.0.2.0/24 64500 64496")
	l.now = l.now.Add(time.Second)
	write("updates", m.bytes)
	l.want(l.look(), "64500 +192.0.2.0/24 64500 64497*")
	write("z.gz", zip.Bytes()[:zip.Len()-4])
	l.want(l.look(), "")
	l.now = l.now.Add(time.Second)
	write("z.gz", zip.Bytes())
	l.want(l.look(), "")
	dump := &mrtFile{at: l.now.Add(-time.Second)}
	dump.peerIndex("192.0.2.1", 64500)
	dump.rib("192.0.2.128/25", 64500, 64496)
	write("rib", dump.bytes)
	l.feed.look(t.Context(), l.now)
	if told := l.told(); strings.Contains(told, "/25") {
		t.Errorf("told %q", told)
	}
	if l.want(l.look(), "64500 +192.0.2.128/25 64500 64496 initial; 64500 -192.0.2.0/24 swept; 64500 eor ipv4"); l.logs.FilterMessageSnippet("not read to its end").Len() != 0 {
		t.Errorf("logged %v", l.logs.All())
	}
}

// Nothing of a file is judged before all of it was read, and what is put then comes as one.
func TestFeedQueueHolds(t *testing.T) {
	q := newFeedQueue(make(chan struct{}, 1))
	v := &bgp.Vantage{Name: "archive/192.0.2.1/64500", Collector: "archive"}
	q.hold()
	for i, attrs := range []*bgp.Attrs{nil, {Path: bgp.Sequence(64500)}} {
		_ = q.Put(bgp.Change{Vantage: v, Prefix: feedNets[0], Attrs: attrs, At: t0.Add(time.Duration(i)), Announced: uint32(i), Withdrawn: uint32(1 - i)})
	}
	select {
	case <-q.wake:
		t.Error("the engine is woken")
	default:
	}
	if took, more := q.take(nil, 100); len(took) > 0 || more {
		t.Errorf("took %v", took)
	}
	q.release()
	<-q.wake
	took, more := q.take(nil, 100)
	if c, ok := took[0].(bgp.Change); len(took) != 1 || more || !ok || c.Attrs == nil || c.Announced != 1 || c.Withdrawn != 1 {
		t.Errorf("took %v", took)
	}
}

// What was said to be whole before more was watched is not, of that.
func TestFeedQueueForgetsEndsOfBefore(t *testing.T) {
	q := newFeedQueue(make(chan struct{}, 1))
	v := &bgp.Vantage{Name: "routers/192.0.2.254/192.0.2.1/64500", Collector: "routers"}
	_ = q.Put(bgp.EndOfRIB{Vantage: v, Family: bgp.IPv4, At: t0})
	_ = q.Put(bgp.EndOfRIB{Vantage: v, Family: bgp.IPv6, At: t0.Add(2)})
	q.gain(t0.Add(1))
	if took, _ := q.take(nil, 100); len(took) != 1 || took[0].(bgp.EndOfRIB).Family != bgp.IPv6 {
		t.Errorf("took %v", took)
	}
}

// What is no MRT, is damaged or is old costs a line in the log and nothing else.
func TestMRTDirBadFiles(t *testing.T) {
	l := newDirLab(t)
	l.bytes("a.txt", []byte("this is a note about the files in here, and long enough to be a header"))
	l.bytes("b.json", []byte(`{"type":"ris_message"}`+"\n"))
	l.bytes("c.gz", []byte{0x1f, 0x8b, 8, 0, 1, 2, 3})
	l.bytes("d.empty", nil)
	l.bytes(".hidden", []byte("nobody looks at it"))
	l.file("e.old", 2*86400, func(m *mrtFile) { m.update("192.0.2.0/24", "", 64500, 64666) })
	l.file("updates", 60, func(m *mrtFile) {
		m.record(mrtBGP4MP, subMessageAS4, []byte{1, 2, 3})
		m.update("192.0.2.0/24", "", 64500, 64496)
	})
	l.want(l.look(), "64500 up [ipv4 ipv6] due=false; 64500 +192.0.2.0/24 64500 64496 initial")
	l.look()
	if n := l.logs.FilterMessageSnippet("not read to its end").Len(); n != 3 {
		t.Errorf("%d files are told to be bad: %v", n, l.logs.All())
	}
	if s := l.feed.Status(); s.State != FeedUp || s.Bad == 0 || s.Up != 1 || s.Routes != 1 {
		t.Errorf("the status is %+v", s)
	}
}

// Where no file comes any more, what is known is old, and that is told; when they come again, all is read again.
func TestMRTDirFallsSilent(t *testing.T) {
	l := newDirLab(t)
	l.file("updates.1", 60, func(m *mrtFile) { m.update("192.0.2.0/24", "", 64500, 64496) })
	l.look()
	l.now = l.now.Add(dirSilent - 2*time.Minute)
	l.want(l.look(), "")
	l.now = l.now.Add(2 * time.Minute)
	l.want(l.look(), "64500 down kept=[]")
	if s := l.feed.Status(); s.State != FeedDown || s.LastError != "the newest record is 2h1m0s old: look at what writes the files" {
		t.Errorf("the status is %+v", s)
	}
	l.want(l.look(), "")
	l.file("updates.2", 60, func(m *mrtFile) { m.update("2001:db8::/32", "", 64500, 64496) })
	l.want(l.look(), "64500 up [ipv4 ipv6] due=false; 64500 +192.0.2.0/24 64500 64496 initial; 64500 +2001:db8::/32 64500 64496 initial")
	if n := l.logs.FilterMessageSnippet("feed is down").Len(); n != 1 {
		t.Errorf("logged %d times", n)
	}
}

// Run looks every few seconds, and ends.
func TestMRTDirRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newDirLab(t)
		l.feed.cfg.Path = filepath.Join(l.dir, "later")
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- l.feed.Run(ctx) }()
		synctest.Wait()
		if s := l.feed.Status(); s.State != FeedDown || !strings.Contains(s.LastError, "the folder cannot be read") {
			t.Errorf("the status is %+v", s)
		}
		if err := os.Mkdir(l.feed.cfg.Path, 0o700); err != nil {
			t.Fatal(err)
		}
		time.Sleep(dirLook)
		synctest.Wait()
		if s := l.feed.Status(); s.State != FeedWaiting {
			t.Errorf("the status is %+v", s)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// Peers beyond what is kept are left out, and told of once.
func TestFeedKeepsSoManyVantages(t *testing.T) {
	l := newDirLab(t)
	l.file("updates", 60, func(m *mrtFile) {
		for i := range maxFeedVantages + 10 {
			m.message(mrtPeer{recordedPeer.addr, uint32(100_000 + i)}, update("192.0.2.0/24", "", uint32(100_000+i), 64496))
		}
	})
	l.feed.again = false
	l.feed.look(t.Context(), l.now) // it is as large as if it were still written
	l.feed.look(t.Context(), l.now)
	if s := l.feed.Status(); s.Vantages != maxFeedVantages || l.logs.FilterMessageSnippet("more peers").Len() != 1 {
		t.Errorf("the status is %+v", s)
	}
	took, n := []bgp.Input(nil), 0
	for more := true; more; n += len(took) {
		took, more = l.feed.Take(nil, 256)
	}
	if n != 2*maxFeedVantages {
		t.Errorf("%d were told", n)
	}
	l.feed.Gone(l.now)
	l.feed.mu.Lock()
	left := len(l.feed.live.vantages.byKey) + len(l.feed.live.vantages.byVantage) + len(l.feed.lost) + len(l.feed.whole)
	l.feed.mu.Unlock()
	for more := true; more; {
		_, more = l.feed.Take(nil, 256)
	}
	if left+len(l.feed.queue.pending) != 0 || !l.feed.queue.empty() {
		t.Errorf("%d are left, and %d queues", left, len(l.feed.queue.pending))
	}
}

// A whole table is told again under a configuration that watches no more; where it watches more it was not asked for that.
func TestFeedWatchedChanges(t *testing.T) {
	l := newDirLab(t)
	l.file("rib", 60, func(m *mrtFile) {
		m.peerIndex("192.0.2.1", 64500)
		m.rib("192.0.2.0/24", 64500, 64496)
		m.rib("198.51.100.0/24", 64500, 64496)
	})
	l.want(l.look(), "64500 up [ipv4 ipv6] due=false; 64500 +192.0.2.0/24 64500 64496 initial; 64500 eor ipv4")
	l.feed.SetWatched(rib.NewWatched(feedNets[:1], nil))
	l.want(l.told(), "64500 eor ipv4")
	l.feed.SetWatched(rib.NewWatched([]netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}, nil))
	l.want(l.told(), "")
	l.feed.SetWatched(rib.NewWatched([]netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}, nil))
	l.want(l.told(), "") // still nobody has said what there is of it
	if s := l.feed.Status(); s.Routes != 0 {
		t.Errorf("%d routes are kept", s.Routes)
	}
	<-l.feed.kick
	l.feed.wanted, l.feed.spent = true, time.Minute
	l.want(l.look(), "") // all was read just now, and that takes long
	l.now = l.now.Add(dirRest * time.Minute)
	l.want(l.look(), "64500 +198.51.100.0/24 64500 64496 initial; 64500 eor ipv4")
}

// Records of the future, and of ages ago, come when they may.
func TestFeedClock(t *testing.T) {
	now := time.Now()
	for _, c := range []struct{ ago, want time.Duration }{{-time.Hour, 0}, {0, 0}, {time.Minute, time.Minute}, {1000 * time.Hour, oldestRecord}} {
		if got := now.Sub((&feed{}).clock(now.Add(-c.ago), now)); got != c.want {
			t.Errorf("%v ago comes %v ago, want %v", c.ago, got, c.want)
		}
	}
}

func TestFeedNames(t *testing.T) {
	for collector, want := range map[string]string{anyCollector: "ris/192.0.2.1/64500", "rrc00": "ris/rrc00/192.0.2.1/64500"} {
		if got := feedName("ris", collector, recordedPeer); got != want {
			t.Error(got)
		}
	}
	if _, err := NewFeed(FeedConfig{Name: "x", Kind: "carrier-pigeon"}, nil, zap.NewNop()); err == nil || fmt.Sprint(err) == "" {
		t.Error("there are pigeons")
	}
}

// What is newly watched while all is read again was not looked for: it is read once more, and until then nothing is whole for it.
func TestMRTDirWatchedChangesMeanwhile(t *testing.T) {
	l := newDirLab(t)
	l.file("rib", 60, func(m *mrtFile) {
		m.peerIndex("192.0.2.1", 64500)
		m.rib("192.0.2.0/24", 64500, 64496)
		m.rib("198.51.100.0/24", 64500, 64496)
	})
	if err := l.feed.list(l.now); err != nil {
		t.Fatal(err)
	}
	b := l.feed.newRebuild(anyCollector)
	for _, f := range l.feed.dumps(anyCollector, nil) {
		b.begun, b.file = f.first, f
		if err := f.readTo(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	l.feed.SetWatched(rib.NewWatched(append([]netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}, feedNets[1]), nil))
	l.feed.settle(b, l.now)
	l.want(l.told(), "64500 up [ipv4 ipv6] due=false")
	if !l.feed.wanted {
		t.Error("it is not done again")
	}
	l.feed.again = false
	l.want(l.look(), "64500 +198.51.100.0/24 64500 64496 initial; 64500 eor ipv4")
}
