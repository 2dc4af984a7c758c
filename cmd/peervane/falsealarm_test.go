package main

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"peervane/config"
	"peervane/daemon/notice"
)

// quiet are recordings of ordinary minutes, and for how long registrations are drafted from each before it is judged.
var quiet = []struct {
	file  string
	draft time.Duration
}{
	{"rrc23.updates.20220421.0200.gz", time.Minute},
	{"updates.20260222.1530.bz2", 2 * time.Minute},
	{"rrc00_1999.12_updates.19991214.1621.gz", 2 * time.Minute},
	{"updates.20070211.0141.gz", 2 * time.Minute},
	{"updates.20071015.1505.gz", time.Minute},
	{"rrc15_2010.02_updates.20100227.1600.gz", time.Minute},
	{"updates.20100722.2015.gz", time.Minute},
	{"routeviews.route-views.jinx.updates.1427846400.bz2", 2 * time.Minute},
}

// minutes is one recording, judged with registrations that were drafted from its beginning.
type minutes struct {
	file     string
	draft    time.Duration
	prefixes int // drafted
	seen     int // in all of the recording
	vantages int
	span     time.Duration // judged
	runs     [3]firings    // as drafted; where two vantages must agree; with neighbours, of those who have most prefixes
	watched  [2]int        // prefixes and ASNs of the last run
}

// firings are what was told in one run, by type.
type firings map[string][]notice.Notice

// TestFalseAlarms drafts registrations from the first minutes of each recording, replays all of it, and asks the recording
// whether what each incident after those minutes says was so. The figures are published in docs/false-alarms.md.
func TestFalseAlarms(t *testing.T) {
	if testing.Short() {
		t.Skip("it replays eight recordings three times")
	}
	data := testdata(t)
	var page strings.Builder
	for _, q := range quiet {
		file := filepath.Join(data, "mrt", "updates", q.file)
		t.Run(q.file, func(t *testing.T) { judgeMinutes(t, file, q.draft).write(&page) })
	}
	publish(t, filepath.Join("..", "..", "docs", "false-alarms.md"), page.String())
}

func judgeMinutes(t *testing.T, file string, draft time.Duration) *minutes {
	h := historyOf(t, file)
	m := &minutes{
		file: filepath.Base(file), draft: draft, seen: len(h.spans), vantages: len(h.vantages), span: h.last.Sub(h.first) - draft,
	}
	plain := drafted(t, file, draft)
	m.prefixes = len(plain.Prefixes)
	args := []string{"--upstreams"}
	for _, asn := range busiest(plain, 50) {
		args = append(args, "--asn", fmt.Sprint(asn))
	}
	own := drafted(t, file, draft, args...)
	m.watched = [2]int{len(own.Prefixes), len(own.ASNs)}
	from := h.first.Add(draft)
	m.runs[0] = told(t, h, from, file, "", draft)
	m.runs[1] = told(t, h, from, file, "[defaults.prefix]\nmin_vantages = 2\n", draft)
	m.runs[2] = told(t, h, from, file, "", draft, args...)
	return m
}

// generated drafts into a folder of its own and names the configuration there, which begins as head says.
func generated(t *testing.T, file, head string, draft time.Duration, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	conf := filepath.Join(dir, "peervane.toml")
	err := os.WriteFile(conf, []byte("include = [\"generated.toml\"]\n"+head), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	var out, complaints bytes.Buffer
	all := slices.Concat([]string{"generate", "--for", draft.String(), "-o", filepath.Join(dir, "generated.toml")}, args, []string{file})
	if code := run(t.Context(), &env{&out, &complaints}, all); code != 0 {
		t.Fatalf("exit code %d\n%s", code, &complaints)
	}
	return conf
}

func drafted(t *testing.T, file string, draft time.Duration, args ...string) *config.Config {
	t.Helper()
	cfg, problems := config.Loader{Recording: true}.Load(generated(t, file, "", draft, args...))
	if cfg == nil {
		t.Fatal(problems)
	}
	return cfg
}

// told gives what fired after a time, each held to the recording.
func told(t *testing.T, h *history, from time.Time, file, head string, draft time.Duration, args ...string) firings {
	t.Helper()
	lines, _ := replayed(t, generated(t, file, head, draft, args...), file, "--singly")
	out := firings{}
	for _, n := range parseNotices(t, lines) {
		if n.Status != notice.Firing || n.UpdatedAt.Before(from) {
			continue
		}
		out[n.Type] = append(out[n.Type], n)
		if wrong := h.wrong(&n); wrong != "" {
			t.Errorf("%s %s: %s, but %s", n.UpdatedAt, n.Type, n.Summary, wrong)
		}
	}
	return out
}

// busiest gives the ASNs that originate most of the drafted prefixes.
func busiest(cfg *config.Config, most int) []uint32 {
	count := map[uint32]int{}
	for _, reg := range cfg.Prefixes {
		for _, origin := range reg.Policy.Origins {
			count[origin]++
		}
	}
	asns := slices.SortedFunc(maps.Keys(count), func(a, b uint32) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a, b))
	})
	return asns[:min(most, len(asns))]
}

// conditions counts what is not merely the same again, and the registered prefixes that it is about.
func conditions(notices []notice.Notice) (distinct, prefixes int) {
	fingerprints, registered := map[string]bool{}, map[netip.Prefix]bool{}
	for _, n := range notices {
		fingerprints[n.Fingerprint], registered[n.Prefix] = true, true
	}
	return len(fingerprints), len(registered)
}
