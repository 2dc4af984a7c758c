package incident

import (
	"testing"
	"time"

	"peervane/bgp"
	"peervane/daemon/notice"
)

// lost is a desk at which the prefix is withdrawn at e1, of which nobody was told: a silence held it back until the session of
// e1 was down.
func lost(t *testing.T) *desk {
	d := newDesk(t)
	m, err := ParseMatcher("type=withdrawn")
	if err != nil {
		t.Fatal(err)
	}
	d.book.Silence(Silence{ID: "s1", Matchers: []Matcher{m}, Until: d.now.Add(time.Hour)}, d.now)
	d.aloud("a silence", d.see(gone("e1")))
	d.expect("the session", d.session(true), "incident-2 firing error 0/0")
	d.sight["e1"] = Lost
	d.aloud("its vantage is lost", d.see())
	notices, _ := d.book.Unsilence("s1", d.now)
	d.aloud("the silence is over", d.keep(notices))
	if r := d.book.Record("incident-1"); r.Held != "session_down of e1" {
		t.Errorf("held back by %q", r.Held)
	}
	return d
}

func gone(vantages ...string) bgp.Finding {
	return bgp.Finding{
		Type: notice.Withdrawn, Severity: "critical", Prefix: prefix, Offending: prefix, Since: epoch, Bad: vantages, Total: len(vantages),
		Summary: "203.0.113.0/24 withdrawn: primary session e1 does not hold it",
	}
}

// session has that of e1 judged.
func (d *desk) session(down bool) []string {
	var findings []bgp.Finding
	if down {
		findings = append(findings, bgp.Finding{Type: notice.SessionDown, Severity: "error", Peer: "e1", Since: d.now, Summary: "e1 down: lost"})
	}
	return d.keep(d.book.Reconcile(Scope{Kind: Session, Subject: "e1"}, findings, d.now, World{}))
}

// aloud expects that what was kept is told to nobody.
func (d *desk) aloud(sentence string, got []string) {
	d.Helper()
	for _, n := range d.told[len(d.told)-len(got):] {
		if n.Held == "" {
			d.Errorf("%s: told %q", sentence, got)
		}
	}
}

func TestEndOfWhatWasInhibited(t *testing.T) {
	d := lost(t)
	d.expect("the session is back, its table is not", d.session(false), "incident-2 resolved error 0/0 cleared")
	if r := d.book.Record("incident-1"); r.Held != "e1 out of sight" {
		t.Errorf("held back by %q", r.Held)
	}
	d.sight["e1"] = InSync
	d.expect("it shows the prefix: one of which nobody was told ends for the log alone", d.see(), "incident-1 resolved critical 0/1 cleared")
	if n := d.told[len(d.told)-1]; n.Held == "" {
		t.Error("its end was told to others")
	}

	d = lost(t)
	d.session(false)
	d.sight["e1"] = InSync
	d.expect("it does not show the prefix", d.see(gone("e1")), "incident-1 firing critical 1/1")
	d.sight["e1"] = Lost
	d.expect("of what was told, the loss is", d.see(), "incident-1 updated critical 1/1 vantage_lost")
	d.session(true)
	d.sight["e1"] = Gone
	d.expect("and its end, whatever holds it back", d.see(), "incident-1 resolved critical 0/1 config")
	if n := d.told[len(d.told)-1]; n.Held != "" {
		t.Errorf("its end is held back: %s", n.Held)
	}

	d = lost(t)
	d.aloud("by configuration while it is held back", d.keep(d.book.Remove(routing, d.now)))
	d.expect("then the end of the session tells nothing of it", d.session(false), "incident-2 resolved error 0/0 cleared")
}

// A session that is no longer watched for holds nothing back: what nobody could tell of is told.
func TestSessionRemovedTellsWhatItHeldBack(t *testing.T) {
	d := newDesk(t)
	d.session(true)
	d.aloud("withdrawn at the session that is down", d.see(gone("e1")))
	d.expect("another session shows it too: nothing explains that", d.see(gone("e1", "e2")), "incident-2 firing critical 2/2")

	d = newDesk(t)
	d.session(true)
	d.aloud("withdrawn at the session that is down", d.see(gone("e1")))
	d.expect("the session is removed", d.keep(d.book.Remove(Scope{Kind: Session, Subject: "e1"}, d.now)),
		"incident-1 resolved error 0/0 config", "incident-2 firing critical 1/1")
}
