package config

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
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

// million is a configuration of so many plain registrations in no order, as
// long as those of the internet, half of them with one of sixteen origins, or with
// those of [defaults.prefix].
func million(n int) fstest.MapFS {
	var list strings.Builder
	for _, p := range randomPrefixes(n) {
		list.WriteString(p.String())
		if a := p.Addr().As16(); a[13]%2 == 0 {
			fmt.Fprintf(&list, " %d", 64496+int(a[14])%16)
		}
		list.WriteByte('\n')
	}
	return files("a.toml", "prefix_file = \"list\"\n"+daemonTable+"[defaults.prefix]\norigins = [64496]\n", "list", list.String())
}

// randomPrefixes are different ones, a sixth of them IPv6.
func randomPrefixes(n int) []netip.Prefix {
	rnd := rand.New(rand.NewPCG(1, 2))
	seen, list := make(map[netip.Prefix]bool, n), make([]netip.Prefix, 0, n)
	for len(list) < n {
		p := randomPrefix(rnd)
		if !seen[p] {
			seen[p], list = true, append(list, p)
		}
	}
	return list
}

func randomPrefix(rnd *rand.Rand) netip.Prefix {
	if rnd.IntN(6) == 0 {
		a := [16]byte{0x20, byte(rnd.IntN(16)), byte(rnd.IntN(256)), byte(rnd.IntN(64)), byte(rnd.IntN(256)), byte(rnd.IntN(256))}
		return netip.PrefixFrom(netip.AddrFrom16(a), 48-rnd.IntN(2)*rnd.IntN(17)).Masked()
	}
	a := [4]byte{byte(1 + rnd.IntN(222)), byte(rnd.IntN(256)), byte(rnd.IntN(256))}
	return netip.PrefixFrom(netip.AddrFrom4(a), 24-rnd.IntN(2)*rnd.IntN(9)).Masked()
}

// BenchmarkPrefixFile loads a million plain registrations, and tells what each
// of them holds of memory afterwards.
func BenchmarkPrefixFile(b *testing.B) { benchmarkLoad(b, million(1_000_000)) }

// BenchmarkPrefixes is the same with a list in the configuration itself.
func BenchmarkPrefixes(b *testing.B) {
	var list strings.Builder
	for _, p := range randomPrefixes(1_000_000) {
		fmt.Fprintf(&list, "%q,\n", p)
	}
	benchmarkLoad(b, files("a.toml", "prefixes = [\n"+list.String()+"]\n"+daemonTable+"[defaults.prefix]\norigins = [64496]\n"))
}

func benchmarkLoad(b *testing.B, fsys fstest.MapFS) {
	const n = 1_000_000
	var before, after runtime.MemStats
	var cfg *Config
	for b.Loop() {
		cfg = nil
		runtime.GC()
		runtime.GC() // of what stood in pools, too
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

// BenchmarkCompare compares two loads of a million registrations that differ in
// one, in the middle.
func BenchmarkCompare(b *testing.B) {
	fsys := million(1_000_000)
	old, _ := Load(fsys, "a.toml")
	new, _ := Load(fsys, "a.toml")
	new.Prefixes = slices.Delete(new.Prefixes, 500_000, 500_001)
	for b.Loop() {
		Compare(old, new)
	}
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

// What stands twice is found among very many, wherever it is, and nothing else
// is called so.
func TestDuplicatesAmongMany(t *testing.T) {
	list := randomPrefixes(100_000)
	var text strings.Builder
	for _, p := range append(list, list[7], list[99_999], list[7]) {
		text.WriteString(p.String() + "\n")
	}
	_, problems := Load(files("a.toml", "prefix_file = \"list\"\n"+daemonTable+"[defaults.prefix]\norigins = [64496]\n", "list", text.String()), "a.toml")
	var got []string
	for _, p := range problems {
		at, _, _ := strings.Cut(p.Text, " already")
		got = append(got, p.Pos.String()+" "+at)
	}
	want := []string{
		fmt.Sprintf("list:100001:1 %s is registered at list:8:1", list[7]),
		fmt.Sprintf("list:100002:1 %s is registered at list:100000:1", list[99_999]),
		fmt.Sprintf("list:100003:1 %s is registered at list:8:1", list[7]),
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A list in which all is wrong is told in a few lines of bounded length, each
// with its place.
func TestBadPrefixLists(t *testing.T) {
	load := func(list string) []Problem {
		cfg, problems := Load(files("a.toml", "prefix_file = \"list\"\n"+daemonTable+"[defaults.prefix]\norigins = [64496]\n", "list", list), "a.toml")
		if cfg != nil {
			t.Errorf("%.50q was accepted", list)
		}
		for _, p := range problems {
			if len(p.String()) > 500 {
				t.Errorf("%.50q: a message of %d bytes", list, len(p.String()))
			}
		}
		return problems
	}
	for _, test := range []struct{ list, want string }{
		{"203.0.113.0/24\r\n\t2001:db8::1/32\r\n", `list:2:2: "2001:db8::1/32" is no prefix to register; write "2001:db8::/32": it has bits set behind its length`},
		{"203.0.113.0/24 640, 0 # ours\n", `list:1:21: "0" is no origin of 203.0.113.0/24; write AS numbers behind the prefix, such as 64496`},
		{"203.0.113.0/24\n203.0.113.0/24 64497\n", `list:2:1: 203.0.113.0/24 is registered at list:1:1 already; keep one, with the origins and the peers of both`},
		{"0.0.0.0/0", `list:1:1: "0.0.0.0/0" is no prefix to register; write your own prefixes: everything is a more-specific of a default route`},
		{"\xff\xfe2\x000\x00", "list:1:1: the list begins with a byte order mark of UTF-16; save it as UTF-8"},
		{"\x00\n", `list:1:1: "\x00" is no prefix to register; write a prefix, such as "203.0.113.0/24" or "2001:db8::/32"`},
	} {
		if got := load(test.list); len(got) != 1 || got[0].String() != test.want {
			t.Errorf("%q: got %q, want %q", test.list, got, test.want)
		}
	}
	load(strings.Repeat("é", 1<<20))
	load("203.0.113.0/24 " + strings.Repeat("x", 1<<20))
	load("203.0.113.0/24 " + strings.Repeat("64496 ", 1<<17) + "x")
	if n := len(load(strings.Repeat("prefix origin\n", 100_000))); n != maxPerFile+1 {
		t.Errorf("%d problems are told", n)
	}
}
