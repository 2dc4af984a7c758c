package daemon

import (
	"testing"
	"time"

	"peervane/bgp"
	"peervane/daemon/notice"
)

// Whatever is read in one bite, what a session showed before it rose or fell is judged before that.
func TestLastWords(t *testing.T) {
	const prefix, hijack = "203.0.113.0/24", "firing:origin_change:203.0.113.0/24:64510"
	down := func(w *world, v *bgp.Vantage) {
		w.engine.input(bgp.SessionDown{Vantage: v, At: w.now, Reason: "hold timer expired"})
	}
	for _, c := range []struct {
		what     string
		hijacked bool // and judged, before
		lost     bool // likewise
		bite     func(w *world, v *bgp.Vantage)
		want     string
		reason   string
	}{
		{"withdrawn, and lost", true, false, func(w *world, v *bgp.Vantage) {
			w.hear(v.Name, prefix, nil)
			down(w, v)
		}, "resolved:origin_change:203.0.113.0/24:64510", notice.ReasonCleared},
		{"replaced, and gone", true, false, func(w *world, v *bgp.Vantage) {
			w.hear(v.Name, prefix, nil, v.ASN, 64496)
			w.engine.input(bgp.Gone{Vantage: v, At: w.now})
		}, "resolved:origin_change:203.0.113.0/24:64510", notice.ReasonCleared},
		{"announced, and lost", false, false, func(w *world, v *bgp.Vantage) {
			w.hear(v.Name, prefix, nil, v.ASN, 64510)
			down(w, v)
		}, hijack + " updated:origin_change:203.0.113.0/24:64510", notice.ReasonVantageLost},
		{"back in sync without it, and lost again", true, true, func(w *world, v *bgp.Vantage) {
			w.engine.input(bgp.SessionUp{Vantage: v, At: w.now, Families: bgp.Families[:]})
			w.engine.input(bgp.EndOfRIB{Vantage: v, Family: bgp.IPv4, At: w.now})
			down(w, v)
		}, "resolved:origin_change:203.0.113.0/24:64510", notice.ReasonCleared},
		{"lost, and nothing else", true, false, down, "updated:origin_change:203.0.113.0/24:64510", notice.ReasonVantageLost},
	} {
		t.Run(c.what, func(t *testing.T) {
			w := newWorld(t, twoPeers(registered(prefix, 64496)))
			w.announce("edge1", prefix, 64500, 64496)
			v := w.peers["edge2"]
			if c.hijacked {
				w.want(w.announce("edge2", prefix, 64501, 64510), hijack)
			}
			if c.lost {
				w.down("edge2")
			}
			c.bite(w, v)
			for w.engine.judge(w.now, 3) {
			}
			told, last := "", notice.Notice{}
			for _, n := range w.engine.take().notices {
				told, last = told+" "+short(n), n
			}
			w.want(told, " "+c.want)
			if last.Reason != c.reason {
				t.Errorf("the reason is %q, want %q", last.Reason, c.reason)
			}
		})
	}
}

// A session that was up for an instant, of which the engine hears late, is down since then and not since before.
func TestUpForAnInstant(t *testing.T) {
	w := newWorld(t, twoPeers())
	w.down("edge1")
	w.want(w.pass(20*time.Second), "")
	w.engine.input(bgp.SessionUp{Vantage: w.peers["edge1"], At: w.now, Families: bgp.Families[:]})
	w.want(w.down("edge1"), "")
	w.want(w.pass(29*time.Second), "")
	w.want(w.pass(time.Second), "firing:session_down:edge1:0")
}

// What a session tells late is judged at the time that the incidents have reached.
func TestLastWordsKeepTheClock(t *testing.T) {
	w := newWorld(t, twoPeers(registered("203.0.113.0/24", 64496)))
	w.pass(time.Minute)
	late := w.now.Add(-10 * time.Second)
	w.hear("edge1", "203.0.113.0/24", func(c *bgp.Change) { c.At, c.First = late, late }, 64500, 64510)
	w.engine.input(bgp.SessionDown{Vantage: w.peers["edge1"], At: late})
	told := w.engine.take().notices
	if len(told) != 1 {
		t.Errorf("told %d notices", len(told))
	}
	for _, n := range told {
		if n.UpdatedAt.Before(w.now) {
			t.Errorf("%s at %s, before %s", short(n), n.UpdatedAt, w.now)
		}
	}
}
