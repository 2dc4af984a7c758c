package draft_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"

	"peervane/bgp"
	"peervane/config"
	"peervane/daemon/draft"
)

var epoch = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// scene is a view that is filled by hand, line by line.
type scene struct {
	draft.View
	vantages map[string]*bgp.Vantage
}

// vantage knows three kinds: e... are our own peers, i... internal ones, and all others a collector's, in AS 65000 and the
// last letter.
func (s *scene) vantage(name string) *bgp.Vantage {
	if s.vantages == nil {
		s.vantages = map[string]*bgp.Vantage{}
	}
	v := s.vantages[name]
	if v == nil {
		switch name[0] {
		case 'e':
			v = &bgp.Vantage{Name: name, ASN: 64500, LocalASN: 64512, Relationship: bgp.Provider}
		case 'i':
			v = &bgp.Vantage{Name: name, ASN: 64512, LocalASN: 64512, Relationship: bgp.Internal}
		default:
			v = &bgp.Vantage{Name: "rrc00/" + name, Collector: "rrc00", ASN: 65000 + uint32(name[len(name)-1])}
		}
		s.vantages[name] = v
	}
	return v
}

// put reads lines: "a 203.0.113.0/24 64500 64496" is announced at a, "a 203.0.113.0/24 -" withdrawn, "a down" its session lost.
// A path id stands behind the vantage, "a#7".
func (s *scene) put(t interface{ Fatal(...any) }, lines string) *draft.View {
	for line := range strings.Lines(lines) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		name, id, _ := strings.Cut(words[0], "#")
		if words[1] == "down" {
			_ = s.Put(bgp.SessionDown{Vantage: s.vantage(name), At: epoch})
			continue
		}
		c := bgp.Change{Vantage: s.vantage(name), Prefix: netip.MustParsePrefix(words[1]), At: epoch}
		_, _ = fmt.Sscan(id, &c.PathID)
		if text := strings.Join(words[2:], " "); text != "-" {
			path, err := bgp.ParsePath(text)
			if err != nil {
				t.Fatal(err)
			}
			c.Attrs = &bgp.Attrs{Path: path}
		}
		_ = s.Put(c)
	}
	return &s.View
}

// text is the draft without its head.
func text(d *draft.Draft) string {
	_, body, _ := strings.Cut(string(d.TOML()), "\n")
	return strings.TrimSpace(body)
}

func load(t interface{ Fatal(...any) }, toml string) *config.Config {
	cfg, problems := config.Loader{Files: fstest.MapFS{"c.toml": {Data: []byte(toml)}}, Recording: true}.Load("c.toml")
	if cfg == nil {
		t.Fatal(problems)
	}
	return cfg
}

