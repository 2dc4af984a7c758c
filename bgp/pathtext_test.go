package bgp_test

import (
	"testing"

	"peervane/bgp"
)

func TestParsePath(t *testing.T) {
	for _, text := range []string{
		"", "64500", "64500 64500 64496", "64500 {64496,64497}", "{64496}", "(65001 65002) 64500 64496",
		"64500 [65001,65002] 64496 {1,2} 3", "(65001) (65002) 4294967295",
	} {
		p, err := bgp.ParsePath(text)
		if err != nil || p.String() != text {
			t.Errorf("%q: %v, %v", text, p, err)
		}
	}
	p, err := bgp.ParsePath("64500 {64496,64497} (65001 65002)")
	if err != nil || len(p.Segments) != 3 || p.Segments[1].Type != bgp.ASSet || len(p.Segments[2].ASNs) != 2 {
		t.Errorf("%+v, %v", p, err)
	}
	for _, text := range []string{"x", "64500 -1", "4294967296", "{", "{}", "64500 i"} {
		if p, err := bgp.ParsePath(text); err == nil {
			t.Errorf("%q is read as %s", text, p)
		}
	}
}

// What is read is printed in a way that reads the same again.
func FuzzParsePath(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		p, err := bgp.ParsePath(text)
		if err != nil {
			return
		}
		again, err := bgp.ParsePath(p.String())
		if err != nil || again.String() != p.String() {
			t.Errorf("%q is read as %q, and that as %v, %v", text, p, again, err)
		}
	})
}
