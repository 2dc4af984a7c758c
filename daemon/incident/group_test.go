package incident

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"peervane/bgp"
	"peervane/daemon/notice"
)

// storm has hijacks of the prefixes from one number to another judged, by one AS, of registrations with a label.
func (d *desk) storm(from, to int, team string) (out []string) {
	for i := from; i <= to; i++ {
		f := with(hijack("e1"), func(f *bgp.Finding) { f.Prefix, f.Offending = numbered(i), numbered(i) })
		out = append(out, d.keep(d.book.Reconcile(scopeOf(i), []bgp.Finding{f}, d.now, World{Labels: map[string]string{"team": team}}))...)
	}
	return out
}

func (d *desk) calm(from, to int) (out []string) {
	for i := from; i <= to; i++ {
		out = append(out, d.keep(d.book.Reconcile(scopeOf(i), nil, d.now, World{}))...)
	}
	return out
}

// teams are those that a notice of a group is for.
func teams(n *notice.Notice) (out []string) {
	for _, a := range n.Audiences() {
		out = append(out, a.Labels["team"])
	}
	return out
}

// A reload that changes nothing of the members of a group but whom they concern has those told who were not before, and only
// them besides who was told already.
func TestReloadSeatsMembersAnew(t *testing.T) {
	d := newDesk(t)
	d.storm(1, 13, "noc")
	group := d.told[10]
	if g := group.Evidence.Group; g == nil || group.Labels["team"] != "noc" || fmt.Sprint(teams(&group)) != "[noc]" {
		t.Fatalf("told %+v", group)
	}
	d.now = d.now.Add(time.Hour)
	before := len(d.told)
	d.storm(12, 12, "ops")
	if len(d.told) != before+1 {
		t.Fatalf("told %+v", d.told[before:])
	}
	n := d.told[before]
	if n.Incident != group.Incident || n.Status != notice.Updated || fmt.Sprint(teams(&n)) != "[noc ops]" || n.Labels["team"] != "" {
		t.Errorf("told %+v, for %s", n, teams(&n))
	}
	d.now = d.now.Add(time.Hour)
	d.storm(11, 13, "ops")
	d.calm(11, 13)
	if n := d.told[len(d.told)-1]; n.Incident != group.Incident || n.Status != notice.Resolved {
		t.Errorf("told %+v", n)
	}
	if n := len(d.book.groupOf); n != 0 {
		t.Errorf("%d groups are left", n)
	}
}

// Who is concerned by a group for the first time is told though others work at it, or though it flaps; and so is everybody when it
// has become twice as large as it ever was.
func TestGroupThatIsTakenForKnownIsToldToOthers(t *testing.T) {
	for name, hush := range map[string]func(*desk){
		"acknowledged": func(d *desk) {
			d.storm(1, 13, "noc")
			notices, err := d.book.Ack(d.told[10].Incident, Ack{By: "anna", At: d.now}, d.now)
			if err != nil || len(notices) != 1 {
				t.Fatalf("told %+v, %v", notices, err)
			}
		},
		"flapping": func(d *desk) {
			for range 3 {
				d.storm(1, 13, "noc")
				d.now = d.now.Add(10 * time.Second)
				d.keep(first(d.book.Tick(d.now)))
				d.calm(1, 13)
				d.now = d.now.Add(10 * time.Second)
			}
			d.storm(1, 13, "noc")
			d.now = d.now.Add(10 * time.Second)
			d.keep(first(d.book.Tick(d.now)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			hush(d)
			said := func(what string, want ...string) {
				t.Helper()
				var got []string
				for i := range d.told {
					if n := &d.told[i]; n.Evidence.Group != nil {
						got = append(got, fmt.Sprintf("%s %s %d %v", n.Status, n.Reason, n.Evidence.Group.Open, teams(n)))
					}
				}
				d.told = d.told[:0]
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%s: told %v", what, got)
				}
			}
			d.told = d.told[:0]
			d.calm(12, 13)
			d.storm(12, 13, "noc")
			said("those who know")
			d.storm(20, 20, "ops")
			if latest := "the latest " + numbered(20).String(); !strings.Contains(d.told[len(d.told)-1].Summary, latest) {
				t.Errorf("others are not told what is theirs: %s", d.told[len(d.told)-1].Summary)
			}
			said("others", "updated evidence 4 [noc ops]")
			d.calm(20, 20)
			d.storm(20, 20, "ops")
			said("others who know by now")
			d.calm(20, 20)
			d.pass(11 * time.Minute)
			d.storm(20, 20, "ops")
			said("others, long after", map[string][]string{"acknowledged": {"updated evidence 4 [noc ops]"}}[name]...)
			d.now = d.now.Add(2 * time.Minute)
			d.storm(21, 24, "noc")
			said("twice as many", map[string]string{"acknowledged": "updated evidence 8 [noc ops]", "flapping": "updated evidence 6 [noc ops]"}[name]) // as ever, as were left
		})
	}
}

