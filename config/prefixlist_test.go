package config

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestPrefixFile(t *testing.T) {
	cfg := mustLoad(t, files("a.toml", "prefix_file = \"list\"\n"+daemonTable+`
[defaults.prefix]
origins = [64496]
[[connection]]
name = "paris-1"
prefix_file = "second"
prefixes = ["198.51.100.0/24"]
`,
		"list", "\ufeff# a comment\r\n\r\n203.0.113.0/24\r\n\t2001:db8::/32 AS64497,64496 # two\r\n203.0.112.0/24 64496\n203.0.111.0/24\t64496, 64497",
		"second", "203.0.110.0/24\n"))
	want := []struct {
		prefix, connection, at string
		origins                []uint32
	}{
		{"203.0.113.0/24", "", "list:3:1", []uint32{64496}},
		{"2001:db8::/32", "", "list:4:2", []uint32{64496, 64497}},
		{"203.0.112.0/24", "", "list:5:1", []uint32{64496}},
		{"203.0.111.0/24", "", "list:6:1", []uint32{64496, 64497}},
		{"203.0.110.0/24", "paris-1", "second:1:1", []uint32{64496}},
		{"198.51.100.0/24", "paris-1", "a.toml:12:13", []uint32{64496}},
	}
	for i, r := range cfg.Prefixes {
		w := want[i]
		if r.Prefix.String() != w.prefix || r.Connection != w.connection || r.Pos.String() != w.at || !slices.Equal(r.Policy.Origins, w.origins) {
			t.Errorf("got %v %q %v %v, want %v", r.Prefix, r.Connection, r.Pos, r.Policy.Origins, w)
		}
	}
	if p := cfg.Prefixes; len(p) != len(want) || p[0].Policy != p[2].Policy || p[1].Policy != p[3].Policy {
		t.Error("equal policies are not shared")
	}
}

// million is a configuration of so many plain registrations, each with one of
// a thousand origins, or with those of [defaults.prefix].
func million(n int) fstest.MapFS {
	var list strings.Builder
	for i := range n {
		fmt.Fprintf(&list, "%d.%d.%d.0/24", 1+i>>16, i>>8&255, i&255)
		if i%2 == 0 {
			fmt.Fprintf(&list, " %d", 64496+i%1000)
		}
		list.WriteByte('\n')
	}
	return files("a.toml", "prefix_file = \"list\"\n"+daemonTable+"[defaults.prefix]\norigins = [64496]\n", "list", list.String())
}

// BenchmarkPrefixFile loads a million plain registrations, and tells what each
// of them holds of memory afterwards.
func BenchmarkPrefixFile(b *testing.B) {
	const n = 1_000_000
	fsys := million(n)
	var before, after runtime.MemStats
	var cfg *Config
	for b.Loop() {
		cfg = nil
		runtime.GC()
		runtime.ReadMemStats(&before)
		cfg, _ = Load(fsys, "a.toml")
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if cfg == nil || len(cfg.Prefixes) != n {
		b.Fatal("not loaded")
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "bytes/registration")
	runtime.KeepAlive(cfg)
}

// A registration in a list costs no allocation of its own: a million of them
// must fit and load in seconds.
func TestPlainRegistrationsAllocateNothing(t *testing.T) {
	allocations := func(n int) float64 {
		fsys := million(n)
		return testing.AllocsPerRun(1, func() {
			if cfg, _ := Load(fsys, "a.toml"); len(cfg.Prefixes) != n {
				t.Fatal("not loaded")
			}
		})
	}
	const more = 20_000
	few := allocations(2_000)
	if perLine := (allocations(2_000+more) - few) / more; perLine > 0.01 {
		t.Errorf("%.3f allocations a line", perLine)
	}
}
