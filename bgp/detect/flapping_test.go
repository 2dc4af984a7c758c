package detect_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"peervane/bgp"
	"peervane/bgp/detect"
)

// flapTimes withdraws and announces the registered prefix so often, and leaves it announced.
func (l *lab) flapTimes(s *site, n int) {
	for range n {
		l.withdraw(s, exact)
		l.announce(s, exact, direct)
	}
}

func TestFlappingRules(t *testing.T) {
	fires := []string{"flapping warning 203.0.113.0/24 e1/1"}
	checkRules(t, []rule{
		{"RFC 2439 penalty over 6,000: a withdrawal counts 1,000", func(l *lab) { l.flapTimes(provider(l, direct), 7) }, fires},
		{"over 6,000: six are not more", func(l *lab) { l.flapTimes(provider(l, direct), 6) }, nil},
		{"over 6,000: a path change counts 500", func(l *lab) {
			e1 := provider(l, direct)
			for range 6 {
				l.announce(e1, exact, longer)
				l.announce(e1, exact, direct)
			}
			l.announce(e1, exact, "64500 64496 64496")
		}, fires},
		{"an announcement of the same path counts nothing", func(l *lab) {
			e1 := provider(l, direct)
			for range 50 {
				l.announce(e1, exact, direct, med(7))
			}
		}, nil},
		{"half-life 15 min: slow instability never gets there", func(l *lab) {
			e1 := provider(l, direct)
			for range 50 {
				l.flapTimes(e1, 1)
				l.wait(4 * time.Minute)
			}
		}, nil},
		{"half-life 15 min: after it 7,000 are 3,500, so three more are enough", func(l *lab) {
			e1 := provider(l, direct)
			l.flapTimes(e1, 6)
			l.wait(15 * time.Minute)
			l.flapTimes(e1, 4)
		}, fires},
		{"reuse 750: 7,000 take 48 minutes and 20 seconds", func(l *lab) {
			l.flapTimes(provider(l, direct), 7)
			l.wait(48*time.Minute + 20*time.Second)
		}, fires},
		{"reuse 750: then it is over", func(l *lab) {
			l.flapTimes(provider(l, direct), 7)
			l.wait(48*time.Minute + 21*time.Second)
		}, nil},
		{"however long it went on, an hour of calm is enough", func(l *lab) {
			l.flapTimes(provider(l, direct), 1000)
			l.wait(time.Hour)
		}, nil},
		{"a restart does not calm it", func(l *lab) {
			l.flapTimes(provider(l, direct), 7)
			l.restart()
		}, fires},
		{"session losses and initial tables do not count", func(l *lab) {
			e1 := provider(l, direct)
			for range 20 {
				l.lose(e1)
				l.rise(e1)
				l.announce(e1, exact, longer)
				l.announce(e1, exact, direct)
				l.sync(e1)
			}
		}, nil},
		{"each path of a vantage has a penalty of its own", func(l *lab) {
			e1 := provider(l, direct)
			for id := range uint32(7) {
				l.announce(e1, exact, direct, pathID(id))
				l.withdraw(e1, exact, id)
			}
			l.announce(e1, exact, direct)
		}, nil},
		{"`min_vantages` counts the vantages that show it, whether or not they hold a route now", func(l *lab) {
			l.reg.Policy.MinVantages = 2
			e1, e2 := provider(l, direct), l.peer("e2", 64500, bgp.Provider)
			l.announce(e2, exact, direct)
			l.flapTimes(e1, 7)
			l.withdraw(e1, exact)
			l.flapTimes(e2, 7)
		}, []string{"flapping warning 203.0.113.0/24 e1,e2/2"}},
		{"`min_vantages`: too few do", func(l *lab) {
			l.reg.Policy.MinVantages = 2
			e1, e2 := provider(l, direct), l.peer("e2", 64500, bgp.Provider)
			l.announce(e2, exact, direct)
			l.flapTimes(e1, 7)
		}, []string{"flapping warning 203.0.113.0/24 e1/2 quiet"}},
	})
}

func TestFlapCounts(t *testing.T) {
	var m detect.Memory
	m.Flap("e1", 0, 7, 2, epoch) // as one coalesced change tells it
	m.Flap("e1", 0, 1, 0, epoch.Add(-time.Minute))
	f := m.Unrest.Flaps[0]
	if f.Penalty != 9000 || f.Withdrawn != 8 || f.Changed != 2 || !f.At.Equal(epoch) || !f.Over.Equal(epoch) {
		t.Errorf("%+v", f)
	}
	m.Flap("e1", 0, 100, 0, epoch)
	if m.Unrest.Flaps[0].Penalty != 12000 {
		t.Errorf("the ceiling is %f", m.Unrest.Flaps[0].Penalty)
	}
	text, _ := json.Marshal(&m)
	var again detect.Memory
	if err := json.Unmarshal(text, &again); err != nil || again.Unrest.Flaps[0] != m.Unrest.Flaps[0] {
		t.Errorf("%s: %v", text, err)
	}
	if !m.Forget("e1") || len(m.Unrest.Flaps) != 0 {
		t.Error("what was forgotten is remembered")
	}
}

func TestFlappingEvidence(t *testing.T) {
	l := newLab(t)
	e1 := provider(l, direct)
	l.flapTimes(e1, 6)
	l.wait(time.Minute)
	l.announce(e1, exact, longer)
	over := l.now
	l.withdraw(e1, exact)
	for _, f := range l.judge() {
		if f.Type != "flapping" {
			continue
		}
		if !f.Since.Equal(over) || f.Hold != 0 || f.Culprit != 0 || f.Previous[0].Attrs.Path.String() != longer {
			t.Errorf("%+v", f)
		}
		if want := "203.0.113.0/24 flaps: the only vantage sees it (most at e1: 7 withdrawals and 1 path change since 10:00:00)"; f.Summary != want {
			t.Errorf("got %q, want %q", f.Summary, want)
		}
		return
	}
	t.Error(strings.Join(show(l.judge()), "\n"))
}
