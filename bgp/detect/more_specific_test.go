package detect_test

import (
	"testing"
	"time"

	"peervane/bgp"
	"peervane/bgp/detect"
)

func TestNewMoreSpecificRules(t *testing.T) {
	// hijacked has one half announced by its owner, who also counters what happens to the prefix `at`.
	hijacked := func(l *lab, at string) (e1 *site) {
		e1 = l.peer("e1", 64500, bgp.Provider)
		l.announce(e1, exact, direct)
		l.announce(e1, at, "64500 65550", pathID(1))
		l.wait(time.Minute)
		l.announce(e1, half, direct, pathID(2))
		return e1
	}
	checkRules(t, []rule{
		{"a more-specific longer than `max_length` from a legitimate origin", func(l *lab) {
			l.announce(l.peer("e1", 64500, bgp.Provider), half, direct)
			l.announce(l.sites[0], exact, direct)
		}, []string{"new_more_specific warning 203.0.113.128/25 AS64496 e1/1"}},
		{"longer than `max_length`: one that is not is legitimate", func(l *lab) {
			l.reg.Policy.MaxLength = 25
			l.announce(l.peer("e1", 64500, bgp.Provider), half, direct)
			l.announce(l.sites[0], exact, direct)
		}, nil},
		{"longer than `max_length`: one bit is enough", func(l *lab) {
			l.reg.Policy.MaxLength = 25
			l.announce(l.peer("e1", 64500, bgp.Provider), "203.0.113.0/26", direct)
			l.announce(l.sites[0], exact, direct)
		}, []string{"new_more_specific warning 203.0.113.0/26 AS64496 e1/1"}},
		{"from a legitimate origin: AS_TRANS proves nothing", func(l *lab) {
			l.announce(l.peer("e1", 64500, bgp.Provider), half, "64500 23456")
			l.announce(l.sites[0], exact, direct)
		}, nil},
		{"a route from an internal peer whose path is empty is locally originated: it is no `new_more_specific`", func(l *lab) {
			l.reg.Policy.Origins = []uint32{ourASN}
			l.announce(l.peer("e1", ourASN, bgp.Internal), half, "")
			l.announce(l.sites[0], exact, "")
		}, nil},
		{"`info` while a `subprefix` incident covers it: the same prefix", func(l *lab) { hijacked(l, half) }, []string{
			"subprefix critical 203.0.113.128/25 AS65550 e1/1",
			"new_more_specific info 203.0.113.128/25 AS64496 e1/1",
		}},
		{"`info` while a `subprefix` incident covers it: inside the hijacked one", func(l *lab) {
			l.reg.Prefix = parent
			l.announce(hijacked(l, exact), parent.String(), direct)
		}, []string{
			"subprefix critical 203.0.113.0/24 AS65550 e1/1", "new_more_specific info 203.0.113.0/24 AS64496 e1/1",
			"new_more_specific info 203.0.113.128/25 AS64496 e1/1",
		}},
		{"`info` while an incident covers it: that of the registered prefix itself, too", func(l *lab) { hijacked(l, exact) }, []string{
			"origin_change critical 203.0.113.0/24 AS65550 e1/1",
			"new_more_specific info 203.0.113.128/25 AS64496 e1/1",
		}},
		{"covers it: another part of the prefix does not", func(l *lab) { hijacked(l, "203.0.113.0/25") }, []string{
			"subprefix critical 203.0.113.0/25 AS65550 e1/1",
			"new_more_specific warning 203.0.113.128/25 AS64496 e1/1",
		}},
		{"covers it: a part of it does not", func(l *lab) { hijacked(l, "203.0.113.128/26") }, []string{
			"new_more_specific warning 203.0.113.128/25 AS64496 e1/1",
			"subprefix critical 203.0.113.128/26 AS65550 e1/1",
		}},
		{"and for 1 h after", func(l *lab) {
			l.withdraw(hijacked(l, half), half, 1)
			l.wait(time.Hour - time.Second)
		}, []string{"new_more_specific info 203.0.113.128/25 AS64496 e1/1"}},
		{"and for 1 h after, not longer", func(l *lab) {
			l.withdraw(hijacked(l, half), half, 1)
			l.wait(time.Hour)
		}, []string{"new_more_specific warning 203.0.113.128/25 AS64496 e1/1"}},
		{"and for 1 h after, also over a restart", func(l *lab) {
			l.withdraw(hijacked(l, half), half, 1)
			l.restart()
			l.wait(time.Minute)
		}, []string{"new_more_specific info 203.0.113.128/25 AS64496 e1/1"}},
		{"a counter-announcement does not come through the hijacker, who may have forged its origin", func(l *lab) {
			e1 := hijacked(l, half)
			l.withdraw(e1, half, 1)
			l.announce(e1, half, "64500 65550 64501 64496", pathID(2))
		}, []string{"new_more_specific warning 203.0.113.128/25 AS64496 e1/1"}},
		{"`min_vantages`: a hijack that too few vantages show is no incident", func(l *lab) {
			l.reg.Policy.MinVantages = 2
			hijacked(l, half)
		}, []string{
			"subprefix critical 203.0.113.128/25 AS65550 e1/1 quiet",
			"new_more_specific warning 203.0.113.128/25 AS64496 e1/1 quiet",
		}},
		{"A type set to `off` takes no precedence", func(l *lab) {
			l.settings.Off["subprefix"] = true
			hijacked(l, half)
		}, []string{"new_more_specific warning 203.0.113.128/25 AS64496 e1/1"}},
	})
}

func TestNewMoreSpecificEvidence(t *testing.T) {
	l := newLab(t)
	e1 := l.peer("e1", 64500, bgp.Provider)
	l.announce(e1, exact, direct)
	l.announce(e1, half, direct)
	f := l.judge()[0]
	if f.LeakType != 6 || f.Culprit != 64496 || f.Expected.MaxLength != 24 || len(f.Hints) != 1 {
		t.Errorf("%+v", f)
	}
	l.announce(e1, half, "64500 65550", pathID(1))
	l.withdraw(e1, half, 1)
	f = l.judge()[0]
	if f.LeakType != 0 || f.Hints[0] != "a counter-announcement: 203.0.113.128/25 was hijacked" {
		t.Errorf("%+v", f)
	}
	if _, recheck := detect.All(l.state(f.Offending)); !recheck.Equal(l.now.Add(time.Hour)) {
		t.Errorf("again %s", recheck)
	}
}
