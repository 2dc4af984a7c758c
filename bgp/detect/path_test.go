package detect_test

import (
	"slices"
	"testing"
	"time"

	"peervane/bgp"
	"peervane/bgp/detect"
)

func TestPathChangeRules(t *testing.T) {
	checkRules(t, []rule{
		{"the first settled path is the first one that was held in sync", func(l *lab) {
			l.announce(l.peer("e1", 64500, bgp.Provider), "203.0.113.0/24", longer)
		}, nil},
		{"one that came after the table, and was left before it had held for path_change_hold, was never settled", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.wait(time.Second)
			l.announce(e1, "203.0.113.0/24", direct)
			l.wait(59 * time.Second)
			l.announce(e1, "203.0.113.0/24", longer)
			l.wait(time.Hour)
		}, nil},
		{"... and was, once it had", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.wait(time.Second)
			l.announce(e1, "203.0.113.0/24", direct)
			l.wait(time.Minute)
			l.announce(e1, "203.0.113.0/24", longer)
		}, []string{"path_change info 203.0.113.0/24 e1/1"}},
		{"a recording without a table shows updates alone, each of which may be a step of path hunting", func(l *lab) {
			l.settings.Replay = true
			c := l.collector("a", 64500)
			c.Since = time.Time{}
			l.announce(c, "203.0.113.0/24", direct)
			l.wait(10 * time.Second)
			l.announce(c, "203.0.113.0/24", longer)
			l.wait(time.Hour)
		}, nil},
		{"the route used moved to other ASNs than the settled ones", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", direct)
			l.announce(e1, "203.0.113.0/24", longer)
		}, []string{"path_change info 203.0.113.0/24 e1/1"}},
		{"prepends and attributes alone do not count", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", direct)
			l.announce(e1, "203.0.113.0/24", "64500 64500 64496 64496 64496", med(10))
		}, nil},
		{"resolves when it returns", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", direct)
			l.announce(e1, "203.0.113.0/24", longer)
			l.announce(e1, "203.0.113.0/24", direct)
		}, nil},
		{"or is settled", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", direct)
			l.announce(e1, "203.0.113.0/24", longer)
			l.wait(24 * time.Hour)
		}, nil},
		{"what is settled is the new normal: the way back is a change", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", direct)
			l.announce(e1, "203.0.113.0/24", longer)
			l.wait(24 * time.Hour)
			l.announce(e1, "203.0.113.0/24", direct)
		}, []string{"path_change info 203.0.113.0/24 e1/1"}},
		{"a path that was left does not settle", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", direct)
			l.announce(e1, "203.0.113.0/24", longer)
			l.wait(23 * time.Hour)
			l.announce(e1, "203.0.113.0/24", "64500 64502 64496")
			l.wait(time.Hour)
		}, []string{"path_change info 203.0.113.0/24 e1/1"}},
		{"what was settled outlives a restart", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", direct)
			l.lose(e1)
			l.restart()
			l.rise(e1)
			l.announce(e1, "203.0.113.0/24", longer)
			l.sync(e1)
		}, []string{"path_change info 203.0.113.0/24 e1/1"}},
		{"an empty path, too", func(l *lab) {
			l.reg.Policy.Origins = []uint32{64496, ourASN}
			e1 := l.peer("e1", ourASN, bgp.Internal)
			l.announce(e1, "203.0.113.0/24", "")
			l.lose(e1)
			l.restart()
			l.sync(e1)
			l.announce(e1, "203.0.113.0/24", direct)
		}, []string{"path_change info 203.0.113.0/24 e1/1"}},
		{"best path: another path of the same vantage is not used", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", direct, pathID(1))
			l.announce(e1, "203.0.113.0/24", longer, pathID(2))
		}, nil},
		{"best path: it is, once the better one is gone", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", direct, pathID(1))
			l.announce(e1, "203.0.113.0/24", longer, pathID(2))
			l.withdraw(e1, "203.0.113.0/24", 1)
		}, []string{"path_change info 203.0.113.0/24 e1/1"}},
		{"a first table that is still arriving shows no path that can be relied on", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.lose(e1)
			l.rise(e1)
			l.announce(e1, "203.0.113.0/24", longer, pathID(2))
			l.announce(e1, "203.0.113.0/24", direct, pathID(1))
			l.sync(e1)
		}, nil},
		{"primary before backup: the backup's own path is not used", func(l *lab) {
			_, _, e3 := paris(l)
			l.announce(e3, "203.0.113.0/24", longer)
		}, nil},
		{"primary before backup: it is where no primary session holds the prefix", func(l *lab) {
			e1, e2, e3 := paris(l)
			l.announce(e3, "203.0.113.0/24", "64503 64496")
			l.withdraw(e1, "203.0.113.0/24")
			l.withdraw(e2, "203.0.113.0/24")
		}, []string{"withdrawn critical 203.0.113.0/24 e1,e2/2", "path_change info 203.0.113.0/24 e3/1"}},
		{"a session of another connection is no backup of this one", func(l *lab) {
			e1, e2, e3 := paris(l)
			l.announce(l.peer("e4", 64500, bgp.Provider), "203.0.113.0/24", longer)
			for _, s := range []*site{e1, e2, e3} {
				l.withdraw(s, "203.0.113.0/24")
			}
		}, []string{"withdrawn critical 203.0.113.0/24 e1,e2,e3/3"}},
		{"the backup takes the settled path too: no other ASNs", func(l *lab) {
			e1, e2, _ := paris(l)
			l.withdraw(e1, "203.0.113.0/24")
			l.withdraw(e2, "203.0.113.0/24")
		}, []string{"withdrawn critical 203.0.113.0/24 e1,e2/2"}},
		{"a primary session that is lost has moved nothing", func(l *lab) {
			e1, e2, e3 := paris(l)
			l.announce(e3, "203.0.113.0/24", "64503 64496")
			l.lose(e1)
			l.lose(e2)
		}, nil},
		{"a fail-over settles after `path_settle`", func(l *lab) {
			e1, e2, e3 := paris(l)
			l.announce(e3, "203.0.113.0/24", "64503 64496")
			l.withdraw(e1, "203.0.113.0/24")
			l.withdraw(e2, "203.0.113.0/24")
			l.wait(24 * time.Hour)
		}, []string{"withdrawn critical 203.0.113.0/24 e1,e2/2"}},
		{"silent while another incident stands on the route that it moved to", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", direct)
			l.announce(e1, "203.0.113.0/24", "64500 65550")
		}, []string{"origin_change critical 203.0.113.0/24 AS65550 e1/1 also path_change,withdrawn"}},
		{"a hijacked path is no new normal, however long it holds", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", direct)
			l.announce(e1, "203.0.113.0/24", "64500 65550")
			l.wait(48 * time.Hour)
			l.announce(e1, "203.0.113.0/24", direct)
		}, nil},
		{"nor the first one", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", "64500 65550")
			l.announce(e1, "203.0.113.0/24", direct)
		}, nil},
		{"`min_vantages` counts the vantages that show the bad route", func(l *lab) {
			l.reg.Policy.MinVantages = 2
			e1, e2 := l.peer("e1", 64500, bgp.Provider), l.peer("e2", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", direct)
			l.announce(e2, "203.0.113.0/24", direct)
			l.announce(e2, "203.0.113.0/24", longer)
		}, []string{"path_change info 203.0.113.0/24 e2/2 quiet"}},
		{"AS_TRANS in the place of an AS is no other ASN", func(l *lab) {
			e1 := l.peer("e1", 64500, bgp.Provider)
			l.announce(e1, "203.0.113.0/24", "64500 4200000001 64496")
			l.announce(e1, "203.0.113.0/24", "64500 23456 64496")
		}, nil},
		{"a collector's peer is not in use", func(l *lab) {
			l.announce(l.peer("e1", 64500, bgp.Provider), "203.0.113.0/24", direct)
			c := l.collector("a", 64700)
			l.announce(c, "203.0.113.0/24", "64700 64496")
			l.announce(c, "203.0.113.0/24", "64700 64501 64496")
		}, nil},
		{"in a replay the nearest vantage stands for all: it moved", func(l *lab) {
			l.settings.Replay = true
			a, b := l.collector("a", 64700), l.collector("b", 64701)
			l.announce(a, "203.0.113.0/24", "64700 64501 64496")
			l.announce(b, "203.0.113.0/24", "64701 64496")
			l.announce(a, "203.0.113.0/24", "64700 64502 64496")
			l.announce(b, "203.0.113.0/24", "64701 64502 64496")
		}, []string{"path_change info 203.0.113.0/24 ris/a,ris/b/2"}},
		{"in a replay the nearest vantage stands for all: it did not", func(l *lab) {
			l.settings.Replay = true
			a, b := l.collector("a", 64700), l.collector("b", 64701)
			l.announce(a, "203.0.113.0/24", "64700 64501 64496")
			l.announce(b, "203.0.113.0/24", "64701 64496")
			l.announce(a, "203.0.113.0/24", "64700 64502 64496")
		}, nil},
		{"our own `internal` ASN at its head goes", func(l *lab) {
			e1 := l.peer("e1", 64499, bgp.Internal)
			l.announce(e1, "203.0.113.0/24", "64499 64500 64496")
			l.announce(e1, "203.0.113.0/24", "64500 64496")
		}, nil},
	})
}

