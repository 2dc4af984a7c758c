package config

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A load that takes from the one before it what did not change finds the same
// registrations, in the same places, and the same problems.
func TestLoadAgain(t *testing.T) {
	line := rapid.SampledFrom([]string{
		"203.0.113.0/24\n", "203.0.113.0/24 64497\r\n", "198.51.100.0/24\n", "\t192.0.2.0/24\n", "2001:db8::/32 64497 # two\n",
		"192.0.2.0/25\n", "192.0.2.0/25", "# nothing\n", "\n", "10.0.0.1/8\n", "192.0.2.128/25\n", "192.0.2.0/26\n", "192.0.2.64/26 64498\n",
	})
	lists := rapid.SliceOfN(line, 0, 12)
	told := func(cfg *Config, problems []Problem) string {
		var b strings.Builder
		for _, p := range problems {
			fmt.Fprintln(&b, p)
		}
		if cfg != nil {
			for _, r := range cfg.Prefixes {
				fmt.Fprintln(&b, r.Prefix, r.Policy.Origins, r.Connection, r.Pos)
			}
		}
		return b.String()
	}
	rapid.Check(t, func(t *rapid.T) {
		var again Loader
		list := lists.Draw(t, "list")
		for range 4 {
			from := rapid.IntRange(0, len(list)).Draw(t, "from")
			to := rapid.IntRange(from, len(list)).Draw(t, "to")
			list = append(append(append([]string{}, list[:from]...), rapid.SliceOfN(line, 0, 3).Draw(t, "put")...), list[to:]...)
			main := "prefix_file = \"list\"\n" + daemonTable + fmt.Sprintf("[defaults.prefix]\norigins = [%d]\n", rapid.IntRange(1, 2).Draw(t, "origin"))
			main += fmt.Sprintf("[[connection]]\nname = \"paris-1\"\nprefix_file = %q\n", rapid.SampledFrom([]string{"", "list", "other"}).Draw(t, "file"))
			fsys := files("a.toml", main, "list", strings.Join(list, ""), "other", "192.0.2.192/26\n")
			want := told(Load(fsys, "a.toml"))
			again.Files = fsys
			cfg, problems := again.Load("a.toml")
			if got := told(cfg, problems); got != want {
				t.Fatalf("got\n%s\nwant\n%s", got, want)
			}
			if cfg != nil {
				again.Previous = cfg
			}
		}
	})
}

// Reading a million lines again, of which one changed, costs no more than that.
func TestLoadAgainReadsWhatChanged(t *testing.T) {
	fsys := million(20_000)
	cfg, _ := Load(fsys, "a.toml")
	list := string(fsys["list"].Data)
	at := strings.IndexByte(list[len(list)/2:], '\n') + len(list)/2 + 1
	fsys["list"].Data = []byte(list[:at] + "10.99.0.0/25 64511\n" + list[at:])
	loader := Loader{Files: fsys, Previous: cfg}
	next, problems := loader.Load("a.toml")
	if len(problems) > 0 || len(next.Prefixes) != 20_001 {
		t.Fatal(problems)
	}
	if d := Compare(cfg, next); len(d.Added) != 1 || len(d.Changed)+len(d.Removed) > 0 {
		t.Errorf("%d added, %d changed, %d removed", len(d.Added), len(d.Changed), len(d.Removed))
	}
	if next.Prefixes[3].Policy != cfg.Prefixes[3].Policy {
		t.Error("policies are not shared by the two loads")
	}
}
