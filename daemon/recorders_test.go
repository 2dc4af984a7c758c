package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/bgp/source"
	"peervane/config"
)

// The engine waits for nobody: who is too far behind has all until there, and is told why there is no more.
func TestARecorderThatIsTooSlowIsEnded(t *testing.T) {
	live, peers := livedUp(twoPeers(registered("203.0.113.0/24", 64496)))
	var rs recorders
	slow, err := rs.begin()
	if err != nil {
		t.Fatal(err)
	}
	good, err := rs.begin()
	if err != nil {
		t.Fatal(err)
	}
	rs.add(live.engine, slow, start)
	rs.add(live.engine, good, start)
	<-good.queue // how all stands
	c := live.shows(peers[0], netip.MustParsePrefix("203.0.113.0/24"), 64496)
	for range recorderBehind {
		c.At = c.At.Add(time.Millisecond)
		live.engine.input(c)
		<-good.queue
	}
	if len(rs.all) != 1 || live.engine.tap == nil || slow.why != slowRecorder {
		t.Fatalf("%d record, the slow one ended with %q", len(rs.all), slow.why)
	}
	n, last := 0, time.Time{}
	for what := range slow.queue {
		if in, ok := what.(bgp.Change); ok {
			last = in.At
		}
		n++
	}
	if n != recorderBehind || !slow.until.Equal(last) {
		t.Errorf("it has %d of %d inputs, until %v; the last is of %v", n, recorderBehind, slow.until, last)
	}
	rs.leave(good)
	live.engine.input(c)
	if live.engine.tap != nil {
		t.Error("nobody reads any more, and the engine goes on")
	}
}

// What a change costs: nothing is allocated for those who record.
func TestRecordersCostNothing(t *testing.T) {
	live, peers := livedUp(twoPeers(registered("203.0.113.0/24", 64496)))
	var in bgp.Input = live.shows(peers[0], netip.MustParsePrefix("198.51.100.0/24"), 64496)
	alone := testing.AllocsPerRun(100, func() { live.engine.input(in) })
	var rs recorders
	r, err := rs.begin()
	if err != nil {
		t.Fatal(err)
	}
	rs.add(live.engine, r, start)
	<-r.queue
	if with := testing.AllocsPerRun(100, func() { live.engine.input(in); <-r.queue }); with > alone {
		t.Errorf("%v allocations, and %v without a recorder", with, alone)
	}
}

