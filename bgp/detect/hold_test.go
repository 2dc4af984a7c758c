package detect_test

import (
	"net/netip"
	"testing"
	"time"

	"peervane/bgp"
	"peervane/bgp/detect"
)

// While a hijack waits for its hold, absence is judged by itself, and again at the end of it.
func TestAbsenceBesideAHeldHijack(t *testing.T) {
	l := newLab(t)
	l.settings.Hold = 10 * time.Minute
	e := l.peer("edge1", 64500, bgp.Provider)
	l.announce(e, "203.0.113.0/24", "64500 64496")
	l.judge()
	l.announce(e, "203.0.113.0/24", "64500 65550")
	s := l.state(netip.MustParsePrefix("203.0.113.0/24"))
	s.Hijacks = nil // nobody has been told of it yet
	s.Learn()
	findings, again := detect.All(s)
	if got := show(findings); len(got) != 2 || findings[0].Type != "origin_change" || findings[1].Type != "withdrawn" {
		t.Errorf("found %q", got)
	}
	if !again.Equal(s.Now.Add(l.settings.Hold)) {
		t.Errorf("judged again at %s, now it is %s", again, s.Now)
	}
}
