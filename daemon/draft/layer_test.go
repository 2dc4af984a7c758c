package draft_test

import (
	"slices"
	"strings"
	"testing"

	"peervane/daemon/draft"
)

const seenNow = `
	a 203.0.113.0/24 64500 64496
	b 203.0.113.0/24 64500 64496
	b 203.0.113.0/25 64500 64499
	a 198.51.100.0/24 64500 64497
`

func TestSettle(t *testing.T) {
	const quiet = "+ 198.51.100.0/24: origins [64497]"
	for _, c := range []struct {
		rule           string
		manual, before string
		prune          bool
		want           []string // changes, then the prefixes that are drafted
	}{
		{"nothing stands yet", "", "", false, []string{
			quiet, "+ 203.0.113.0/24: origins [64496]", "+ 203.0.113.0/25: origins [64499]",
			"198.51.100.0/24 203.0.113.0/24 203.0.113.0/25"}},
		{"what is registered by hand is left out, and with it what is legitimate inside", `
			[[prefix]]
			prefix = "203.0.113.0/24"
			origins = [64496, 64499]
			max_length = 25`, "", false, []string{quiet, "198.51.100.0/24"}},
		{"a more-specific that is too long may be registered itself", `
			[[prefix]]
			prefix = "203.0.113.0/24"
			origins = [64496, 64499]`, "", false, []string{quiet, "+ 203.0.113.0/25: origins [64499]", "198.51.100.0/24 203.0.113.0/25"}},
		{"a stranger is told, and never drafted", `
			[[prefix]]
			prefix = "203.0.113.0/24"
			origins = [64498]`, "", false, []string{
			"! 203.0.113.0/24 is registered at c.toml:3:13 for AS64498, is seen from AS64496 at 2 vantages",
			"! 203.0.113.0/25 inside 203.0.113.0/24, which is registered at c.toml:3:13 for AS64498, is seen from AS64499 at 1 vantage",
			quiet, "198.51.100.0/24"}},
		{"what is carved out, and what anybody may originate, is settled", `
			[[prefix]]
			prefix = "203.0.113.0/24"
			any_origin = true
			[[prefix]]
			prefix = "198.51.0.0/16"
			ignore = true`, "", false, []string{""}},
		{"what differs from the draft before", "", `
			[[prefix]]
			prefix = "203.0.113.0/24"
			origins = [64498]
			upstreams = [64500]
			[[prefix]]
			prefix = "203.0.113.0/25"
			origins = [64499]`, false, []string{
			quiet, "~ 203.0.113.0/24: origins [64498] upstreams [64500] -> origins [64496]",
			"198.51.100.0/24 203.0.113.0/24 203.0.113.0/25"}},
		{"what was drafted and is not seen stays", `
			[[prefix]]
			prefix = "203.0.112.0/22"
			ignore = true`, `
			[[prefix]]
			prefix = "192.0.2.0/24"
			origins = [64496]`, false, []string{quiet, "= 192.0.2.0/24: origins [64496]: not seen now", "192.0.2.0/24 198.51.100.0/24"}},
		{"unless it is to go", `
			[[prefix]]
			prefix = "203.0.112.0/22"
			ignore = true`, `
			[[prefix]]
			prefix = "192.0.2.0/24"
			origins = [64496]`, true, []string{quiet, "- 192.0.2.0/24: origins [64496]: not seen now", "198.51.100.0/24"}},
		{"or was taken over by hand", `
			[[prefix]]
			prefix = "203.0.112.0/22"
			ignore = true
			[[prefix]]
			prefix = "192.0.2.0/24"
			origins = [64496]`, `
			[[prefix]]
			prefix = "192.0.2.0/24"
			origins = [64496]`, false, []string{quiet, "- 192.0.2.0/24: origins [64496]: registered at c.toml:6:13", "198.51.100.0/24"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			d := draft.Make(new(scene).put(t, seenNow), draft.Options{})
			var got []string
			for _, change := range d.Settle(draft.Layers{Manual: load(t, c.manual), Before: load(t, c.before), Prune: c.prune}) {
				got = append(got, change.String())
			}
			var prefixes []string
			for _, p := range d.Prefixes {
				prefixes = append(prefixes, p.Prefix.String())
			}
			got = append(got, strings.Join(prefixes, " "))
			if want := strings.Join(c.want, "\n"); sorted(got) != sorted(c.want) {
				t.Errorf("got\n%s\n\nwant\n%s", strings.Join(got, "\n"), want)
			}
		})
	}
}

