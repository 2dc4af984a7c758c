package source

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"peervane/bgp"
	"peervane/bgp/rib"
	"peervane/bgp/wire"
)

// replayed is what a recording tells.
type replayed struct {
	inputs []bgp.Input
	stats  Stats
	bad    []error
	end    error
}

func replayFiles(t testing.TB, watched *rib.Watched, files ...string) (out replayed) {
	t.Helper()
	r := NewRecording(files, RecordingOptions{Watched: watched, Report: func(err error) { out.bad = append(out.bad, err) }})
	out.end = r.Run(context.Background(), SinkFunc(func(in bgp.Input) error {
		out.inputs = append(out.inputs, in)
		return nil
	}))
	out.stats = r.Stats()
	return out
}

// told says in words, each with its vantage and second.
func (r *replayed) told() string {
	var lines []string
	for _, in := range r.inputs {
		lines = append(lines, fmt.Sprintf("%s %.6g %s", vantageOf(in).Name, in.When().Sub(t0).Seconds(), say(in)))
	}
	return strings.Join(lines, "\n")
}

func vantageOf(in bgp.Input) *bgp.Vantage {
	switch in := in.(type) {
	case bgp.Change:
		return in.Vantage
	case bgp.SessionUp:
		return in.Vantage
	case bgp.SessionDown:
		return in.Vantage
	case bgp.EndOfRIB:
		return in.Vantage
	}
	return nil
}

func (r *replayed) expect(t *testing.T, want string) {
	t.Helper()
	for _, err := range r.bad {
		t.Error(err)
	}
	if r.end != nil {
		t.Error(r.end)
	}
	if got := r.told(); got != strings.TrimSpace(strings.ReplaceAll(want, "\t", "")) {
		t.Errorf("told\n%s", got)
	}
}

func TestReplaySessions(t *testing.T) {
	m := mrtFile{}
	m.update("192.0.2.0/24", "", 64500, 64496)
	m.update("192.0.2.0/24", "", 64500, 64497)
	m.update("", "203.0.113.0/24") // never held
	m.at = t0.Add(10 * time.Second)
	m.state(6, 1)
	m.state(1, 3)
	m.at = t0.Add(20 * time.Second)
	m.state(5, 6)
	m.update("192.0.2.0/24", "", 64500, 64496)
	m.message(recordedPeer, wire.AppendEndOfRIB(nil, bgp.IPv4))
	m.message(recordedPeer, wire.AppendEndOfRIB(nil, bgp.IPv4))
	m.at = t0.Add(20*time.Second + 1500*time.Microsecond)
	m.update("", "192.0.2.0/24")
	r := replayFiles(t, nil, m.write(t, "updates"))
	r.expect(t, `
		mrt/192.0.2.1/64500 0 up [ipv4 ipv6] due=false
		mrt/192.0.2.1/64500 0 +192.0.2.0/24 64500 64496
		mrt/192.0.2.1/64500 0 +192.0.2.0/24 64500 64497*
		mrt/192.0.2.1/64500 10 down kept=[]
		mrt/192.0.2.1/64500 20 up [ipv4 ipv6] due=false
		mrt/192.0.2.1/64500 20 +192.0.2.0/24 64500 64496 initial
		mrt/192.0.2.1/64500 20 eor ipv4
		mrt/192.0.2.1/64500 20.0015 -192.0.2.0/24`)
	if up, ok := r.inputs[0].(bgp.SessionUp); !ok || !up.Recorded || up.Vantage.Own() {
		t.Errorf("%+v", r.inputs[0])
	}
}

func TestReplayOfDumps(t *testing.T) {
	m := mrtFile{}
	m.peerIndex("192.0.2.1", 64500)
	m.rib("192.0.2.0/24", 64500, 64496)
	m.rib("192.0.2.0/25", 64500, 64496)
	m.at = t0.Add(time.Hour)
	m.update("203.0.113.0/24", "", 64500, 64499)
	m.at = t0.Add(2 * time.Hour)
	m.peerIndex("192.0.2.1", 64500)
	m.rib("192.0.2.0/24", 64500, 64496)
	m.rib("203.0.113.0/24", 64500, 64499)
	r := replayFiles(t, nil, m.write(t, "rrc00.bview"))
	r.expect(t, `
		rrc00/192.0.2.1/64500 0 up [ipv4 ipv6] due=false
		rrc00/192.0.2.1/64500 0 +192.0.2.0/24 64500 64496 initial
		rrc00/192.0.2.1/64500 0 +192.0.2.0/25 64500 64496 initial
		rrc00/192.0.2.1/64500 3600 eor ipv4
		rrc00/192.0.2.1/64500 3600 +203.0.113.0/24 64500 64499
		rrc00/192.0.2.1/64500 7200 +192.0.2.0/24 64500 64496 initial
		rrc00/192.0.2.1/64500 7200 +203.0.113.0/24 64500 64499 initial
		rrc00/192.0.2.1/64500 7200 -192.0.2.0/25 swept
		rrc00/192.0.2.1/64500 7200 eor ipv4`)
}