func TestMake(t *testing.T) {
	mine := draft.Options{ASNs: []uint32{64496}}
	for _, c := range []struct {
		rule, view string
		options    draft.Options
		want       string
	}{
		{"what is withdrawn, or was shown in a session that was lost, is not seen now", `
			a 203.0.113.0/24 64500 64496
			b 203.0.113.0/24 64501 64496
			b 198.51.100.0/24 64501 64497
			c 203.0.113.0/24 64502 64496
			a 203.0.113.0/24 -
			b down
		`, draft.Options{}, `
			[[prefix]]
			prefix = "203.0.113.0/24" # 1 of 3 vantages
			origins = [64496]
			#upstreams = [64502] # AS64502 at 1 vantage`},
		{"several origins are all legitimate where nobody said whose the prefix is", `
			a 203.0.113.0/24 64500 64496
			b 203.0.113.0/24 64500 64497
		`, draft.Options{}, `
			[[prefix]]
			prefix = "203.0.113.0/24" # 2 of 2 vantages
			origins = [64496, 64497] # AS64496 at 1, AS64497 at 1 vantages
			#upstreams = [64500] # AS64500 at 2 vantages`},
		{"but for one that fewer than a tenth of its vantages show", `
			a 203.0.113.0/24 64496
			b 203.0.113.0/24 64496
			c 203.0.113.0/24 64496
			d 203.0.113.0/24 64496
			f 203.0.113.0/24 64496
			g 203.0.113.0/24 64496
			h 203.0.113.0/24 64496
			j 203.0.113.0/24 64496
			k 203.0.113.0/24 64496
			l 203.0.113.0/24 64496
			m 203.0.113.0/24 64500 64497
		`, draft.Options{}, `
			[[prefix]]
			prefix = "203.0.113.0/24" # 11 of 11 vantages
			origins = [64496]
			# not drafted: origin AS64497 at 1 vantage`},
		{"or that is none of the ASNs that were asked for", `
			a 203.0.113.0/24 64500 64496
			b 203.0.113.0/24 64500 64497
			b 198.51.100.0/24 64500 64497
		`, mine, `
			[[asn]]
			asn = 64496
			#upstreams = [64500] # AS64500 at 1 vantage
			#downstreams = []

			[[prefix]]
			prefix = "203.0.113.0/24" # 2 of 2 vantages
			origins = [64496]
			#upstreams = [64500] # AS64500 at 1 vantage
			# not drafted: origin AS64497 at 1 vantage`},
		{"more-specifics of others are told, not drafted", `
			a 203.0.112.0/22 64500 64496
			a 203.0.113.0/24 64500 64496 64497
			a 203.0.113.0/25 64500 64498
			a 203.0.114.0/24 64500 64496
		`, mine, `
			[[asn]]
			asn = 64496
			#upstreams = [64500] # AS64500 at 1 vantage
			#downstreams = [64497] # AS64497 at 1 vantage

			[[prefix]]
			prefix = "203.0.112.0/22" # 1 of 1 vantage
			origins = [64496]
			#upstreams = [64500] # AS64500 at 1 vantage
			# inside it, not drafted: 203.0.113.0/24, origin AS64497 at 1 vantage
			# inside it, not drafted: 203.0.113.0/25, origin AS64498 at 1 vantage

			[[prefix]]
			prefix = "203.0.114.0/24" # 1 of 1 vantage
			origins = [64496]
			#upstreams = [64500] # AS64500 at 1 vantage`},
		{"of a prefix that was asked for, what its own origins announce inside is drafted too", `
			a 203.0.112.0/22 64500 64496
			a 203.0.113.0/24 64500 64496
			a 203.0.113.0/25 64500 64498
			a 198.51.100.0/24 64500 64496
		`, draft.Options{Prefixes: []netip.Prefix{netip.MustParsePrefix("203.0.112.0/22")}, Upstreams: true}, `
			[[prefix]]
			prefix = "203.0.112.0/22" # 1 of 1 vantage
			origins = [64496]
			upstreams = [64500] # AS64500 at 1 vantage

			[[prefix]]
			prefix = "203.0.113.0/24" # 1 of 1 vantage
			origins = [64496]
			upstreams = [64500] # AS64500 at 1 vantage
			# inside it, not drafted: 203.0.113.0/25, origin AS64498 at 1 vantage`},
		{"a collector's peers count once for each ASN, our own once each, and paths of one vantage once", `
			a1 203.0.113.0/24 64500 64496
			b1 203.0.113.0/24 64500 64496
			e1 203.0.113.0/24 64500 64496
			e2#1 203.0.113.0/24 64500 64496
			e2#2 203.0.113.0/24 64500 64501 64496
		`, draft.Options{}, `
			[[prefix]]
			prefix = "203.0.113.0/24" # 3 of 3 vantages
			origins = [64496]
			#upstreams = [64500, 64501] # AS64500 at 3, AS64501 at 1 vantages`},
		{"a set is each of its members, AS_TRANS nobody, a repeat one hop, an empty path its neighbour or ourselves", `
			a 203.0.113.0/24 64500 {64497,64496}
			a 198.51.100.0/24 64500 23456
			a 192.0.2.0/24 64500 64496 64496
			e1 192.0.3.0/24
			i1 192.0.4.0/24
			i1 192.0.5.0/24 64512 64500 64496
			a 0.0.0.0/0 64500
			a 224.0.0.0/24 64500 64496
		`, draft.Options{OurASN: 64512}, `
			[[prefix]]
			prefix = "192.0.2.0/24" # 1 of 3 vantages
			origins = [64496]
			#upstreams = [64500] # AS64500 at 1 vantage

			[[prefix]]
			prefix = "192.0.3.0/24" # 1 of 3 vantages
			origins = [64500]

			[[prefix]]
			prefix = "192.0.4.0/24" # 1 of 3 vantages
			origins = [64512]

			[[prefix]]
			prefix = "192.0.5.0/24" # 1 of 3 vantages
			origins = [64496]
			#upstreams = [64500] # AS64500 at 1 vantage

			[[prefix]]
			prefix = "203.0.113.0/24" # 1 of 3 vantages
			origins = [64496, 64497] # AS64496 at 1, AS64497 at 1 vantages
			#upstreams = [64500] # AS64500 at 1 vantage`},
		{"who sees no upstream of an ASN knows nothing of its neighbours", `
			a 203.0.113.0/24 64496 64497
		`, draft.Options{ASNs: []uint32{64496}, Upstreams: true}, `
			[[asn]]
			asn = 64496
			#upstreams = []
			#downstreams = [64497] # AS64497 at 1 vantage`},
		{"who sees one takes a missing downstream for a fact", `
			a 203.0.113.0/24 64500 64496
		`, draft.Options{ASNs: []uint32{64496}, Upstreams: true}, `
			[[asn]]
			asn = 64496
			upstreams = [64500] # AS64500 at 1 vantage
			downstreams = []

			[[prefix]]
			prefix = "203.0.113.0/24" # 1 of 1 vantage
			origins = [64496]
			upstreams = [64500] # AS64500 at 1 vantage`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			d := draft.Make(new(scene).put(t, c.view), c.options)
			if want := strings.TrimSpace(strings.ReplaceAll(c.want, "\n\t\t\t", "\n")); text(d) != want {
				t.Errorf("got\n%s\n\nwant\n%s", text(d), want)
			}
			load(t, string(d.TOML("From a test."))) // it is a sound configuration
		})
	}
}