func TestPathChangeEvidence(t *testing.T) {
	l := newLab(t)
	e1 := l.peer("e1", 64500, bgp.Provider)
	l.announce(e1, "203.0.113.0/24", direct)
	l.wait(time.Hour)
	moved := l.now
	l.announce(e1, "203.0.113.0/24", longer)
	l.wait(time.Minute)
	l.announce(e1, "203.0.113.0/24", "64500 64501 64501 64496")
	findings, recheck := detect.All(l.state(registered))
	f := findings[0]
	if !f.Since.Equal(moved) || f.Hold != time.Minute || f.Expected.Path != direct || !recheck.Equal(moved.Add(24*time.Hour)) {
		t.Errorf("since %s hold %s expected %q, again %s", f.Since, f.Hold, f.Expected.Path, recheck)
	}
	if f.Previous[0].Attrs.Path.String() != direct || f.Routes[0].Attrs.Path.String() != "64500 64501 64501 64496" {
		t.Errorf("previous %v routes %v", f.Previous, f.Routes)
	}
	l.now = recheck
	l.learn()
	if !slices.Equal(l.settled, []string{"path_change"}) || !l.learnt {
		t.Errorf("settled %v, changed %v", l.settled, l.learnt)
	}
}

// best gives the path id of the best of some paths.
func best(t *testing.T, rel bgp.Relationship, asn uint32, announce func(*lab, *site)) uint32 {
	l := newLab(t)
	e1 := l.peer("e1", asn, rel)
	announce(l, e1)
	return l.state(registered).Routes[0].PathID
}

