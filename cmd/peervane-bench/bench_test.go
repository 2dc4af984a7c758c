package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"peervane/bgp"
)

// small is a table that loads in a moment; what is measured of it means nothing, what is counted does.
func small(t *testing.T) (*options, *table) {
	t.Helper()
	o, err := parseFlags([]string{
		"-runs", "1", "-ipv4", "5000", "-ipv6", "1000", "-watched", "100", "-settle", "300ms", "-patience", "60s", "-changes", "10",
		"-duration", "1s", "-rate", "20000", "-port", "17950",
	})
	if err != nil {
		t.Fatal(err)
	}
	o.peervane = filepath.Join(t.TempDir(), "peervane")
	if out, err := exec.Command("go", "build", "-o", o.peervane, "peervane/cmd/peervane").CombinedOutput(); err != nil {
		t.Fatalf("build peervane: %v: %s", err, out)
	}
	return o, generate(1, o.v4, o.v6)
}

// Every receiver that is installed shows all routes that it was sent, with one neighbour and with three; the changes of a
// churn all arrive, and every hijack is told.
func TestEveryRouteArrives(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs programs of others: there is nothing to see for the race detector")
	}
	o, full := small(t)
	for _, r := range receivers {
		if r.shown == nil {
			continue // nobody can tell what it has
		}
		t.Run(r.name, func(t *testing.T) {
			if why := r.missing(); why != "" {
				if os.Getenv("PEERVANE_REQUIRE") == "all" {
					t.Fatalf("%s: %s", r.name, why)
				}
				t.Skipf("%s: %s", r.name, why)
			}
			for _, peers := range []int{1, 3} {
				m, err := measure(t.Context(), o, r, full, peers)
				if err != nil {
					t.Fatal(err)
				}
				s := series{receiver: r}
				if err := s.check(o, m, full, peers); err != nil {
					t.Error(err)
				}
				if m.took <= 0 || m.peak <= 0 || m.rest <= 0 {
					t.Errorf("%d peers: nothing was measured: %+v", peers, m)
				}
			}
		})
	}
	for name, run := range map[string]func(context.Context, *options, *table) error{"churn": churn, "latency": latency} {
		t.Run(name, func(t *testing.T) {
			if err := run(t.Context(), o, full); err != nil {
				t.Error(err)
			}
		})
	}
}

// The generated table is what it says to be, the same for the same seed, and each peer's own.
func TestGenerate(t *testing.T) {
	table, again := generate(7, 20_000, 4_000), generate(7, 20_000, 4_000)
	if string(table.stream) != string(again.stream) {
		t.Error("the same seed gives another table")
	}
	if table.routes != [bgp.NumFamilies]int{20_000, 4_000} || len(table.heads) != table.updates {
		t.Errorf("%d routes, %d heads, %d UPDATEs", table.routes, len(table.heads), table.updates)
	}
	hops, with, prefixes := 0, 0, 0
	for _, s := range table.sets {
		hops += s.attrs.Path.Len()
		prefixes += len(s.prefixes)
		if len(s.attrs.Communities) > 0 {
			with++
		}
	}
	n := float64(len(table.sets))
	if mean := float64(hops) / n; mean < 4 || mean > 5 {
		t.Errorf("%.1f hops", mean)
	}
	if share := float64(with) / n; share < 0.55 || share > 0.65 {
		t.Errorf("communities on %.0f %%", 100*share)
	}
	if each := float64(prefixes) / n; each < 4.5 || each > 5.7 {
		t.Errorf("%.1f prefixes an attribute set", each)
	}
	if own := table.of(64601); len(own) != len(table.stream) || string(own) == string(table.of(64602)) {
		t.Error("peers have the same table")
	}
}

func TestTableOfRIBDump(t *testing.T) {
	dir := os.Getenv("PEERVANE_TESTDATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	file := filepath.Join(dir, "mrt", "rib", "bview.20020722.2337.gz")
	if _, err := os.Stat(file); err != nil {
		if os.Getenv("PEERVANE_REQUIRE") == "all" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	table, err := fromMRT(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	if table.routes[bgp.IPv4] < 100_000 {
		t.Errorf("%d routes", table.routes[bgp.IPv4])
	}
}

func TestWrongFlagsAreRefused(t *testing.T) {
	for _, args := range []string{"-peers 0", "-peers x", "-runs 0", "extra", "-rate 0", "-watched 0"} {
		if _, err := parseFlags(strings.Fields(args)); err == nil {
			t.Errorf("%s is taken", args)
		}
	}
}

func TestRelatedCountsInsideAndCovering(t *testing.T) {
	table := generate(1, 3000, 500)
	watched := table.sample(50)
	want := 0
	for _, s := range append(table.sets, set{prefixes: table.sample(1)}) {
		for _, p := range s.prefixes {
			for _, w := range watched {
				if w.Overlaps(p) {
					want++
					break
				}
			}
		}
	}
	if got := table.related(watched); got != want {
		t.Errorf("%d routes, want %d", got, want)
	}
}

func TestHistogram(t *testing.T) {
	h := histogram{{0.1, 50}, {0.2, 99}, {0.4, 100}}
	if h.atMost(0.5) != 0.1 || h.atMost(0.99) != 0.2 || h.atMost(1) != 0.4 || (histogram{}).atMost(1) != 0 {
		t.Error("quantiles are mistaken")
	}
	if d := percentile([]time.Duration{3, 1, 2}, 0.5); d != 2 {
		t.Errorf("median %d", d)
	}
}
