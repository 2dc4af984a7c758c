package detect_test

import (
	"slices"
	"testing"
	"time"

	"peervane/bgp"
	"peervane/bgp/detect"
)

func TestMissingUpstreamRules(t *testing.T) {
	// two has two sessions; both upstreams are required, and each is seen at one of them.
	two := func(l *lab) (e1, e2 *site) {
		l.reg.Policy.Required = []uint32{64500, 64501}
		e1, e2 = l.peer("e1", 64500, bgp.Provider), l.peer("e2", 64502, bgp.Provider)
		l.announce(e1, exact, direct)
		l.announce(e2, exact, "64502 64501 64496")
		return e1, e2
	}
	gone := []string{"missing_upstream warning 203.0.113.0/24 AS64501 e1,e2/2"}
	checkRules(t, []rule{
		{"each must be seen next to the origin at some vantage", func(l *lab) { two(l) }, nil},
		{"a required upstream is seen at no vantage", func(l *lab) {
			_, e2 := two(l)
			l.announce(e2, exact, "64502 64500 64496")
		}, append(slices.Clone(gone), "path_change info 203.0.113.0/24 e2/2")},
		{"a required upstream is seen at no vantage: the session is in sync without the prefix", func(l *lab) {
			_, e2 := two(l)
			l.withdraw(e2, exact)
		}, []string{"missing_upstream warning 203.0.113.0/24 AS64501 e1/1"}},
		{"seen next to the origin: further away is not enough", func(l *lab) {
			l.reg.Policy.Required = []uint32{64500}
			provider(l, longer)
		}, []string{"missing_upstream warning 203.0.113.0/24 AS64500 e1/1"}},
		{"at some vantage: a collector's peer is one", func(l *lab) {
			_, e2 := two(l)
			l.announce(l.collector("a", 64700), exact, "64700 64501 64496")
			l.withdraw(e2, exact)
		}, nil},
		{"at some vantage: any of its paths", func(l *lab) {
			l.reg.Policy.Required = []uint32{64500, 64501}
			l.announce(provider(l, direct), exact, longer, pathID(1))
		}, nil},
		{"Losing a vantage: its last routes become unknown, and unknown is not missing", func(l *lab) {
			_, e2 := two(l)
			l.lose(e2)
		}, nil},
		{"Losing a vantage: not either, once it is back and has not told all", func(l *lab) {
			_, e2 := two(l)
			l.lose(e2)
			l.rise(e2)
		}, nil},
		{"Losing a vantage: also over a restart", func(l *lab) {
			_, e2 := two(l)
			l.lose(e2)
			l.restart()
			l.wait(time.Minute)
		}, nil},
		{"it is back in sync without it", func(l *lab) {
			_, e2 := two(l)
			l.lose(e2)
			l.sync(e2)
		}, []string{"missing_upstream warning 203.0.113.0/24 AS64501 e1/1"}},
		{"Routes kept as stale by graceful restart count as held", func(l *lab) {
			_, e2 := two(l)
			l.keep(e2)
		}, nil},
		{"not before the vantages in reach have told all", func(l *lab) {
			e1, e2 := two(l)
			l.lose(e1)
			l.lose(e2)
			l.memory = &detect.Memory{}
			l.rise(e2)
			l.sync(e1)
			l.announce(e1, exact, direct)
		}, nil},
		{"withdrawn everywhere is withdrawn", func(l *lab) {
			e1, e2 := two(l)
			l.withdraw(e1, exact)
			l.withdraw(e2, exact)
		}, []string{"withdrawn critical 203.0.113.0/24 e1,e2/2"}},
		{"two of them are two incidents", func(l *lab) {
			l.reg.Policy.Required = []uint32{64508, 64509}
			provider(l, direct)
		}, []string{"missing_upstream warning 203.0.113.0/24 AS64508 e1/1", "missing_upstream warning 203.0.113.0/24 AS64509 e1/1"}},
		{"next to a neighbour who is the origin that is us", func(l *lab) {
			l.reg.Policy.Required = []uint32{ourASN}
			l.announce(l.peer("e1", 64496, bgp.Customer), exact, "64496")
		}, nil},
		{"siblings: ASNs of one organisation are one", func(l *lab) {
			l.reg.Policy.Required = []uint32{64501}
			l.settings.Siblings = map[uint32]uint32{64500: 64500, 64501: 64500}
			provider(l, direct)
		}, nil},
		{"AS_TRANS (23456) never proves anything", func(l *lab) {
			l.reg.Policy.Required = []uint32{64501}
			provider(l, "64500 23456 64496")
		}, nil},
		{"`min_vantages`: it does not apply to absence", func(l *lab) {
			l.reg.Policy.MinVantages = 9
			l.reg.Policy.Required = []uint32{64501}
			provider(l, direct)
		}, []string{"missing_upstream warning 203.0.113.0/24 AS64501 e1/1"}},
	})
}

func TestMissingUpstreamSince(t *testing.T) {
	l := newLab(t)
	l.reg.Policy.Required = []uint32{64501}
	e1 := provider(l, longer)
	l.wait(hour)
	l.announce(e1, exact, direct)
	lost := l.now
	l.wait(time.Minute)
	l.restart()
	l.announce(e1, exact, "64500 64502 64496")
	f := l.judge()[0]
	if f.Type != "missing_upstream" || !f.Since.Equal(lost) || f.Hold != 30*time.Second || !slices.Equal(f.Expected.Upstreams, []uint32{64501}) {
		t.Errorf("%+v", f)
	}
}
