package config

import (
	"strings"
	"testing"
)

func TestCommunities(t *testing.T) {
	for _, s := range []string{"0:0", "64500:100", "65535:65535", "64496:1:2", "4294967295:4294967295:0"} {
		if c, err := parseCommunity(s); err != nil || c.String() != s || c.Large != (strings.Count(s, ":") == 2) {
			t.Errorf("%q: %v, %v", s, c, err)
		}
	}
	for _, s := range []string{"", ":", "1", "65536:0", "-1:0", "1:2:3:4", "1:2:4294967296", "a:b", "0x1:2", " 1:2"} {
		if c, err := parseCommunity(s); err == nil {
			t.Errorf("%q is read as %v", s, c)
		}
	}
}
