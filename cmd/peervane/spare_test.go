package main

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// The scheduler of a small machine gets processors to spare; one that has more keeps them, and what somebody has chosen stays.
func TestSpareProcessors(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, test := range []struct {
		has    int
		chosen string
		want   int
	}{{1, "", spareProcessors}, {2, "", spareProcessors}, {2, "2", 2}, {spareProcessors + 1, "", spareProcessors + 1}} {
		runtime.GOMAXPROCS(test.has)
		spare(test.chosen)
		if got := runtime.GOMAXPROCS(0); got != test.want {
			t.Errorf("of %d, %q chosen, it makes %d", test.has, test.chosen, got)
		}
	}
}

// Garbage is collected less often, unless somebody has chosen how often.
func TestSeldomCollects(t *testing.T) {
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	seldom("100")
	if got := debug.SetGCPercent(100); got != 100 {
		t.Errorf("100 was chosen, and it is %d", got)
	}
	seldom("")
	if got := debug.SetGCPercent(100); got != collectAt {
		t.Errorf("nobody has chosen, and it is %d", got)
	}
}
