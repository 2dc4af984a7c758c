package source

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
)

// A full table that is asked goes on reading: no route that it held all the time is missed, or given twice, while others come.
func TestPeerQueryWhileLoading(t *testing.T) {
	l := newLab(t, func(c *PeerConfig) { c.Full = true })
	l.up()
	const held, coming = 300, 5000
	prefix := func(i int) string { return fmt.Sprintf("10.%d.%d.0/24", i>>8, i&255) }
	for i := range held {
		l.announce(prefix(i), 64500)
	}
	asked, loaded := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(asked)
		for last := false; !last; {
			select {
			case <-loaded:
				last = true // once more, of the whole table
			default:
			}
			routes, more := l.peer.Query(t.Context(), netip.MustParsePrefix("10.0.0.0/8"), Within)
			var got []string
			for _, r := range routes {
				got = append(got, r.Prefix.String())
			}
			slices.Sort(got)
			if n := len(got); more || n != len(slices.Compact(got)) || last && n != held+coming {
				t.Errorf("%d routes, more: %v, in the end: %v", n, more, last)
			}
			for i := range held {
				if _, found := slices.BinarySearch(got, prefix(i)); !found {
					t.Errorf("%s is missed", prefix(i))
				}
			}
		}
	}()
	for i := range coming {
		l.announce(prefix(held+i), 64500)
	}
	close(loaded)
	<-asked
}