func TestMinVantages(t *testing.T) {
	v := new(scene).put(t, `
		a 203.0.113.0/24 64500 64496
		b 203.0.113.0/24 64500 64496
		b 198.51.100.0/24 64500 64497
	`)
	d := draft.Make(v, draft.Options{MinVantages: 2})
	if len(d.Prefixes) != 1 || d.LeftOut != 1 || d.Vantages != 2 {
		t.Errorf("%d prefixes, %d left out, %d vantages; want 1, 1, 2", len(d.Prefixes), d.LeftOut, d.Vantages)
	}
}

// A draft that is settled with itself changes nothing, whatever was seen.
func TestDraftingAgainChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var lines strings.Builder
		for range rapid.IntRange(1, 30).Draw(t, "lines") {
			fmt.Fprintf(&lines, "%s %s %s\n",
				rapid.SampledFrom([]string{"a", "b", "e1", "i1"}).Draw(t, "vantage"),
				rapid.SampledFrom([]string{"203.0.112.0/22", "203.0.113.0/24", "203.0.113.0/25", "2001:db8::/32"}).Draw(t, "prefix"),
				rapid.SampledFrom([]string{"-", "64500 64496", "64500 64497 64496", "64500 64498", "64500 {64496,64499}", "64496"}).Draw(t, "path"))
		}
		o := draft.Options{OurASN: 64512, Upstreams: rapid.Bool().Draw(t, "upstreams")}
		if rapid.Bool().Draw(t, "mine") {
			o.ASNs = []uint32{64496}
		}
		s := &scene{}
		view := s.put(t, lines.String())
		before := load(t, string(draft.Make(view, o).TOML()))
		d := draft.Make(view, o)
		if changes := d.Settle(draft.Layers{Before: before}); len(changes) > 0 {
			t.Fatalf("%v\n%s", changes, text(d))
		}
		if manual := d.Settle(draft.Layers{Manual: before}); len(d.Prefixes)+len(d.ASNs)+len(manual) > 0 {
			t.Fatalf("registered by hand, and drafted all the same: %v\n%s", manual, text(d))
		}
	})
}
