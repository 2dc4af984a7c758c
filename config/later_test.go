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
name = "ris"
kind = "ris-live"
url  = "wss://ris.example.net/"
`))
	var got []string
	for _, p := range cfg.NotInEffect {
		what, _, _ := strings.Cut(strings.TrimPrefix(p.String(), "a.toml:"), " is not yet in effect")
		got = append(got, what)
	}
	want := []string{
		"11:1: warning: kind = \"ris-live\"",
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
