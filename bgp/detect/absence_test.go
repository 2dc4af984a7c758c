package detect_test

import (
	"testing"
	"time"

	"peervane/bgp"
	"peervane/bgp/detect"
)

const (
	direct = "64500 64496"
	longer = "64500 64501 64496"
)

// paris is a connection of two primary sessions, both required, and a backup.
func paris(l *lab) (e1, e2, e3 *site) {
	l.reg.Connection = &detect.Connection{
		Name: "paris-1", Primary: []string{"e1", "e2"}, Backup: []string{"e3"}, MinPrimary: 2,
	}
	e1, e2 = l.peer("e1", 64500, bgp.Provider), l.peer("e2", 64500, bgp.Provider)
	e3 = l.peer("e3", 64500, bgp.Provider)
	for _, s := range []*site{e1, e2, e3} {
		l.announce(s, "203.0.113.0/24", direct)
	}
	return e1, e2, e3
}

func TestWithdrawnRules(t *testing.T) {
	checkRules(t, []rule{
		{"every session holds it", func(l *lab) { paris(l) }, nil},
		{"of the primary vantages in sync, at least one, none holds a route from a legitimate origin: critical", func(l *lab) {
			e1, e2, _ := paris(l)
			l.withdraw(e1, "203.0.113.0/24")
			l.withdraw(e2, "203.0.113.0/24")
		}, []string{
			"withdrawn critical 203.0.113.0/24 e1,e2/2",
		}},
		{"fewer than `min_primary` do: warning", func(l *lab) {
			e1, _, _ := paris(l)
			l.withdraw(e1, "203.0.113.0/24")
		}, []string{"withdrawn warning 203.0.113.0/24 e1/2"}},
		{"backup lost: warning", func(l *lab) {
			_, _, e3 := paris(l)
			l.withdraw(e3, "203.0.113.0/24")
		}, []string{"withdrawn warning 203.0.113.0/24 e3/1"}},
		{"both are one incident", func(l *lab) {
			e1, _, e3 := paris(l)
			l.withdraw(e1, "203.0.113.0/24")
			l.withdraw(e3, "203.0.113.0/24")
		}, []string{"withdrawn warning 203.0.113.0/24 e1,e3/3"}},
		{"Vantages that are lost count neither way", func(l *lab) {
			e1, _, _ := paris(l)
			l.lose(e1)
		}, nil},
		{"Vantages that are lost count neither way: none of those in sync holds it", func(l *lab) {
			e1, e2, _ := paris(l)
			l.lose(e1)
			l.withdraw(e2, "203.0.113.0/24")
		}, []string{"withdrawn critical 203.0.113.0/24 e2/1"}},
		{"... or not yet in sync", func(l *lab) {
			e1, e2, _ := paris(l)
			l.lose(e1)
			l.lose(e2)
			l.rise(e1)
		}, nil},
		{"at least one: no vantage in sync, no judgement", func(l *lab) {
			e1, e2, e3 := paris(l)
			l.lose(e1)
			l.lose(e2)
			l.lose(e3)
		}, nil},
		{"A problem that is there at start-up is found at End-of-RIB at the latest", func(l *lab) {
			e1, e2, _ := paris(l)
			l.lose(e1)
			l.lose(e2)
			l.sync(e1)
		}, []string{"withdrawn critical 203.0.113.0/24 e1/1"}},
		{"or the route has been seen", func(l *lab) {
			e1, e2, _ := paris(l)
			l.lose(e1)
			l.rise(e1)
			l.announce(e1, "203.0.113.0/24", direct)
			l.withdraw(e2, "203.0.113.0/24")
		}, []string{"withdrawn warning 203.0.113.0/24 e2/2"}},
		{"Routes kept as stale by graceful restart count as held", func(l *lab) {
			e1, e2, _ := paris(l)
			l.keep(e1)
			l.keep(e2)
		}, nil},
		{"absence is judged on its best path", func(l *lab) {
			e1, _, _ := paris(l)
			l.reg.Connection.MinPrimary = 1
			l.settings.Off["origin_change"] = true
			l.announce(e1, "203.0.113.0/24", "64500 64501 65550", pathID(7))
		}, nil},
		{"without a connection every peer counts as primary, and min_primary is 1", func(l *lab) {
			e1, e2, _ := paris(l)
			l.reg.Connection = nil
			l.withdraw(e1, "203.0.113.0/24")
			l.withdraw(e2, "203.0.113.0/24")
		}, nil},
		{"a collector's peer is no session of ours", func(l *lab) {
			l.announce(l.peer("e1", 64500, bgp.Provider), "203.0.113.0/24", direct)
			c := l.collector("a", 64700)
			l.announce(c, "203.0.113.0/24", "64700 64496")
			l.withdraw(c, "203.0.113.0/24")
		}, nil},
		{"in a replay every vantage of the recording is primary, and min_primary is 1", func(l *lab) {
			l.settings.Replay = true
			l.reg.Connection = &detect.Connection{Primary: []string{"e1"}, MinPrimary: 2}
			l.announce(l.collector("a", 64700), "203.0.113.0/24", "64700 64496")
			l.collector("b", 64701)
			l.learn()
		}, nil},
		{"in a replay: none of them holds it", func(l *lab) {
			l.settings.Replay = true
			l.collector("a", 64700)
			l.collector("b", 64701)
			l.learn()
		}, []string{"withdrawn critical 203.0.113.0/24 ris/a,ris/b/2"}},
		{"optional (absence is fine)", func(l *lab) {
			e1, e2, _ := paris(l)
			l.reg.Policy.Expect = detect.Optional
			l.withdraw(e1, "203.0.113.0/24")
			l.withdraw(e2, "203.0.113.0/24")
		}, nil},
		{"[] = fail over to the internet: no backup to lose", func(l *lab) {
			_, _, e3 := paris(l)
			l.reg.Connection.Backup = nil
			l.withdraw(e3, "203.0.113.0/24")
		}, nil},
		{"dynamic neighbours are named NAME/ADDRESS", func(l *lab) {
			l.reg.Connection = &detect.Connection{Primary: []string{"edge"}}
			l.peer("other", 64500, bgp.Provider)
			l.peer("edge/192.0.2.7", 64500, bgp.Provider)
			l.learn()
		}, []string{"withdrawn critical 203.0.113.0/24 edge/192.0.2.7/1"}},
		{"On an external session with an ASN of ours (`daemon.asn`) among the prefix's origins, absence is not judged ...", func(l *lab) {
			l.reg.Policy.Origins = []uint32{ourASN}
			l.peer("e1", 64500, bgp.Provider)
			l.learn()
		}, nil},
		{"(`local_asn`)", func(l *lab) {
			l.peer("e1", 64500, bgp.Provider).LocalASN = 64496
			l.learn()
		}, nil},
		{"... until the route has been seen there", func(l *lab) {
			l.reg.Policy.Origins = []uint32{ourASN}
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", "64500 64512")
			l.withdraw(e1, "203.0.113.0/24")
		}, []string{"withdrawn critical 203.0.113.0/24 e1/1"}},
		{"... which outlives a restart", func(l *lab) {
			l.reg.Policy.Origins = []uint32{ourASN}
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", "64500 64512")
			l.lose(e1)
			l.restart()
			l.sync(e1)
		}, []string{"withdrawn critical 203.0.113.0/24 e1/1"}},
		{"on an internal session it is judged from the beginning", func(l *lab) {
			l.reg.Policy.Origins = []uint32{ourASN}
			l.peer("e1", ourASN, bgp.Internal)
			l.learn()
		}, []string{"withdrawn critical 203.0.113.0/24 e1/1"}},
		{"what loses goes into `evidence.also` and raises no incident of its own", func(l *lab) {
			e1, e2, _ := paris(l)
			l.announce(e1, "203.0.113.0/24", "64500 65550")
			l.announce(e2, "203.0.113.0/24", "64500 65550")
		}, []string{"origin_change critical 203.0.113.0/24 AS65550 e1,e2/3 also path_change,withdrawn"}},
		{"for one offending route: a session that holds none is missed for itself", func(l *lab) {
			e1, e2, _ := paris(l)
			l.announce(e1, "203.0.113.0/24", "64500 65550")
			l.withdraw(e2, "203.0.113.0/24")
		}, []string{
			"origin_change critical 203.0.113.0/24 AS65550 e1/3 also path_change",
			"withdrawn critical 203.0.113.0/24 e1,e2/2",
		}},
	})
}