// onRecord asks a daemon for a recording, and gives the answer while it comes.
func onRecord(t *testing.T, socket, query string) *http.Response {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}}
	resp, err := (&http.Client{Transport: transport}).Post("http://peervane/record"+query, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// recordedDaemon is a daemon with two sessions that are told of by hand.
func recordedDaemon(t *testing.T) (d *Daemon, load *config.Config, stop func() error, tell func(func(v *bgp.Vantage) bgp.Input)) {
	t.Helper()
	load = quiet(t)
	load.Peers = []config.Peer{{Name: "edge1", Enabled: true, Passive: true, Address: netip.MustParseAddr("127.0.0.3"), ASN: 64500, LocalASN: 64512, Relationship: "provider", Families: []string{"ipv4", "ipv6"}}}
	s := newSupervisor()
	d = New(load, Options{
		Log: zap.NewNop(), Manager: s.manager(), Control: filepath.Join(t.TempDir(), "control.sock"),
		Load: func() (*config.Config, []config.Problem) { return load, nil },
	})
	stop = launch(t, d)
	t.Cleanup(func() { _ = stop() })
	s.await(t, "ready")
	return d, load, stop, func(what func(v *bgp.Vantage) bgp.Input) {
		d.call(t.Context(), func() { d.engine.input(what(d.engine.vantages.named("edge1").Vantage)) })
	}
}

// A recording goes on over a reload, and ends with the daemon.
func TestRecordOverAReload(t *testing.T) {
	d, load, stop, tell := recordedDaemon(t)
	resp := onRecord(t, d.opts.Control, "")
	tell(func(v *bgp.Vantage) bgp.Input {
		return bgp.SessionUp{Vantage: v, At: time.Now(), Families: bgp.Families[:]}
	})
	more := *load
	more.Prefixes = append(slices.Clone(load.Prefixes), registered("198.51.100.0/24", 64496))
	*load = more
	if err := d.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	tell(func(v *bgp.Vantage) bgp.Input { return bgp.EndOfRIB{Vantage: v, At: time.Now(), Family: bgp.IPv4} })
	var file bytes.Buffer
	copied := make(chan error, 1)
	var said source.TapeCopied
	go func() {
		var err error
		said, err = source.CopyTape(&file, resp.Body)
		copied <- err
	}()
	if err := stop(); err != nil {
		t.Error(err)
	}
	if err := <-copied; err != nil || said.Why != "the daemon ends" || said.Vantages != 1 {
		t.Fatalf("%+v, %v", said, err)
	}
	name := filepath.Join(t.TempDir(), "tape")
	if err := os.WriteFile(name, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	var told []string
	r := source.NewRecording([]string{name}, source.RecordingOptions{Registered: func(_ time.Time, _ int, all []bgp.Registered) error {
		for _, g := range all {
			for _, p := range g.Prefixes {
				told = append(told, p.String())
			}
		}
		return nil
	}})
	err := r.Run(t.Context(), source.SinkFunc(func(in bgp.Input) error {
		told = append(told, strings.TrimPrefix(fmt.Sprintf("%T", in), "bgp."))
		return nil
	}))
	const want = "10.0.0.0/8 Standing SessionUp Awaited 10.0.0.0/8 198.51.100.0/24 Standing EndOfRIB SessionDown"
	if got := strings.Join(told, " "); err != nil || !strings.HasPrefix(want, got) || !strings.Contains(got, "EndOfRIB") {
		t.Errorf("%v; told %q, want %q", err, got, want)
	}
}

// A recording of a time ends by itself, one that is asked to at once; there are only so many, and nonsense is refused.
func TestRecordEnds(t *testing.T) {
	d, _, _, _ := recordedDaemon(t)
	if said, err := source.CopyTape(io.Discard, onRecord(t, d.opts.Control, "?for=1ms").Body); err != nil || said.Why != "" {
		t.Errorf("%+v, %v", said, err)
	}
	if resp := onRecord(t, d.opts.Control, "?for=soon"); resp.StatusCode != http.StatusBadRequest {
		t.Error(resp.Status)
	}
	if resp := onRecord(t, d.opts.Control, "/stop?id=99"); resp.StatusCode != http.StatusNotFound {
		t.Error(resp.Status)
	}
	var all []*http.Response
	for range maxRecorders {
		all = append(all, onRecord(t, d.opts.Control, ""))
	}
	if resp := onRecord(t, d.opts.Control, ""); resp.StatusCode != http.StatusServiceUnavailable {
		t.Error(resp.Status)
	}
	for i, resp := range all {
		if i == 0 { // its reader goes away
			resp.Body.Close()
			continue
		}
		if stopped := onRecord(t, d.opts.Control, "/stop?id="+resp.Header.Get(RecordingID)); stopped.StatusCode != http.StatusOK {
			t.Error(stopped.Status)
		}
		if said, err := source.CopyTape(io.Discard, resp.Body); err != nil || said.Why != "" {
			t.Errorf("%+v, %v", said, err)
		}
	}
}

// How all stands is listed in memory of its size, which is asked for once: the engine waits for it.
func TestStandingIsListedAtOnce(t *testing.T) {
	live, peers := livedUp(twoPeers(registered("10.0.0.0/8", 64496)))
	c := live.shows(peers[0], netip.Prefix{}, 64496)
	for i := range 10_000 {
		c.Prefix = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 32)
		live.engine.table.apply(live.engine.vantages.by[peers[0]], c)
	}
	if n := testing.AllocsPerRun(10, func() { live.engine.pictured(start) }); n > 10 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkStanding is how long the engine is held up when a recording begins, and by what memory: so many prefixes at two sessions.
func BenchmarkStanding(b *testing.B) {
	for _, n := range []int{50_000, 1_000_000} {
		b.Run(strconv.Itoa(2*n), func(b *testing.B) {
			live, peers := livedUp(twoPeers(registered("10.0.0.0/8", 64496)))
			shown := [2]bgp.Change{live.shows(peers[0], netip.Prefix{}, 64496), live.shows(peers[1], netip.Prefix{}, 64496)}
			for i := range 2 * n {
				c := shown[i%2]
				c.Prefix = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 17), byte(i >> 9), byte(i >> 1)}), 32)
				live.engine.table.apply(live.engine.vantages.by[c.Vantage], c)
			}
			b.ReportAllocs()
			for b.Loop() {
				live.engine.pictured(start)
			}
		})
	}
}

