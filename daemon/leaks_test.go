package daemon

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"peervane/bgp"
	"peervane/bgp/detect"
	"peervane/bgp/rpki"
	"peervane/bgp/source"
	"peervane/config"
)

// A leak fires and resolves like any condition: with what is known of relationships, with the route, with its origin.
func TestLeakFiresAndResolves(t *testing.T) {
	known := &config.Relationships{Links: []config.ASLink{{A: 3356, B: 64501}, {A: 64500, B: 64501}}, IXPs: []uint32{64700}}
	related := func(r *config.Relationships) *config.Config {
		cfg := twoPeers(registered("203.0.113.0/24", 64496))
		cfg.Prefixes[0].Policy.AllowPrivateASN = true
		cfg.Detect.Relationships = r
		return cfg
	}
	w := newWorld(t, related(nil))
	w.want(w.announce("edge1", "203.0.113.0/24", 64500, 64501, 64700, 3356, 64496), "")
	w.engine.reload(related(known))
	w.want(w.tell(), "firing:route_leak:203.0.113.0/24:64501")
	w.engine.reload(related(nil))
	w.want(w.tell(), "resolved:route_leak:203.0.113.0/24:64501")

	w.pass(time.Hour) // what comes and goes more often is told as flapping
	w.engine.reload(related(known))
	w.want(w.tell(), "firing:route_leak:203.0.113.0/24:64501")
	w.want(w.announce("edge1", "203.0.113.0/24", 64500, 64501, 3356, 64510),
		"resolved:route_leak:203.0.113.0/24:64501 firing:origin_change:203.0.113.0/24:64510")
	w.want(w.announce("edge1", "203.0.113.0/24", 64500, 64501, 3356, 64496),
		"resolved:origin_change:203.0.113.0/24:64510 firing:route_leak:203.0.113.0/24:64501")
	w.want(w.announce("edge1", "203.0.113.0/24", 64500, 64496), "resolved:route_leak:203.0.113.0/24:64501")
}

// New ASPAs make what stands a leak, and no longer one.
func TestLeakByNewASPAs(t *testing.T) {
	cfg := twoPeers(registered("203.0.113.0/24", 64496))
	cfg.Prefixes[0].Policy.AllowPrivateASN = true
	w := newWorld(t, cfg)
	w.want(w.announce("edge1", "203.0.113.0/24", 64500, 64501, 3356, 64496), "")
	attest := func(customers ...uint32) string {
		var aspas []rpki.ASPA
		for _, as := range customers {
			aspas = append(aspas, rpki.ASPA{Customer: as, Providers: []uint32{64999}})
		}
		w.engine.validated(rpki.NewSet(nil, aspas))
		return w.tell()
	}
	w.want(attest(3356), "")
	w.want(attest(3356, 64500), "firing:route_leak:203.0.113.0/24:64501")
	w.want(attest(64500), "resolved:route_leak:203.0.113.0/24:64501")
}

// recordedData finds the public routing data; without it the test skips, or fails where nothing may.
func recordedData(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("PEERVANE_TESTDATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "data")
	}
	dir, err := filepath.Abs(dir)
	if err == nil {
		_, err = os.Stat(dir)
	}
	switch {
	case err == nil:
		return dir
	case os.Getenv("PEERVANE_REQUIRE") == "all":
		t.Fatalf("the recorded routes are required: %v", err)
	}
	t.Skip("no recorded routes: set PEERVANE_TESTDATA to a folder that holds them")
	return ""
}

// TestLeakVerdictsOfRealPaths judges every path of the recordings until 2019, by inferred relationships of 2017 and 2018
// and by the built-in tier-1 list. Nearly all of them are as they should be. Those that are called leaks were each looked
// at, and are listed in docs/false-alarms.md. Any other path that is called a leak is a false alarm until somebody has.
func TestLeakVerdictsOfRealPaths(t *testing.T) {
	if testing.Short() {
		t.Skip("reads long recordings")
	}
	data := recordedData(t)
	for _, year := range []string{"201701", "201806"} {
		want := turnsOfThePage(t, year[:4])
		t.Run(year, func(t *testing.T) {
			t.Parallel()
			s := newSweep(t, data, year)
			for _, file := range oldRecordings(t, data) {
				s.read(t, file)
			}
			if got := slices.Sorted(maps.Keys(s.turns)); !slices.Equal(got, want) {
				t.Errorf("turns by relationships\n got %q\nwant %q", got, want)
			}
			t.Logf("%d paths, %d of them leaked at first sight, %d by relationships, %d more by tier1",
				len(s.seen), s.atFirstSight, s.byRelationships, s.byTier1)
		})
	}
}

// turnsOfThePage are the paths in the table of docs/false-alarms.md that the relationships of a year call leaks.
func turnsOfThePage(t *testing.T, year string) (turns []string) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "docs", "false-alarms.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "| to | leaked by | had it from |")
	table, _, _ = strings.Cut(table, "\n\n")
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, "|"); len(cells) == 7 && strings.Contains(cells[4], year) {
			turns = append(turns, strings.Join(strings.Fields(strings.Join(cells[1:4], " ")), " "))
		}
	}
	if len(turns) == 0 {
		t.Fatal("the table of the page is empty")
	}
	slices.Sort(turns)
	return turns
}

