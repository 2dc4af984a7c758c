package config

import (
	"slices"
	"strings"
	"testing"
)

func TestNotInEffectNamesWhatIsSet(t *testing.T) {
	cfg := mustLoad(t, files("a.toml", daemonTable+`
[defaults.prefix]
no_export = true
origins = [64496]
[[prefix]]
prefix = "203.0.113.0/24"
upstreams = [64500]
[[asn]]
asn = 64496
[detect]
hold = "1s"
leak_count = 7
[rpki]
[[channel]]
name = "chat"
kind = "slack"
url = "https://hooks.example.net/"
heartbeat = "1h"
`))
	var got []string
	for _, p := range cfg.NotInEffect {
		what, _, _ := strings.Cut(strings.TrimPrefix(p.String(), "a.toml:"), " is not yet in effect")
		got = append(got, what)
	}
	want := []string{
		"7:1: warning: no_export", "11:1: warning: upstreams", "12:1: warning: [[asn]]", "16:1: warning: leak_count",
		"17:1: warning: [rpki]", `20:1: warning: kind = "slack"`, "22:1: warning: heartbeat",
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