// Where reloads come faster than a recorder takes them, its recording ends, as large as they may be; one that is gone costs nothing.
func TestReloadsFasterThanARecorder(t *testing.T) {
	live, _ := livedUp(twoPeers(registered("203.0.113.0/24", 64496)))
	var rs recorders
	var all [3]*recorder
	for i := range all {
		r, err := rs.begin()
		if err != nil {
			t.Fatal(err)
		}
		rs.add(live.engine, r, start)
		all[i] = r
	}
	slow, good, gone := all[0], all[1], all[2]
	take := func() { <-good.queue; good.waits.Store(false) }
	rs.leave(gone)
	take()
	rs.reloaded(live.engine, start)
	take()
	if len(rs.all) != 1 || slow.why != hastyReloads || len(slow.queue) != 1 || len(gone.queue) != 1 {
		t.Fatalf("%d record; the slow one ended with %q and %d waiting", len(rs.all), slow.why, len(slow.queue))
	}
	rs.leave(good)
	if rs.reloaded(live.engine, start); len(good.queue) > 0 || len(rs.all) > 0 {
		t.Error("how all stands is told to somebody who is gone")
	}
}

// Where something cannot be written, the recording has all until the last that was.
func TestARecordingEndsWithWhatWasWritten(t *testing.T) {
	live, peers := livedUp(twoPeers(registered("203.0.113.0/24", 64496)))
	taping := newTaping(&Daemon{engine: live.engine}, httptest.NewRecorder(), &recorder{})
	c := live.shows(peers[0], netip.MustParsePrefix("203.0.113.0/24"), 64496)
	if err := taping.write(c); err != nil {
		t.Fatal(err)
	}
	long := c
	long.At, long.Attrs = start.Add(time.Second), &bgp.Attrs{Path: bgp.Sequence(make([]uint32, 20_000)...)}
	if err := taping.write(long); !errors.Is(err, source.ErrNoPlace) || !taping.until.Equal(c.At) {
		t.Errorf("%v; until %v, not %v", err, taping.until, c.At)
	}
}

// Who asks for a recording while the daemon ends, and the engine has, is refused at once.
func TestRecordWhileTheDaemonEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &Daemon{engine: newLived(quiet(t)).engine, calls: make(chan func()), log: zap.NewNop()}
		answer := httptest.NewRecorder()
		asked := make(chan struct{})
		go func() {
			d.record(answer, httptest.NewRequest("POST", "/record", nil))
			close(asked)
		}()
		synctest.Wait()
		d.recorders.stop(d.engine, time.Now(), "the daemon ends")
		began := time.Now()
		d.recorders.finish()
		<-asked
		if took := time.Since(began); took > 0 || answer.Code != http.StatusServiceUnavailable {
			t.Errorf("%d after %v", answer.Code, took)
		}
	})
}
