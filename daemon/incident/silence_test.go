package incident

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func silenceOf(t *testing.T, matchers ...string) *Silence {
	t.Helper()
	s := &Silence{ID: "s1", Since: epoch, Until: epoch.Add(time.Hour), By: "anna", Why: "fibre work"}
	for _, text := range matchers {
		m, err := ParseMatcher(text)
		if err != nil {
			t.Fatal(err)
		}
		s.Matchers = append(s.Matchers, m)
	}
	return s
}

// A silence that can hold back nothing is refused: whoever gave it believes that something is held back.
func TestSilenceThatCanMatchNothing(t *testing.T) {
	for _, c := range []struct {
		matchers string
		refused  string
	}{
		{"type=withdrawn type=subprefix", "no incident has type=withdrawn and type=subprefix: write type=withdrawn,subprefix for any of them"},
		{"type=withdrawn,subprefix type=subprefix", ""},
		{"severity=error culprit=64496 severity=warning", "no incident has severity=error and severity=warning"},
		{"culprit=64496 culprit=AS64496", ""},
		{"prefix=203.0.113.0/24 prefix=198.51.100.0/24", "write prefix=203.0.113.0/24,198.51.100.0/24 for any"},
		{"prefix=203.0.113.0/24 prefix=203.0.113.128/25", ""},
		{"prefix=203.0.113.0/24 prefix=2001:db8::/32", "no incident has"},
		{"label.team=noc label.team=ops", "no incident has label.team=noc and label.team=ops"},
		{"label.team=noc label.site=par", ""},
		{"connection=a connection=b", ""}, // of which an incident may have both
		{"incident=a incident=b", ""},     // itself, and its group
		{"peer=a pop=a", ""},
	} {
		err := silenceOf(t, strings.Fields(c.matchers)...).Check(epoch)
		if (err == nil) != (c.refused == "") || err != nil && !strings.Contains(err.Error(), c.refused) {
			t.Errorf("%s: %v", c.matchers, err)
		}
	}
}

func TestSilenceOfAnIncidentThatIsNotOpen(t *testing.T) {
	d := newDesk(t)
	d.storm(1, 1, "noc")
	id := d.told[0].Incident
	for matcher, want := range map[string]error{"incident=" + id: nil, "incident=nobody," + id: nil, "incident=nobody": ErrUnknown, "type=withdrawn": nil} {
		if err := d.book.Silenceable(silenceOf(t, matcher)); !errors.Is(err, want) {
			t.Errorf("%s: %v", matcher, err)
		}
	}
	d.calm(1, 1)
	if err := d.book.Silenceable(silenceOf(t, "incident="+id)); !errors.Is(err, ErrUnknown) {
		t.Errorf("once it is over: %v", err)
	}
}
