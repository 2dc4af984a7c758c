package incident

import (
	"strings"
	"testing"
	"time"

	"peervane/bgp"
	"peervane/daemon/notice"
)

func TestBlindness(t *testing.T) {
	d := newDesk(t)
	d.see(hijack("e1"))
	d.sight["e1"] = Lost
	d.expect("Losing a vantage never resolves an incident (one `updated`, reason vantage_lost)", d.see(), "incident-1 updated critical 1/4 vantage_lost")
	if n := d.told[1]; !strings.HasSuffix(n.Summary, "; out of sight: e1") || len(n.Evidence.Routes) != 1 {
		t.Errorf("%q with %d routes", n.Summary, len(n.Evidence.Routes))
	}
	d.expect("one", d.see())
	d.sight["e1"] = InSync
	d.expect("until that vantage is in sync again without the bad route", d.see(), "incident-1 resolved critical 0/4 cleared")

	d = newDesk(t)
	d.see(hijack("e1"))
	d.sight["e1"] = Lost
	d.see()
	d.expect("in sync again with the bad route: it goes on", d.see(hijack("e1")))
	if rec := d.book.Records()[0]; len(rec.lost()) > 0 || strings.Contains(rec.Notice.Summary, "out of sight") {
		t.Errorf("out of sight: %v, %q", rec.lost(), rec.Notice.Summary)
	}
	d.see(hijack("e1", "e2", "e3")) // too soon to be told, but who looks sees it
	if n := d.book.Records()[0].Notice; n.Vantages != (notice.Vantages{Bad: 3, Total: 4}) {
		t.Errorf("seen at %+v", n.Vantages)
	}

	d = newDesk(t)
	d.see(hijack("e1"))
	d.sight["e1"] = Gone
	d.expect("or is removed by configuration (a forgotten dynamic or feed peer counts as removed)", d.see(), "incident-1 resolved critical 0/4 config")

	d = newDesk(t)
	d.see(hijack("e1", "e2"))
	d.sight["e1"] = Lost
	d.expect("others still show it: the lost one still counts",
		d.see(with(hijack("e2"), func(f *bgp.Finding) { f.Total = 3 })), "incident-1 updated critical 2/4 vantage_lost")
	if n := d.told[1]; len(n.Evidence.Routes) != 2 {
		t.Errorf("its last route is not in the evidence: %v", n.Evidence.Routes)
	}
	d.expect("they no longer do: still the lost one holds it", d.see())
}

func TestBlindForAnHour(t *testing.T) {
	d := newDesk(t)
	d.see(hijack("e1"))
	d.sight["e1"] = Lost
	d.see()
	due := d.now.Add(time.Hour)
	if got := d.book.Due(routing); !got.Equal(due) {
		t.Errorf("due %s", got)
	}
	d.now, d.world.Good = due.Add(-time.Nanosecond), true
	d.expect("not before 1 h", d.see())
	d.now, d.world.Good = due, false
	d.expect("not without another vantage in sync", d.see())
	d.world.Good = true
	d.expect("1 h has passed and another vantage in sync shows the prefix good (`resolved`, reason vantage_lost)",
		d.see(), "incident-1 resolved critical 0/4 vantage_lost")
}

func TestFlappingSight(t *testing.T) {
	d := newDesk(t)
	d.see(hijack("e1"))
	for i := range 5 {
		d.now = d.now.Add(time.Minute)
		d.sight["e1"] = Lost
		want := []string{"incident-1 updated critical 1/4 vantage_lost"}
		if i > 0 {
			want = nil
		}
		d.expect("a flapping session is no news", d.see(), want...)
		d.sight["e1"] = InSync
		d.expect("nor is its return", d.see(hijack("e1")))
	}
	d.now = d.now.Add(10 * time.Minute)
	d.sight["e1"] = Lost
	d.expect("later it is", d.see(), "incident-1 updated critical 1/4 vantage_lost")
}
