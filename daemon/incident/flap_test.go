package incident

import (
	"strings"
	"testing"
	"time"

	"peervane/daemon/notice"
)

// Who looks at an incident that flaps sees whether its condition holds just now, though nobody is told.
func TestFlappingIsShownAsItIs(t *testing.T) {
	d := newDesk(t)
	for range 3 {
		d.see(hijack("e1"))
		d.now = d.now.Add(time.Second)
		d.see()
		d.now = d.now.Add(time.Second)
	}
	for _, holds := range []bool{false, true, false} {
		bad := 0
		if holds {
			d.aloud("back", d.see(hijack("e1")))
			bad = 1
		} else {
			d.aloud("gone", d.see())
		}
		n := d.book.Record("incident-3").Notice
		if n.Vantages.Bad != bad || strings.Contains(n.Summary, "gone for now") == holds || n.Status != notice.Firing {
			t.Errorf("holds %v: shown as %s at %d vantages: %s", holds, n.Status, n.Vantages.Bad, n.Summary)
		}
		d.now = d.now.Add(time.Second)
	}
}

// A reload is not why the condition of an incident that flaps was gone before: it goes on, and is told once it is steady. What a
// reload makes no condition any more ends, though it flaps.
func TestFlappingOutlivesAReload(t *testing.T) {
	for _, gone := range []bool{true, false} {
		d := newDesk(t)
		for range 2 {
			d.see(hijack("e1"))
			d.now = d.now.Add(time.Second)
			d.see()
			d.now = d.now.Add(time.Second)
		}
		d.see(hijack("e1"))
		if gone {
			d.see()
		}
		d.world.Reason = notice.ReasonConfig
		if gone {
			d.expect("gone before", d.see())
			d.world.Reason = ""
			d.now = d.now.Add(time.Hour)
			d.expect("steady", d.keep(first(d.book.Tick(d.now))), "incident-3 resolved critical 0/4 cleared")
		} else {
			d.expect("no condition by configuration", d.see(), "incident-3 resolved critical 0/4 config")
		}
	}
}

// What an earlier run kept before the clock was set back makes nothing stand still: what flaps is steady in its time, and what grows
// is told.
func TestClockSetBackOverARestart(t *testing.T) {
	d := newDesk(t)
	for range 4 {
		d.see(hijack("e1"))
		d.now = d.now.Add(time.Second)
		d.see()
		d.now = d.now.Add(time.Second)
	}
	d.now = d.now.Add(-24 * time.Hour)
	d.restart(nil)
	d.see()
	if at := d.book.Next(); at.Sub(d.now) > time.Hour {
		t.Errorf("looked at again only at %s", at)
	}
	d.now = d.now.Add(time.Hour)
	notices, _ := d.book.Tick(d.now)
	d.expect("gone, and steady", d.keep(notices), "incident-3 resolved critical 0/4 cleared")

	d = newDesk(t)
	d.see(hijack("e1"))
	d.now = d.now.Add(-24 * time.Hour)
	d.restart(nil)
	d.see(hijack("e1", "e2", "e3"))
	d.now = d.now.Add(evidenceInterval)
	d.expect("it has grown", d.see(hijack("e1", "e2", "e3")), "incident-1 updated critical 3/4 evidence")
}