func sorted(lines []string) string {
	last := len(lines) - 1
	list := strings.Split(strings.Join(lines[:last], "\n"), "\n")
	slices.Sort(list)
	return strings.Join(append(list, lines[last]), "\n")
}

func TestSettleASNs(t *testing.T) {
	view := func() *draft.View {
		return new(scene).put(t, "a 203.0.113.0/24 64500 64496\na 198.51.100.0/24 64500 64497 64496")
	}
	const before = `
		[[asn]]
		asn = 64496
		upstreams = [64500]
		downstreams = []
		[[asn]]
		asn = 64498
		upstreams = []`
	for _, c := range []struct {
		rule    string
		manual  string
		prune   bool
		strict  bool
		changes []string
		want    string
	}{
		{"another neighbour, and an ASN that is not asked for", "", false, true, []string{
			"~ AS64496: upstreams [64500] downstreams [] -> AS64496: upstreams [64497, 64500] downstreams []",
			"= AS64498: upstreams []: not asked for now",
		}, "[[asn]] asn = 64496 upstreams = [64497, 64500] # AS64497 at 1, AS64500 at 1 vantages downstreams = [] " +
			"[[asn]] asn = 64498 # drafted before, and not asked for now upstreams = [] #downstreams = []"},
		{"neighbours in comments are not checked", "", true, false, []string{
			"~ AS64496: upstreams [64500] downstreams [] -> AS64496",
			"- AS64498: upstreams []: not asked for now",
		}, "[[asn]] asn = 64496 #upstreams = [64497, 64500] # AS64497 at 1, AS64500 at 1 vantages #downstreams = []"},
		{"by hand", "[[asn]]\nasn = 64496\n[[asn]]\nasn = 64498", false, true, []string{
			"- AS64496: upstreams [64500] downstreams []: registered by hand",
			"- AS64498: upstreams []: registered by hand",
		}, ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			d := draft.Make(view(), draft.Options{ASNs: []uint32{64496}, Upstreams: c.strict})
			var got []string
			for _, change := range d.Settle(draft.Layers{Manual: load(t, c.manual), Before: load(t, before), Prune: c.prune}) {
				if strings.Contains(change.String(), "AS") {
					got = append(got, change.String())
				}
			}
			if strings.Join(got, "\n") != strings.Join(c.changes, "\n") {
				t.Errorf("changes\n%s\n\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.changes, "\n"))
			}
			watches, _, _ := strings.Cut(text(d), "[[prefix]]")
			if flat := strings.Join(strings.Fields(watches), " "); flat != c.want {
				t.Errorf("got\n%s\nwant\n%s", flat, c.want)
			}
		})
	}
}

func TestUntouched(t *testing.T) {
	file := draft.Make(new(scene).put(t, seenNow), draft.Options{}).TOML("From a test.")
	for _, c := range []struct {
		what string
		file string
		want bool
	}{
		{"as written", string(file), true},
		{"a line more", string(file) + "# mine\n", false},
		{"a byte less", string(file[:len(file)-1]), false},
		{"an origin changed", strings.Replace(string(file), "64497", "64495", 1), false},
		{"another file", "[[prefix]]\n", false},
		{"empty", "", false},
	} {
		if got := draft.Untouched([]byte(c.file)); got != c.want {
			t.Errorf("%s: %v", c.what, got)
		}
	}
}
