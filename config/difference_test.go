package config

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// drawLoad makes a load of a few prefixes, in any order, under two connections.
func drawLoad(t *rapid.T, name string) *Config {
	cfg := &Config{}
	for _, site := range []string{"paris-1", "lyon-1"} {
		if rapid.Bool().Draw(t, site) {
			cfg.Connections = append(cfg.Connections, Connection{Name: site, MinPrimary: rapid.IntRange(1, 2).Draw(t, "min")})
		}
	}
	shared := []*PrefixPolicy{{Origins: []uint32{64496}}, {Origins: []uint32{64497}}}
	for _, n := range rapid.Permutation([]byte{0, 1, 2, 3, 4, 5, 6, 7}).Draw(t, name)[:rapid.IntRange(0, 8).Draw(t, "n")] {
		r := Registration{
			Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, n}), 16),
			Policy: rapid.SampledFrom(shared).Draw(t, "policy"),
		}
		if len(cfg.Connections) > 0 && rapid.Bool().Draw(t, "connected") {
			r.Connection = rapid.SampledFrom(cfg.Connections).Draw(t, "site").Name
		}
		cfg.Prefixes = append(cfg.Prefixes, r)
	}
	return cfg
}

// words tells a registration with all that counts of it.
func (c *Config) words(r *Registration) string {
	site := ""
	for i := range c.Connections {
		if s := &c.Connections[i]; s.Name == r.Connection {
			site = fmt.Sprint(s.Name, s.MinPrimary)
		}
	}
	return fmt.Sprint(r.Policy.Origins, r.Connection, site)
}

func TestCompareFindsWhatChanged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old, new := drawLoad(t, "old"), drawLoad(t, "new")
		var want, got []string
		was := map[netip.Prefix]*Registration{}
		for i := range old.Prefixes {
			was[old.Prefixes[i].Prefix] = &old.Prefixes[i]
		}
		for i := range new.Prefixes {
			r := &new.Prefixes[i]
			switch before := was[r.Prefix]; {
			case before == nil:
				want = append(want, "+"+r.Prefix.String())
			case old.words(before) != new.words(r):
				want = append(want, "*"+r.Prefix.String())
			}
			delete(was, r.Prefix)
		}
		for p := range was {
			want = append(want, "-"+p.String())
		}
		d := Compare(old, new)
		for _, r := range d.Added {
			got = append(got, "+"+r.Prefix.String())
		}
		for _, r := range d.Changed {
			got = append(got, "*"+r.New.Prefix.String())
		}
		for _, r := range d.Removed {
			got = append(got, "-"+r.Prefix.String())
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

// Comparing two loads allocates for what differs, not for what does not.
func TestCompareAllocatesForWhatDiffers(t *testing.T) {
	cost := func(n int) float64 {
		old, _ := Load(million(n), "a.toml")
		new, _ := Load(million(n), "a.toml")
		new.Prefixes = slices.Delete(new.Prefixes, n/2, n/2+1)
		return testing.AllocsPerRun(1, func() {
			if d := Compare(old, new); len(d.Removed) != 1 || len(d.Added)+len(d.Changed) > 0 {
				t.Errorf("%d added, %d changed, %d removed", len(d.Added), len(d.Changed), len(d.Removed))
			}
		})
	}
	if few, many := cost(2_000), cost(20_000); many > few+10 {
		t.Errorf("%v allocations for 2,000 registrations, %v for 20,000", few, many)
	}
}
