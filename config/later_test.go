package config

import (
	"slices"
	"strings"
	"testing"
)

func TestNotInEffectNamesWhatIsSet(t *testing.T) {
	cfg := mustLoad(t, files("a.toml", daemonTable+`
[detect]
hold = "1s"
[retention]
[[feed]]
name = "routers"
kind = "bmp"
listen = "[::1]:11019"
`))
	var got []string
	for _, p := range cfg.NotInEffect {
		what, _, _ := strings.Cut(strings.TrimPrefix(p.String(), "a.toml:"), " is not yet in effect")
		got = append(got, what)
	}
	want := []string{
		"11:1: warning: kind = \"bmp\"",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestNothingSetNothingNamed(t *testing.T) {
	cfg := mustLoad(t, files("a.toml", daemonTable+"[detect]\nhold = \"1s\"\n"))
	if len(cfg.NotInEffect) != 0 {
		t.Error(cfg.NotInEffect)
	}
}
