package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

const disputed = `[daemon]
asn = 64512
router_id = "192.0.2.10"

[[prefix]]
prefix = "203.0.113.0/24"
origins = [64496]

[[prefix]]
prefix = "203.0.113.0/24"
origins = [64498, 64497]

[[prefix]]
prefix = "203.0.113.0/24"
origins = [64497]
`

// Who registers a prefix twice with different origins is warned, and watched all the same.
func TestDifferentOriginsAreADispute(t *testing.T) {
	cfg, problems := Load(fstest.MapFS{"a.toml": {Data: []byte(disputed)}}, "a.toml")
	var got []string
	for _, p := range problems {
		got = append(got, p.String())
	}
	const text = "warning: 203.0.113.0/24 is registered with other origins at a.toml:6:10, and that one counts; keep one, with the origins of both if both are right"
	if want := []string{"a.toml:10:10: " + text, "a.toml:14:10: " + text}; !slices.Equal(got, want) {
		t.Errorf("problems\n got %q\nwant %q", got, want)
	}
	if cfg == nil || len(cfg.Prefixes) != 1 {
		t.Fatalf("loaded %+v, want one registration", cfg)
	}
	p := cfg.Prefixes[0].Policy
	if !slices.Equal(p.Origins, []uint32{64496}) || !slices.Equal(p.Disputed(), []uint32{64497, 64498}) {
		t.Errorf("origins %v, disputed %v", p.Origins, p.Disputed())
	}
}

// The same origins twice, or a table and a list, are a slip.
func TestARegistrationThatStandsTwiceIsRefused(t *testing.T) {
	const head = "[daemon]\nasn = 64512\nrouter_id = \"192.0.2.10\"\n"
	const table = "[[prefix]]\nprefix = \"203.0.113.0/24\"\norigins = [64496]\n"
	for name, text := range map[string]string{
		"the same origins": head + table + table,
		"none at all":      head + table + "[[prefix]]\nprefix = \"203.0.113.0/24\"\nany_origin = true\n",
		"a list":           "prefixes = [\"203.0.113.0/24\"]\n" + head + table + "[defaults.prefix]\norigins = [64497]\n",
	} {
		if cfg, problems := Load(fstest.MapFS{"a.toml": {Data: []byte(text)}}, "a.toml"); cfg != nil || len(problems) != 1 {
			t.Errorf("%s: accepted, or not for this alone: %v", name, problems)
		}
	}
}

// However many warnings there are, they refuse nothing, and hide no error that comes after them.
func TestManyWarningsRefuseNothing(t *testing.T) {
	text := "[daemon]\nasn = 64512\nrouter_id = \"192.0.2.10\"\n"
	for i := range maxPerFile + 50 {
		for origin := 1; origin <= 2; origin++ {
			text += fmt.Sprintf("[[prefix]]\nprefix = \"20.%d.%d.0/24\"\norigins = [%d]\n", i/100, i%100, origin)
		}
	}
	cfg, problems := Load(fstest.MapFS{"a.toml": {Data: []byte(text)}}, "a.toml")
	if last := problems[len(problems)-1]; cfg == nil || len(problems) != maxPerFile+1 || last.Severity != Warning || last.Text != "and 50 more warnings about this file" {
		t.Errorf("%d problems, loaded: %t, the last: %s", len(problems), cfg != nil, last)
	}
	cfg, problems = Load(fstest.MapFS{"a.toml": {Data: []byte(text + "[log]\nlevel = \"loud\"\n")}}, "a.toml")
	if loud := func(p Problem) bool { return strings.HasPrefix(p.Text, `level is "loud"`) }; cfg != nil || !slices.ContainsFunc(problems, loud) {
		t.Errorf("the error after the warnings is not told")
	}
}