// Path hunting at the last session is not an outage: the graver variant has to hold as long as the first one had.
func TestWithdrawnGraver(t *testing.T) {
	l := newLab(t)
	e1, e2, _ := paris(l)
	l.withdraw(e1, "203.0.113.0/24")
	l.wait(time.Minute)
	lost := l.now
	l.withdraw(e2, "203.0.113.0/24")
	findings, recheck := detect.All(l.state(registered))
	if f := findings[0]; f.Severity != "warning" || !f.Since.Equal(epoch) || !recheck.Equal(lost.Add(30*time.Second)) {
		t.Errorf("at once: %s since %s, again %s", f.Severity, f.Since, recheck)
	}
	l.wait(30 * time.Second)
	if f := l.judge()[0]; f.Severity != "critical" || !f.Since.Equal(epoch) {
		t.Errorf("after absence_hold: %s since %s", f.Severity, f.Since)
	}
	l.announce(e2, "203.0.113.0/24", direct)
	if f := l.judge()[0]; f.Severity != "warning" {
		t.Errorf("when one is back: %s", f.Severity)
	}
}

func TestWithdrawnEvidence(t *testing.T) {
	l := newLab(t)
	e1, e2, _ := paris(l)
	l.wait(time.Hour)
	l.withdraw(e1, "203.0.113.0/24")
	l.withdraw(e2, "203.0.113.0/24")
	f := l.judge()[0]
	if !f.Since.Equal(l.now) || f.Hold != 30*time.Second || f.Connection != "paris-1" || f.Expected.Sessions != 2 {
		t.Errorf("since %s hold %s connection %q sessions %d", f.Since, f.Hold, f.Connection, f.Expected.Sessions)
	}
	if len(f.Expected.Silent) != 2 || len(f.Previous) != 2 || f.Previous[0].Attrs.Path.String() != direct {
		t.Errorf("silent %v, previous %v", f.Expected.Silent, f.Previous)
	}
}

