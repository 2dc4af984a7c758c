package incident

import (
	"encoding/json"
	"testing"
	"time"

	"peervane/daemon/notice"
)

// written gives what was kept of a book.
func (d *desk) written() (out []Record) {
	d.Helper()
	text, err := json.Marshal(d.book.Records())
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		d.Fatal(err)
	}
	return out
}

// later is another run, whose incidents have other ids.
func (d *desk) later() {
	d.book, d.now = NewBook(options(nil)), d.now.Add(time.Hour)
	d.book.ordinal = 100
}

func TestRejoin(t *testing.T) {
	d := newDesk(t)
	d.see(hijack("e1"))
	old := d.written()
	d.later()
	d.expect("the state of the earlier run cannot be read", d.see(hijack("e1")), "incident-101 firing critical 1/4")
	d.book.Rejoin(old, nil)
	d.expect("then it can: nothing is told twice", d.see(hijack("e1")))
	if loud := d.book.Loud(); len(loud) != 1 {
		t.Errorf("told of are %v", loud)
	}
	if _, err := d.book.Ack("incident-1", Ack{By: "anna", At: d.now}, d.now); err != nil {
		t.Errorf("acknowledged by the id under which it was told first: %v", err)
	}
	if r := d.book.Record("incident-101"); r.Ack == nil || r.Ack.By != "anna" {
		t.Errorf("the one that goes on is acknowledged by %v", r.Ack)
	}
	d.restart(nil)
	if n := len(d.book.Records()); n != 2 {
		t.Errorf("after a restart %d are open", n)
	}
	d.expect("both end at once", d.see(), "incident-101 resolved critical 0/4 cleared", "incident-1 resolved critical 1/4 cleared")
	if len(d.book.Records()) != 0 {
		t.Errorf("left are %v", d.book.Records())
	}

	d = newDesk(t)
	d.see(hijack("e1"))
	old = d.written()
	d.later()
	d.book.Rejoin(old, nil)
	d.expect("it had not been told anew: it goes on", d.see(hijack("e1")))
	d.expect("and ends", d.see(), "incident-1 resolved critical 0/4 cleared")
}

// Members of a group that was told anew are told by that.
func TestRejoinOfGroups(t *testing.T) {
	d := newDesk(t)
	d.storm(1, 20, "noc") // ten singly, and ten in incident-11
	old := d.written()
	d.later()
	d.storm(1, 13, "noc") // ten singly, and three in a group
	told := len(d.told)
	d.book.Rejoin(old, nil)
	d.storm(1, 20, "noc")
	if got := d.told[told:]; len(got) != 0 {
		t.Errorf("told anew: %+v", got)
	}
	for _, g := range d.book.groupOf {
		if in := g.rec.Notice.Evidence.Group; in.Open != 10 || in.Total != 10 {
			t.Errorf("the group is %+v", in)
		}
	}
	d.now = d.now.Add(time.Hour)
	d.calm(1, 20)
	ends := map[string]int{}
	for _, n := range d.told[told:] {
		if n.Held == "" && n.Status == notice.Resolved {
			ends[n.Incident]++
		}
	}
	if len(ends) != 22 || len(d.book.byID) != 0 || len(d.book.elders) != 0 {
		t.Errorf("%d ended: %v; left are %v", len(ends), ends, d.book.Records())
	}
}