// What comes to the rest of a group that was once large is told; one that comes and goes not each time.
func TestRestOfAGroup(t *testing.T) {
	d := newDesk(t)
	d.storm(1, 60, "noc")
	d.pass(time.Minute)
	d.calm(12, 60)
	for i, want := range []string{"updated 2 of 51", "", "updated 4 of 53", ""} {
		d.pass(time.Hour)
		before := len(d.told)
		d.storm(100+i, 100+i, "noc")
		got := ""
		for _, n := range d.told[before:] {
			got += fmt.Sprintf("%s %d of %d", n.Status, n.Evidence.Group.Open, n.Evidence.Group.Total)
		}
		if got != want {
			t.Errorf("one more: told %q, want %q", got, want)
		}
	}
	before := len(d.told)
	d.calm(101, 103)
	for range 60 {
		d.storm(101, 101, "noc")
		d.pass(30 * time.Second)
		d.calm(101, 101)
		d.pass(30 * time.Second)
	}
	if n := len(d.told) - before; n == 0 || n > 6 {
		t.Errorf("one that comes and goes each minute of an hour is told %d times", n)
	}
}

// pass lets time go by, and what waited for that be told.
func (d *desk) pass(by time.Duration) {
	for end := d.now.Add(by); ; {
		next := d.book.Next()
		if next.IsZero() || next.After(end) {
			d.now = end
			return
		}
		if next.After(d.now) {
			d.now = next
		}
		d.keep(first(d.book.Tick(d.now)))
	}
}

func first(notices []notice.Notice, _ []Scope) []notice.Notice { return notices }

// What a group cost is told when it is known, also while it grows.
func TestCostOfAGroupThatGrows(t *testing.T) {
	d := newDesk(t)
	d.storm(1, 13, "noc")
	d.pass(10 * time.Second)
	group := d.told[len(d.told)-1].Incident
	d.pass(10 * time.Second)
	d.storm(14, 40, "noc")
	cost := 40.0
	got := d.keep(d.book.Amend(group, notice.ReasonLatency, d.now, costs(&notice.Latency{POP: "par1", ShiftMS: &cost})))
	if len(got) != 1 || !strings.HasSuffix(got[0], notice.ReasonLatency) {
		t.Errorf("told %q", got)
	}
}

// What a group came to is not written with each of its members, but soon after; and before that a restart finds how many there
// are by the members.
func TestNumbersOfAGroupAreWrittenSoon(t *testing.T) {
	d := newDesk(t)
	kept := map[string]Record{}
	write := func() (groups int) {
		for _, r := range d.book.Changed() {
			if kept[r.ID()] = r; r.grouped() {
				groups++
			}
		}
		return groups
	}
	d.storm(1, 11, "noc")
	if n := write(); n != 1 {
		t.Fatalf("the group was written %d times when it was told", n)
	}
	d.storm(12, 60, "noc")
	if n := write(); n != 1 {
		t.Errorf("the group was written %d times with those that it names", n)
	}
	d.storm(61, 90, "noc")
	if n := write(); n != 0 {
		t.Errorf("the group was written %d times with its members", n)
	}
	again := NewBook(Options{NewID: d.book.opt.NewID})
	again.Restore(slices.Collect(maps.Values(kept)), nil)
	id := d.told[10].Incident
	if in := again.Record(id).Notice.Evidence.Group; in.Total != 80 || in.Open != 80 {
		t.Errorf("a restart finds %d of %d open", in.Open, in.Total)
	}
	d.now = d.now.Add(swollenFor)
	d.keep(first(d.book.Tick(d.now)))
	if n := write(); n != 1 || kept[id].Notice.Evidence.Group.Total != 80 {
		t.Errorf("it was written %d times by then, with %+v", n, kept[id].Notice.Evidence.Group)
	}
	if n := len(d.book.Swollen()); n != 0 || !d.book.swollen.due.IsZero() {
		t.Errorf("%d are to be written", n)
	}
	d.storm(91, 91, "noc")
	if last := d.book.Swollen(); len(last) != 1 || last[0].Notice.Evidence.Group.Total != 81 {
		t.Errorf("a process that ends leaves %+v", last)
	}
}

// Whom a group concerns for the first time while its updates have to wait is told in time, also over a kill at once.
func TestWhoIsNewToAGroupOutlivesAKill(t *testing.T) {
	d := newDesk(t)
	kept := map[string]Record{}
	write := func() {
		for _, r := range d.book.Changed() {
			kept[r.ID()] = r
		}
	}
	d.storm(1, 70, "noc") // it names no more
	for i := range updateBurst {
		d.storm(71+i, 71+i, fmt.Sprint("team", i))
	}
	write()
	before := len(d.told)
	d.storm(80, 80, "victim")
	write()
	if len(d.told) > before {
		t.Fatalf("told at once %+v", d.told[before:])
	}
	d.book = NewBook(Options{NewID: d.book.opt.NewID})
	d.book.Restore(slices.Collect(maps.Values(kept)), nil)
	d.pass(2 * updateEvery)
	if !slices.ContainsFunc(d.told[before:], func(n notice.Notice) bool { return slices.Contains(teams(&n), "victim") }) {
		t.Errorf("told after the kill %+v", d.told[before:])
	}
}

