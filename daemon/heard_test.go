package daemon

import (
	"testing"
	"time"

	"peervane/bgp"
)

// How long a detection took is measured from the change that led to it, however much else was judged before, and in whichever bite.
func TestDetectionIsMeasuredFromItsChange(t *testing.T) {
	w := newStorm(t, 2*bite)
	read := func(i int) time.Time { return w.now.Add(time.Duration(i-4*bite) * time.Millisecond) }
	const hijacked = bite + 3
	for i := range 2 * bite {
		c := bgp.Change{Vantage: w.peers["edge1"], Prefix: stormy(i), First: read(i), At: w.now, Announced: 1}
		c.Attrs = &bgp.Attrs{Path: bgp.Sequence(64500, 64496)}
		if i == hijacked {
			c.Attrs = &bgp.Attrs{Path: bgp.Sequence(64500, 3356)}
		}
		w.engine.input(c)
	}
	w.engine.judge(w.now, bite)
	if out := w.engine.take(); len(out.notices) > 0 || !out.heard.IsZero() {
		t.Fatalf("told %d, heard at %s", len(out.notices), out.heard)
	}
	w.engine.judge(w.now, bite)
	if out := w.engine.take(); len(out.notices) != 1 || !out.heard.Equal(read(hijacked)) {
		t.Errorf("told %d, heard at %s, want %s", len(out.notices), out.heard, read(hijacked))
	}
	w.now = w.now.Add(time.Hour)
	w.judgeAll()
	if out := w.engine.take(); !out.heard.IsZero() {
		t.Errorf("what time alone brings was heard at %s", out.heard)
	}
}