func TestBestPath(t *testing.T) {
	p := "203.0.113.0/24"
	for _, c := range []struct {
		rule     string
		rel      bgp.Relationship
		asn      uint32
		want     uint32
		announce func(*lab, *site)
	}{
		{"LOCAL_PREF on iBGP", bgp.Internal, ourASN, 2, func(l *lab, s *site) {
			l.announce(s, p, direct, pathID(1), localPref(90))
			l.announce(s, p, longer, pathID(2))
		}},
		{"LOCAL_PREF means nothing on eBGP", bgp.Provider, 64500, 1, func(l *lab, s *site) {
			l.announce(s, p, direct, pathID(1), localPref(90))
			l.announce(s, p, longer, pathID(2), localPref(200))
		}},
		{"AS-path length, prepends counted", bgp.Provider, 64500, 2, func(l *lab, s *site) {
			l.announce(s, p, "64500 64500 64500 64496", pathID(1))
			l.announce(s, p, longer, pathID(2))
		}},
		{"ORIGIN", bgp.Provider, 64500, 2, func(l *lab, s *site) {
			l.announce(s, p, direct, pathID(1), origin(bgp.OriginIncomplete))
			l.announce(s, p, direct, pathID(2), origin(bgp.OriginEGP))
		}},
		{"MED within a neighbour AS", bgp.Provider, 64500, 2, func(l *lab, s *site) {
			l.announce(s, p, direct, pathID(1), med(20))
			l.announce(s, p, direct, pathID(2), med(10))
		}},
		{"MED only within a neighbour AS", bgp.Internal, ourASN, 1, func(l *lab, s *site) {
			l.announce(s, p, "64500 64496", pathID(1), med(20))
			l.announce(s, p, "64501 64496", pathID(2), med(10))
		}},
		{"MED takes the loser out before path ids are compared", bgp.Internal, ourASN, 2, func(l *lab, s *site) {
			l.announce(s, p, "64500 64496", pathID(1), med(20))
			l.announce(s, p, "64500 64496", pathID(3), med(10))
			l.announce(s, p, "64501 64496", pathID(2), med(99))
		}},
		{"a missing MED is the lowest", bgp.Provider, 64500, 2, func(l *lab, s *site) {
			l.announce(s, p, direct, pathID(1), med(1))
			l.announce(s, p, direct, pathID(2))
		}},
		{"lowest path id", bgp.Provider, 64500, 3, func(l *lab, s *site) {
			l.announce(s, p, direct, pathID(4))
			l.announce(s, p, direct, pathID(3))
		}},
	} {
		if got := best(t, c.rel, c.asn, c.announce); got != c.want {
			t.Errorf("%s: path %d is best, want %d", c.rule, got, c.want)
		}
	}
}

// What is wrong is shown beside the settled path of the same vantage, once, however many of its paths are wrong.
func TestOffenceShowsWhatStoodBefore(t *testing.T) {
	l := newLab(t)
	e1, e2 := l.peer("e1", 64500, bgp.Provider), l.peer("e2", 64502, bgp.Provider)
	l.announce(e1, "203.0.113.0/24", direct)
	l.announce(e1, "203.0.113.0/24", "64500 65550")
	l.announce(e2, "203.0.113.0/24", "64502 65550") // it held nothing before
	f := l.judge()[0]
	if f.Type != "origin_change" || len(f.Previous) != 1 || f.Previous[0].Vantage.Name != "e1" || f.Previous[0].Attrs.Path.String() != direct {
		t.Errorf("%s: previous %v", f.Type, f.Previous)
	}
}