func oldRecordings(t *testing.T, data string) []string {
	t.Helper()
	var files []string
	for _, pattern := range []string{"updates/*", "rib/*"} {
		found, err := filepath.Glob(filepath.Join(data, "mrt", pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	later := func(name string) bool { return strings.Contains(name, "2022") || strings.Contains(name, "2026") }
	files = slices.DeleteFunc(files, later)
	if len(files) < 20 {
		t.Fatalf("only %d recordings", len(files))
	}
	return files
}

// sweep judges the paths of recordings, each once.
type sweep struct {
	settings *detect.Settings
	reg      *detect.Registration
	verdicts detect.Verdicts
	seen     map[string]bool
	turns    map[string]bool
	links    map[[2]uint32]config.ASLink

	atFirstSight, byRelationships, byTier1 int
}

func newSweep(t *testing.T, data, year string) *sweep {
	t.Helper()
	servers, err := os.ReadFile(filepath.Join(data, "topology", "RouteServerASNs_20171230.txt"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "c.toml")
	text := fmt.Sprintf("[detect]\nrelationships = %q\nroute_servers = [%s]\n",
		filepath.Join(data, "topology", "toposcope_asrel_"+year+".txt.gz"), strings.Join(strings.Fields(string(servers)), ", "))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, problems := config.Loader{Recording: true}.Load(file)
	if cfg == nil {
		t.Fatal(problems)
	}
	links := map[[2]uint32]config.ASLink{}
	for _, k := range cfg.Detect.Relationships.Links {
		links[[2]uint32{k.A, k.B}], links[[2]uint32{k.B, k.A}] = k, k
	}
	return &sweep{
		settings: settings(cfg, true), seen: map[string]bool{}, turns: map[string]bool{}, links: links,
		reg: &detect.Registration{
			Prefix: netip.MustParsePrefix("203.0.113.0/24"), Policy: &detect.Policy{AnyOrigin: true, AllowPrepending: true, AllowPrivateASN: true},
		},
	}
}

func (s *sweep) read(t *testing.T, file string) {
	t.Helper()
	paths, leaks := 0, 0
	sink := source.SinkFunc(func(in bgp.Input) error {
		c, ok := in.(bgp.Change)
		if !ok || c.Attrs == nil || s.seen[c.Attrs.Path.String()] {
			return nil
		}
		s.seen[c.Attrs.Path.String()] = true
		paths++
		if s.rises(c.Attrs.Path) {
			s.atFirstSight++
		}
		if f := s.judge(c); f != nil {
			leaks++
			t.Logf("%s: %s: %s type %d: %s", filepath.Base(file), c.Attrs.Path, fmt.Sprint(f.Methods), f.LeakType, strings.Join(f.Hints, "; "))
		}
		return nil
	})
	// Some of the files are torn on purpose.
	if err := source.NewRecording([]string{file}, source.RecordingOptions{}).Run(context.Background(), sink); err != nil {
		t.Logf("%s: %v", filepath.Base(file), err)
	}
	t.Logf("%s: %d paths, %d called leaks", filepath.Base(file), paths, leaks)
}

// rises takes every link at its word: whether the path goes up or sideways right after it went down or sideways.
func (s *sweep) rises(p *bgp.Path) bool {
	falling := false
	hops := slices.DeleteFunc(p.Clean(), func(h bgp.Hop) bool { return s.settings.RouteServers[h.ASN] })
	for i := len(hops) - 1; i > 0; i-- {
		k, known := s.links[[2]uint32{hops[i].ASN, hops[i-1].ASN}]
		if known && falling && (k.Peers || k.A == hops[i-1].ASN) {
			return true
		}
		falling = known && (k.Peers || k.A == hops[i].ASN)
	}
	return false
}

func (s *sweep) judge(c bgp.Change) *bgp.Finding {
	st := &detect.State{
		Reg: s.reg, Prefix: s.reg.Prefix, Now: c.At, Settings: s.settings, Verdicts: &s.verdicts,
		Vantages: []detect.Vantage{{Vantage: c.Vantage, Up: true, InSync: true}},
		Routes:   []detect.Held{{Seen: bgp.Seen{Vantage: c.Vantage, Prefix: s.reg.Prefix, Attrs: c.Attrs, Since: c.At}}},
	}
	found, _ := detect.All(st)
	for i := range found {
		f := &found[i]
		if f.Type != "route_leak" {
			continue
		}
		if slices.Contains(f.Methods, "relationships") {
			s.byRelationships++
			_, turn, _ := strings.Cut(f.Summary, ": ")
			turn, _, _ = strings.Cut(turn, ";")
			s.turns[turnOf(turn)] = true
		} else {
			s.byTier1++
		}
		return f
	}
	return nil
}

// turnOf makes "286 20495 8455" of "AS286 (provider) -> AS20495 -> AS8455 (provider)".
func turnOf(text string) string {
	var words []string
	for word := range strings.FieldsSeq(text) {
		if asn, ok := strings.CutPrefix(word, "AS"); ok {
			words = append(words, asn)
		}
	}
	return strings.Join(words, " ")
}
