package incident

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"peervane/daemon/notice"
)

// A group names those of its members that hold now, and shows their routes; when it is over, those that held last.
func TestAGroupNamesWhatHolds(t *testing.T) {
	d := newDesk(t)
	d.storm(1, 100, "noc")
	id := d.told[10].Incident
	group := func() *Record { d.book.Loud(); return d.book.Record(id) }
	names := func(when string, first, last int) {
		t.Helper()
		r := group()
		e := r.Notice.Evidence
		n := min(last-first+1, groupExamples)
		if len(e.Group.Examples) != n || e.Group.Examples[0] != numbered(first).String() || e.Group.Examples[n-1] != numbered(first+n-1).String() {
			t.Errorf("%s: it names %v", when, e.Group.Examples)
		}
		if want := min(n, groupRoutes); len(e.Routes) != want {
			t.Errorf("%s: it shows %d routes, want %d", when, len(e.Routes), want)
		}
		if !strings.Contains(r.Notice.Summary, "such as "+numbered(first).String()) {
			t.Errorf("%s: %s", when, r.Notice.Summary)
		}
	}
	names("at first", 11, 100)
	d.now = d.now.Add(time.Minute)
	d.calm(11, 20)
	names("some are over", 21, 100)
	d.calm(21, 60)
	names("more are over", 61, 100)
	d.storm(101, 120, "noc")
	names("new ones came", 61, 120)
	d.calm(61, 80)

	kept := map[string]Record{}
	for _, r := range d.book.Records() {
		kept[r.ID()] = r
	}
	d.book = NewBook(Options{NewID: d.book.opt.NewID})
	d.book.Restore(slices.Collect(maps.Values(kept)), nil)
	names("after a restart", 81, 120)
	d.storm(11, 11, "noc")
	d.calm(81, 120)
	names("one came again", 11, 11)
	d.calm(11, 11)
	end := d.told[len(d.told)-1]
	if g := end.Evidence.Group; end.Status != notice.Resolved || end.Incident != id || !slices.Equal(g.Examples, []string{numbered(11).String()}) {
		t.Errorf("in the end it names %+v", g)
	}
}

// What comes and goes in a group does not fill the memory.
func TestWhatWaitsToBeNamedIsBounded(t *testing.T) {
	d := newDesk(t)
	d.storm(1, 70, "noc")
	for range 300 {
		d.now = d.now.Add(time.Minute)
		d.calm(70, 70)
		d.storm(70, 70, "noc")
	}
	if n := len(d.book.groupOf[d.told[10].Incident].waiting); n > 200 {
		t.Errorf("%d wait", n)
	}
}
