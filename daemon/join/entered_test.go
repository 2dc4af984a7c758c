package join

import (
	"net/netip"
	"testing"
	"time"
)

// way makes hops 10.0.0.N of pairs of N and the round-trip time in ms; N = 0 stays silent.
func way(pairs ...int) (hops []Hop) {
	for i := 0; i < len(pairs); i += 2 {
		h := Hop{TTL: i/2 + 1}
		if n := pairs[i]; n > 0 {
			h.Addr, h.RTT = netip.AddrFrom4([4]byte{10, 0, 0, byte(n)}), time.Duration(pairs[i+1])*time.Millisecond
		}
		hops = append(hops, h)
	}
	return hops
}

func TestEntered(t *testing.T) {
	usual := way(1, 1, 2, 5, 3, 12)
	for name, c := range map[string]struct {
		now, before []Hop
		ttl         int // 0: nowhere
		added       int
	}{
		"a link has become longer":            {way(1, 1, 2, 35, 3, 42), usual, 2, 30},
		"the last one":                        {way(1, 1, 2, 5, 3, 42), usual, 3, 30},
		"a detour":                            {way(1, 1, 4, 20, 5, 38, 3, 42), usual, 2, 19},
		"a detour by hops that are near":      {way(1, 1, 4, 2, 5, 38, 3, 42), usual, 3, 37},
		"a silent hop":                        {way(1, 1, 0, 0, 3, 42), usual, 3, 30},
		"slow to answer, fast to forward":     {way(1, 1, 2, 90, 3, 42), usual, 2, 37},
		"slow to answer, and nothing else":    {way(1, 1, 2, 90, 3, 12), usual, 0, 0},
		"nothing to compare with":             {way(1, 1, 2, 5, 3, 42), nil, 3, 37},
		"nothing to compare with, no step":    {way(1, 10, 2, 20, 3, 30), nil, 0, 0},
		"the way before did not lead so far":  {way(1, 1, 2, 5, 3, 42), way(1, 1, 2, 5), 3, 37},
		"nothing answers":                     {way(0, 0, 0, 0), usual, 0, 0},
		"nothing was traced":                  {nil, usual, 0, 0},
		"the delay is over":                   {usual, usual, 0, 0},
		"it entered before the first that is": {way(4, 31, 3, 42), usual, 1, 31},
	} {
		t.Run(name, func(t *testing.T) {
			at, added, found := Entered(c.now, c.before, 30*time.Millisecond)
			if found != (c.ttl > 0) || at.TTL != c.ttl || added != time.Duration(c.added)*time.Millisecond {
				t.Errorf("at hop %d, %v more, %v", at.TTL, added, found)
			}
		})
	}
}