// Files of one collector share vantages, and merge by time; ties go by the order of arguments, and times that step back
// within a file are taken as they come.
func TestReplayMerges(t *testing.T) {
	first, second, other := mrtFile{}, mrtFile{}, mrtFile{}
	first.peerIndex("192.0.2.1", 64500)
	first.rib("192.0.2.0/24", 64500)
	second.update("192.0.2.0/25", "", 64500)
	second.at = t0.Add(2 * time.Second)
	second.update("192.0.2.0/26", "", 64500)
	second.at = t0.Add(time.Second)
	second.update("192.0.2.0/27", "", 64500)
	other.at = t0.Add(2 * time.Second)
	other.update("192.0.2.0/28", "", 64500)
	r := replayFiles(t, nil, second.write(t, "rrc01.updates"), other.write(t, "route-views.sg.updates.1"), first.write(t, "rrc01.bview"))
	r.expect(t, `
		rrc01/192.0.2.1/64500 0 up [ipv4 ipv6] due=false
		rrc01/192.0.2.1/64500 0 +192.0.2.0/25 64500
		rrc01/192.0.2.1/64500 0 +192.0.2.0/24 64500 initial
		rrc01/192.0.2.1/64500 0 -192.0.2.0/25 swept
		rrc01/192.0.2.1/64500 0 eor ipv4
		rrc01/192.0.2.1/64500 2 +192.0.2.0/26 64500
		rrc01/192.0.2.1/64500 1 +192.0.2.0/27 64500
		route-views.sg/192.0.2.1/64500 2 up [ipv4 ipv6] due=false
		route-views.sg/192.0.2.1/64500 2 +192.0.2.0/28 64500`)
}

func TestReplayTellsWatchedOnly(t *testing.T) {
	m := mrtFile{}
	m.update("192.0.2.0/25", "", 64500)
	m.update("203.0.113.0/24", "", 64500)
	m.update("203.0.113.0/25", "", 64500, 64499)
	m.update("203.0.113.0/25", "", 64500, 64498)
	m.update("", "203.0.113.0/24")
	watched := rib.NewWatched([]netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, []uint32{64499})
	r := replayFiles(t, watched, m.write(t, "x"))
	r.expect(t, `
		mrt/192.0.2.1/64500 0 up [ipv4 ipv6] due=false
		mrt/192.0.2.1/64500 0 +192.0.2.0/25 64500
		mrt/192.0.2.1/64500 0 +203.0.113.0/25 64500 64499
		mrt/192.0.2.1/64500 0 -203.0.113.0/25`)
	if r.stats.Announced != 4 || r.stats.Withdrawn != 1 {
		t.Errorf("%+v", r.stats)
	}
}

// What stands before an NLRI that is cut short was learnt: the collector did not end its session over it.
func TestReplayKeepsWhatStandsBeforeBadNLRI(t *testing.T) {
	m := mrtFile{}
	message := update("192.0.2.0/24", "", 64500)
	message = append(message, 24, 203)
	message[17] += 2
	m.message(recordedPeer, message)
	r := replayFiles(t, nil, m.write(t, "x"))
	if len(r.bad) != 1 || r.stats.Announced != 1 || len(r.inputs) != 2 {
		t.Errorf("%v %+v %v", r.bad, r.stats, r.inputs)
	}
}

func TestReplayStopsWithItsSink(t *testing.T) {
	m := mrtFile{}
	m.update("192.0.2.0/24", "", 64500)
	full := errors.New("full")
	r := NewRecording([]string{m.write(t, "x")}, RecordingOptions{})
	if err := r.Run(context.Background(), SinkFunc(func(bgp.Input) error { return full })); !errors.Is(err, full) {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.Run(ctx, SinkFunc(func(bgp.Input) error { return nil })); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestCollectorOf(t *testing.T) {
	for path, want := range map[string]string{
		"ris.rrc06.updates.1427846400.gz":                            "rrc06",
		"rrc00_1999.12_updates.19991214.1621.gz":                     "rrc00",
		"/data/rrc21/2024.01/bview.20240101.0000.gz":                 "rrc21",
		"routeviews.route-views.jinx.updates.1427846400.bz2":         "route-views.jinx",
		"route-views.sg/bgpdata/2024.01/RIBS/rib.20240101.0000.bz2":  "route-views.sg",
		"route-views6/bgpdata/2024.01/UPDATES/updates.20240101.0000": "route-views6",
		"updates.20260222.1530.bz2":                                  "mrt",
	} {
		if got := collectorOf(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

func BenchmarkReplay(b *testing.B) {
	file := os.Getenv("PEERVANE_BENCH_MRT")
	if file == "" {
		b.Skip("name an MRT file in PEERVANE_BENCH_MRT")
	}
	watched := rib.NewWatched(watchedNets, nil)
	for b.Loop() {
		replayFiles(b, watched, file)
	}
}