const aggregate = "203.0.112.0/22"

const hour = time.Hour

func TestCoveringChangeRules(t *testing.T) {
	withdrawnToo := func(line string) []string {
		return []string{line, "withdrawn critical 203.0.113.0/24 e1/1"}
	}
	checkRules(t, []rule{
		{"the covering route stood when a legitimate exact route was last held", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, aggregate, "64500 65550")
			l.announce(e1, "203.0.113.0/24", direct)
			l.withdraw(e1, "203.0.113.0/24")
		}, []string{"withdrawn critical 203.0.113.0/24 e1/1"}},
		{"the covering route that would now carry its traffic appeared since", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", direct)
			l.withdraw(e1, "203.0.113.0/24")
			l.announce(e1, aggregate, "64500 65550")
		}, withdrawnToo("covering_change error 203.0.112.0/22 AS65550 e1/1")},
		{"or changed since", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, aggregate, "64500 64499")
			l.announce(e1, "203.0.113.0/24", direct)
			l.withdraw(e1, "203.0.113.0/24")
			l.announce(e1, aggregate, "64500 65550")
		}, withdrawnToo("covering_change error 203.0.112.0/22 AS65550 e1/1")},
		{"a longer one carries the traffic", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, aggregate, "64500 64499")
			l.announce(e1, "203.0.113.0/24", direct)
			l.withdraw(e1, "203.0.113.0/24")
			l.announce(e1, "203.0.112.0/23", "64500 65550")
		}, withdrawnToo("covering_change error 203.0.112.0/23 AS65550 e1/1")},
		{"another way to the same origin is no change", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, aggregate, "64500 64499")
			l.announce(e1, "203.0.113.0/24", direct)
			l.withdraw(e1, "203.0.113.0/24")
			l.announce(e1, aggregate, "64500 64501 64499")
		}, []string{"withdrawn critical 203.0.113.0/24 e1/1"}},
		{"from an origin neither in `origins`", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", direct)
			l.withdraw(e1, "203.0.113.0/24")
			l.announce(e1, aggregate, "64500 64496")
		}, []string{"withdrawn critical 203.0.113.0/24 e1/1"}},
		{"nor in `covering_origins`", func(l *lab) {
			l.reg.Policy.CoveringOrigins = []uint32{64500}
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", direct)
			l.withdraw(e1, "203.0.113.0/24")
			l.announce(e1, aggregate, "64500")
		}, []string{"withdrawn critical 203.0.113.0/24 e1/1"}},
		{"no exact route", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", direct)
			l.announce(e1, aggregate, "64500 65550")
		}, nil},
		{"default routes do not count", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", direct)
			l.withdraw(e1, "203.0.113.0/24")
			l.announce(e1, "0.0.0.0/0", "64500")
		}, []string{"withdrawn critical 203.0.113.0/24 e1/1"}},
		{"or at first sync", func(l *lab) {
			l.announce(l.peer("e1", 64500, bgp.Provider), aggregate, "64500 65550")
		}, []string{"withdrawn critical 203.0.113.0/24 e1/1"}},
		{"(persisted)", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, aggregate, "64500 64499")
			l.announce(e1, "203.0.113.0/24", direct)
			l.lose(e1)
			l.restart()
			l.rise(e1)
			l.announce(e1, aggregate, "64500 65550")
			l.sync(e1)
		}, withdrawnToo("covering_change error 203.0.112.0/22 AS65550 e1/1")},
		{"settles after `path_settle`", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", direct)
			l.withdraw(e1, "203.0.113.0/24")
			l.announce(e1, aggregate, "64500 65550")
			l.wait(24 * time.Hour)
		}, []string{"withdrawn critical 203.0.113.0/24 e1/1"}},
		{"AS_TRANS proves nothing", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", direct)
			l.withdraw(e1, "203.0.113.0/24")
			l.announce(e1, aggregate, "64500 23456")
		}, []string{"withdrawn critical 203.0.113.0/24 e1/1"}},
		{"our own routes do not come back", func(l *lab) {
			l.reg.Policy.Origins = []uint32{ourASN}
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.learn()
			l.announce(e1, aggregate, "64500 65550")
		}, nil},
		{"a hijack of the exact prefix leaves what to compare with as it is", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", direct)
			l.announce(e1, "203.0.113.0/24", "64500 65550")
			l.announce(e1, aggregate, "64500 65550")
			l.withdraw(e1, "203.0.113.0/24")
		}, withdrawnToo("covering_change error 203.0.112.0/22 AS65550 e1/1")},
	})
}

func TestCoveringChangeSince(t *testing.T) {
	l := newLab(t)
	e1 := l.peer("e1", 64500, bgp.Provider)
	l.announce(e1, "203.0.113.0/24", direct)
	l.wait(time.Minute)
	l.withdraw(e1, "203.0.113.0/24")
	l.wait(time.Minute)
	began := l.now
	l.announce(e1, aggregate, "64500 65550")
	l.wait(time.Minute)
	findings, recheck := detect.All(l.state(registered))
	if f := findings[0]; !f.Since.Equal(began) || f.Hold != 30*time.Second || !recheck.Equal(began.Add(24*time.Hour)) {
		t.Errorf("since %s hold %s, again %s", f.Since, f.Hold, recheck)
	}
	l.now = recheck
	l.learn()
	if l.settled == nil || l.settled[0] != "covering_change" {
		t.Errorf("settled %v", l.settled)
	}
}
