package config

import "testing"

func TestPathPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"_64501_", "64500 64501 64496", true},
		{"_64501_", "64501", true},
		{"_64501_", "64500 645011 64496", false},
		{"_64501_", "164501", false},
		{"^64500_", "64500 64501", true},
		{"^64500_", "64501 64500", false},
		{"_64496$", "64500 64496", true},
		{"_64496$", "64496 64500", false},
		{"_64501_64502_", "64500 64501 64502 64496", true},
		{"_64501_", "64500 {64501,64502}", true},
		{"{64501,64502}", "64500 {64501,64502}", true},
		{"{64501,64502}", "64500 {64501,64503}", false},
		{"_(64501|64502)_", "64500 64502", true},
		{"_6450[1-3]_", "64500 64503", true},
		{"^[0-9]+$", "64500", true},
		{"^[0-9]+$", "64500 64501", false},
		{"^$", "", true},
		{".*", "64500", true},
	} {
		compiled, err := CompilePathPattern(c.pattern)
		if err != nil {
			t.Errorf("%q: %v", c.pattern, err)
			continue
		}
		if got := compiled.MatchString(c.path); got != c.want {
			t.Errorf("%q on %q: %t, want %t", c.pattern, c.path, got, c.want)
		}
	}
}

func TestPathPatternsThatAreNone(t *testing.T) {
	for _, pattern := range []string{"AS64501", "_64501_(", "*", "[", "64501\\d", "a{2}", "++"} {
		if _, err := CompilePathPattern(pattern); err == nil {
			t.Errorf("%q compiles", pattern)
		}
	}
}
