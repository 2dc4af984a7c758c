package source

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestCrestAgainstItsModel holds the highest size of the last minute to a list of all sizes, each with the time until which it stood: that is
// noted once a second, so what is a second from the edge of the window may count or not.
func TestCrestAgainstItsModel(t *testing.T) {
	type size struct {
		at time.Time
		n  int
	}
	rapid.Check(t, func(t *rapid.T) {
		var c crest
		var all []size
		now := time.Unix(0, 0)
		highest := func(since time.Duration) (top int) {
			for _, s := range all {
				if now.Sub(s.at) <= since {
					top = max(top, s.n)
				}
			}
			return top
		}
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 20_000).Draw(t, "ms")) * time.Millisecond)
			n := rapid.IntRange(0, 1000).Draw(t, "routes")
			if last := len(all) - 1; last >= 0 {
				all[last].at = now // until now it stood
			}
			all = append(all, size{now, n})
			top := c.note(n, now)
			if least, most := highest(dropWindow-time.Second), highest(dropWindow); top < least || top > most {
				t.Fatalf("highest %d, want %d to %d", top, least, most)
			}
		}
	})
}
