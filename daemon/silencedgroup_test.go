package daemon

import (
	"strings"
	"testing"
	"time"

	"peervane/config"
	"peervane/daemon/incident"
	"peervane/daemon/notice"
)

// A silence of what is critical holds back the critical members of a group, and nothing of the others.
func TestSilenceOfTheGravestOfAGroup(t *testing.T) {
	var regs []config.Registration
	for i := range 64 {
		reg := registered(seatOfHall(i).String(), 64496)
		reg.Connection = "paris-1"
		regs = append(regs, reg)
	}
	cfg := twoPeers(regs...)
	cfg.Connections = []config.Connection{{Name: "paris-1", Primary: []string{"edge1", "edge2"}, MinPrimary: 2}}
	w := newWorld(t, cfg)
	for i := range 64 {
		w.announce("edge1", seatOfHall(i).String(), 64500, 64496)
		w.announce("edge2", seatOfHall(i).String(), 64501, 64496)
	}
	w.pass(time.Minute)
	m, err := incident.ParseMatcher("severity=critical")
	if err != nil {
		t.Fatal(err)
	}
	until := w.now.Add(2 * time.Hour)
	w.engine.silence(incident.Silence{ID: "s", Matchers: []incident.Matcher{m}, Since: w.now, Until: until, By: "a", Why: "b"}, w.now)
	for i := range 14 {
		w.withdraw("edge1", seatOfHall(i).String())
	}
	if got := w.pass(2 * time.Minute); strings.Count(got, "firing:withdrawn") != 11 {
		t.Fatalf("told %s", got)
	}
	severity := func() (s notice.Severity) {
		for _, r := range w.engine.book.Loud() {
			if r.Notice.Evidence.Group != nil {
				s = r.Notice.Severity
			}
		}
		return s
	}
	w.withdraw("edge2", seatOfHall(13).String())
	w.want(w.pass(2*time.Minute), "")
	if s := severity(); s != notice.Warning {
		t.Errorf("what is silenced makes the group %s", s)
	}
	for i := 14; i < 60; i++ {
		w.withdraw("edge1", seatOfHall(i).String())
	}
	if got := w.pass(30 * time.Minute); !strings.Contains(got, "updated:withdrawn") {
		t.Errorf("46 more warnings are told to nobody: %q", got)
	}
	if got := w.pass(3 * time.Hour); !strings.Contains(got, "updated:withdrawn") || severity() != notice.Critical {
		t.Errorf("when the silence is over: %q, %s", got, severity())
	}
}