// What a group names of its members is on disk with them: a restart names the same.
func TestWhatAGroupNamesOutlivesAKill(t *testing.T) {
	d := newDesk(t)
	kept := map[string]Record{}
	for _, from := range []int{1, 12, 61} {
		d.storm(from, min(from+48, 80), "noc")
		for _, r := range d.book.Changed() {
			kept[r.ID()] = r
		}
	}
	again := NewBook(Options{NewID: d.book.opt.NewID})
	again.Restore(slices.Collect(maps.Values(kept)), nil)
	n, was := again.Record(d.told[10].Incident).Notice.Evidence, d.book.Record(d.told[10].Incident).Notice.Evidence
	if !slices.Equal(n.Group.Examples, was.Group.Examples) || len(n.Routes) != len(was.Routes) || n.Group.Total != was.Group.Total {
		t.Errorf("a restart finds %+v with %d routes, it was %+v with %d", n.Group, len(n.Routes), was.Group, len(was.Routes))
	}
}

// Members whose group is lost with a database are told singly, and looked at with all others.
func TestMembersOfALostGroup(t *testing.T) {
	d := newDesk(t)
	d.storm(1, 13, "noc")
	group := d.told[10].Incident
	var members []Record
	for _, r := range d.book.Records() {
		if r.Group == group {
			members = append(members, r)
		}
	}
	d.book = NewBook(Options{NewID: d.book.opt.NewID})
	d.book.Restore(members, nil)
	if loud := d.book.Loud(); len(members) != 3 || len(loud) != 3 {
		t.Errorf("of %d members %d are loud", len(members), len(loud))
	}
	before := len(d.told)
	d.pass(time.Second)
	if told := d.told[before:]; len(told) != 3 {
		t.Errorf("told %+v", told)
	}
}

// What fires behind a group that was over within the five seconds is behind the eleventh too: it is not told singly again.
func TestGroupThatIsSoonOver(t *testing.T) {
	d := newDesk(t)
	d.storm(1, 13, "noc")
	d.calm(1, 13)
	d.now = d.now.Add(time.Second)
	before := len(d.told)
	d.storm(1, 13, "noc")
	told := d.told[before:]
	if len(told) != 1 || told[0].Status != notice.Firing || told[0].Evidence.Group == nil {
		t.Fatalf("within five seconds %d notices, the first of %s", len(told), told[0].Incident)
	}
	d.calm(1, 13)
	d.now = d.now.Add(groupWithin)
	before = len(d.told)
	if d.storm(1, 10, "noc"); len(d.told) != before+10 {
		t.Errorf("five seconds later told %+v", d.told[before:])
	}
}

// The log was told of what a silence held back. Where a group tells the channels of it when the silence is over, the log is told of
// its end all the same.
func TestLogHearsTheEndOfWhatAGroupTookIn(t *testing.T) {
	d := newDesk(t)
	d.book.Silence(Silence{ID: "s1", Until: d.now.Add(time.Minute)}, d.now)
	d.storm(1, 13, "noc")
	d.now = d.now.Add(time.Minute)
	d.keep(first(d.book.Tick(d.now)))
	d.calm(1, 13)
	log, aloud := map[string]string{}, 0
	for _, n := range d.told {
		log[n.Incident] += " " + string(n.Status)
		if n.Held == "" && n.Status == notice.Resolved {
			aloud++
		}
	}
	if len(log) != 14 || aloud != 11 {
		t.Errorf("%d incidents, %d ends are told to channels", len(log), aloud)
	}
	for id, statuses := range log {
		if statuses != " firing resolved" && statuses != " firing firing resolved" {
			t.Errorf("the log was told of %s:%s", id, statuses)
		}
	}
}

// A prefix that comes and goes is one of those that a group names, however often it does.
func TestGroupNamesOnceWhatComesAgain(t *testing.T) {
	d := newDesk(t)
	d.storm(1, 12, "noc")
	for range 20 {
		d.calm(12, 12)
		d.storm(12, 12, "noc")
	}
	d.pass(time.Hour)
	if len(d.book.groupOf) != 1 {
		t.Fatalf("%d groups", len(d.book.groupOf))
	}
	for _, g := range d.book.groupOf {
		want := fmt.Sprintf("at 2 more prefixes, such as %s and %s: ", numbered(11), numbered(12))
		if s := g.rec.Notice.Summary; !strings.Contains(s, want) {
			t.Errorf("told %q, want %q in it", s, want)
		}
	}
}
