package detect_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"peervane/bgp"
	"peervane/bgp/detect"
)

// crowd adds so many collectors' peers, each of its own AS, which hold the prefix for an hour.
func crowd(l *lab, n int) {
	provider(l, direct)
	for i := range n {
		asn := uint32(64700 + i)
		l.announce(l.collector(fmt.Sprintf("c%02d", i), asn), exact, fmt.Sprintf("%d 64496", asn))
	}
	l.wait(hour)
}

// leave has the first few of a crowd lose the prefix.
func leave(l *lab, n int) {
	for _, s := range l.sites[1 : n+1] {
		l.withdraw(s, exact)
	}
}

func TestVisibilityRules(t *testing.T) {
	six := []string{"visibility error 203.0.113.0/24 ris/c00,ris/c01,ris/c02,ris/c03,ris/c04,ris/c05/10"}
	checkRules(t, []rule{
		{"of at least 10 collector ASNs that held it for 1 h, under half still do", func(l *lab) { crowd(l, 10); leave(l, 6) }, six},
		{"under half: half is enough", func(l *lab) { crowd(l, 10); leave(l, 5) }, nil},
		{"at least 10: nine say nothing", func(l *lab) { crowd(l, 9); leave(l, 8) }, nil},
		{"collector ASNs: two peers of one AS are one", func(l *lab) {
			crowd(l, 9)
			l.announce(l.collector("twin", 64708), exact, "64708 64496")
			l.wait(hour)
			leave(l, 9)
		}, nil},
		{"collector ASNs: one peer that still holds it speaks for its AS", func(l *lab) {
			crowd(l, 10)
			l.announce(l.collector("twin", 64700), exact, "64700 64496")
			l.wait(hour)
			leave(l, 6)
		}, nil},
		{"that held it for 1 h: others have nothing to lose", func(l *lab) {
			crowd(l, 9)
			l.announce(l.collector("late", 64800), exact, "64800 64496")
			l.wait(59 * time.Minute)
			leave(l, 9)
			l.withdraw(l.sites[10], exact)
		}, nil},
		{"that held it for 1 h: time alone makes one more", func(l *lab) {
			crowd(l, 9)
			l.announce(l.collector("late", 64800), exact, "64800 64496")
			leave(l, 6)
			l.wait(hour)
		}, six},
		{"our own sessions are not asked", func(l *lab) {
			crowd(l, 8)
			for i := range 4 {
				l.announce(l.peer(fmt.Sprintf("e%d", i), uint32(64600+i), bgp.Provider), exact, direct)
			}
			l.wait(hour)
			leave(l, 8)
		}, nil},
		{"Vantages that are lost count neither way", func(l *lab) {
			crowd(l, 10)
			for _, s := range l.sites[1:8] {
				l.lose(s)
			}
		}, nil},
		{"where an offending route stands in its place, that is told", func(l *lab) {
			crowd(l, 10)
			for _, s := range l.sites[1:8] {
				l.announce(s, exact, fmt.Sprintf("%d 65550", s.ASN))
			}
		}, []string{"origin_change critical 203.0.113.0/24 AS65550 ris/c00,ris/c01,ris/c02,ris/c03,ris/c04,ris/c05,ris/c06/11"}},
		{"It resolves when half of them hold it again", func(l *lab) {
			crowd(l, 10)
			leave(l, 6)
			l.announce(l.sites[1], exact, "64700 64496")
		}, nil},
		{"what has held for `path_settle` is the new normal", func(l *lab) { crowd(l, 10); leave(l, 6); l.wait(24 * hour) }, nil},
		{"over a restart", func(l *lab) { crowd(l, 10); leave(l, 6); l.restart(); l.wait(time.Minute) }, six},
		{"optional (absence is fine)", func(l *lab) { l.reg.Policy.Expect = detect.Optional; crowd(l, 10); leave(l, 6) }, nil},
		{"`min_vantages`: it does not apply to absence", func(l *lab) { l.reg.Policy.MinVantages = 20; crowd(l, 10); leave(l, 6) }, six},
	})
}

func TestVisibilityEvidence(t *testing.T) {
	l := newLab(t)
	crowd(l, 10)
	leave(l, 5)
	l.wait(time.Minute)
	l.withdraw(l.sites[6], exact)
	lost := l.now
	l.wait(time.Minute)
	f := l.judge()[0]
	want := "203.0.113.0/24 is seen by few: 4 of 10 networks at collectors that held it still do (gone at ris/c00, ris/c01, ris/c02, ris/c03 and 2 more)"
	if f.Summary != want || !f.Since.Equal(lost) || f.Hold != 30*time.Second || len(f.Previous) != 6 {
		t.Errorf("%+v", f)
	}
}

