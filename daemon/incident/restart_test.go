package incident

import (
	"testing"

	"peervane/daemon/notice"
)

func TestRestart(t *testing.T) {
	d := newDesk(t)
	d.see(hijack("e1"))
	d.restart(nil)
	d.sight["e1"] = Lost
	d.expect("restored incidents stay firing, silently, until their vantages are in sync", d.see())
	d.expect("still", d.see())
	d.sight["e1"] = InSync
	d.expect("a restart does not fire again", d.see(hijack("e1")))
	d.sight["e1"] = Lost
	d.expect("from then on a loss is told", d.see(), "incident-1 updated critical 1/4 vantage_lost")
	d.restart(nil)
	d.sight["e1"] = InSync
	d.expect("nor leaves an orphan", d.see(), "incident-1 resolved critical 0/4 cleared")

	d = newDesk(t)
	d.see(hijack("e1"))
	d.restart(nil)
	if got := d.book.Open(); len(got) != 1 || got[0] != routing {
		t.Errorf("open %v", got)
	}
	d.expect("a registration that is gone after the restart", d.keep(d.book.Remove(routing, d.now)), "incident-1 resolved critical 1/4 config")
}

func TestConfiguration(t *testing.T) {
	d := newDesk(t)
	d.book.Reload(map[string]string{"origin_change": "info"})
	d.expect("by type: replaces every variant of the type", d.see(hijack("e1")), "incident-1 firing info 1/4")
	d.book.Reload(nil)
	d.expect("a reload changes it", d.see(hijack("e1")), "incident-1 updated critical 1/4 severity")
	d.book.Reload(map[string]string{"origin_change": "off"})
	d.sight["e1"] = Lost
	d.expect("off = no incident", d.see(hijack("e1")), "incident-1 resolved critical 1/4 config")
	d.expect("none at all", d.see(hijack("e1")))

	d = newDesk(t)
	d.see(hijack("e1"))
	d.expect("After a reload that removes a registration, its incidents resolve",
		d.keep(d.book.Remove(routing, d.now)), "incident-1 resolved critical 1/4 config")
	if d.book.Has(routing) || len(d.book.Open()) > 0 {
		t.Error("the book still has the scope")
	}
	d = newDesk(t)
	d.see(hijack("e1"))
	d.world.Reason = notice.ReasonConfig
	d.expect("a reload that makes the origin legitimate", d.see(), "incident-1 resolved critical 0/4 config")
	d = newDesk(t)
	d.see(hijack("e1"))
	d.world.Settled = []string{"origin_change"}
	d.expect("what became the new normal", d.see(), "incident-1 resolved critical 0/4 settled")
}