// watcher is what the oracle of visibility knows of one peer: all that was ever known of it, in order.
type watcher struct {
	asn  uint32
	seen []sight
}

type sight struct {
	at    time.Time
	holds bool
}

// standing gives whether a peer held the prefix for good, and holds it.
func (w *watcher) standing(now time.Time) (steady, holds bool) {
	var since, gone time.Time
	for _, s := range w.seen {
		held := !since.IsZero() && gone.IsZero()
		switch {
		case s.holds && !held:
			since, gone = s.at, time.Time{}
		case !s.holds && held && (steady || s.at.Sub(since) >= time.Hour):
			steady, gone = true, s.at
		case !s.holds && held:
			since = time.Time{}
		case !s.holds && !gone.IsZero() && s.at.Sub(gone) >= 24*time.Hour:
			steady, since, gone = false, time.Time{}, time.Time{}
		}
	}
	holds = !since.IsZero() && gone.IsZero()
	return steady || holds && now.Sub(since) >= time.Hour, holds
}

// After random announcements, withdrawals, losses and waits, visibility is that of an oracle that walks through all that
// each peer ever showed; and nothing changes before the detectors ask for a recheck.
func TestVisibilityEqualsTheOracles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLab(t)
		watchers := map[string]*watcher{}
		for i := range 12 {
			s := l.collector(fmt.Sprintf("c%02d", i), uint32(64700+i%11))
			watchers[s.Name] = &watcher{asn: s.ASN}
		}
		l.learned = func() {
			for _, s := range l.sites {
				best := s.routes[registered][0]
				switch {
				case !s.InSync && best.Attrs == nil: // out of sight
				case best.Attrs != nil && best.Attrs.Path.String() != "64496":
				default:
					watchers[s.Name].seen = append(watchers[s.Name].seen, sight{l.now, best.Attrs != nil})
				}
			}
		}
		l.learn()
		for range rapid.IntRange(10, 40).Draw(t, "steps") {
			drift(t, l)
			held, all := map[uint32]bool{}, map[uint32]bool{}
			for _, s := range l.sites {
				w, best := watchers[s.Name], s.routes[registered][0]
				if steady, holds := w.standing(l.now); steady && (s.InSync || best.Attrs != nil) && (best.Attrs == nil || best.Attrs.Path.String() == "64496") {
					all[w.asn] = true
					held[w.asn] = held[w.asn] || holds
				}
			}
			n := 0
			for _, yes := range held {
				if yes {
					n++
				}
			}
			want := len(all) >= 10 && 2*n < len(all)
			if got := sees(l); got != want {
				t.Fatalf("at %s: visibility %v, want %v: %d of %d", l.now, got, want, n, len(all))
			}
			checkVisibilityRecheck(t, *l, want)
		}
	})
}

func sees(l *lab) bool {
	findings, _ := detect.All(l.state(registered))
	return slices.ContainsFunc(findings, func(f bgp.Finding) bool { return f.Type == "visibility" })
}

func checkVisibilityRecheck(t *rapid.T, l lab, want bool) {
	_, recheck := detect.All(l.state(registered))
	if recheck.IsZero() {
		recheck = l.now.Add(1000 * time.Hour)
	}
	l.learned = nil
	l.restart()
	l.now = recheck.Add(-time.Nanosecond)
	l.learn()
	if got := sees(&l); got != want {
		t.Fatalf("before %s: visibility %v", recheck, got)
	}
}

// drift changes something at several peers at once, so that many lose the prefix.
func drift(t *rapid.T, l *lab) {
	op := rapid.SampledFrom([]string{"announce", "announce", "withdraw", "withdraw", "hijack", "lose", "sync", "wait", "wait", "wait"}).Draw(t, "op")
	if op == "wait" {
		l.wait(rapid.SampledFrom([]time.Duration{time.Minute, 30 * time.Minute, time.Hour, 24 * time.Hour}).Draw(t, "wait"))
		return
	}
	from := rapid.IntRange(0, 11).Draw(t, "from")
	for _, s := range l.sites[from:rapid.IntRange(from, 12).Draw(t, "to")] {
		switch {
		case op == "announce" && s.Up:
			l.announce(s, exact, "64496")
		case op == "hijack" && s.Up:
			l.announce(s, exact, "65550")
		case op == "withdraw" && s.Up:
			l.withdraw(s, exact)
		case op == "lose":
			l.lose(s)
		case op == "sync":
			l.sync(s)
		}
	}
}
