package stats

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// race feeds a Nearest round by round, one batch of each POP a round. A
// negative latency is a lost batch.
type race struct {
	t       *testing.T
	nearest *Nearest
	round   int
	changes []string
}

func newRace(t *testing.T) *race { return &race{t: t, nearest: NewNearest()} }

func (r *race) run(rounds int, latency map[string]float64) {
	for range rounds {
		for _, pop := range []string{"a", "b", "c"} {
			rtt, probed := latency[pop]
			if !probed {
				continue
			}
			s := lossy(r.round, 5)
			if rtt >= 0 {
				s = answered(r.round, ms(rtt, rtt+1, rtt+1, rtt+2, rtt+3)...)
			}
			r.note(r.nearest.Add(pop, "icmp", s))
		}
		r.round++
	}
}

func (r *race) note(c Change, changed bool) {
	if changed {
		r.changes = append(r.changes, fmt.Sprintf("%d %s>%s %s", r.round, c.From, c.To, c.Reason))
	}
}

func (r *race) want(changes ...string) {
	r.t.Helper()
	equal(r.t, "changes", fmt.Sprint(r.changes), fmt.Sprint(changes))
}

const restRounds = int(nearestSpan / interval)

func TestFirstToAnswerIsNearest(t *testing.T) {
	r := newRace(t)
	r.run(2, map[string]float64{"a": -1, "b": -1})
	r.want()
	r.run(2, map[string]float64{"a": -1, "b": 20})
	r.want("2 >b first")
}

func TestChallengerNeedsSixBatches(t *testing.T) {
	r := newRace(t)
	r.run(20, map[string]float64{"a": 20, "b": 10})
	r.want("0 >a first", "5 a>b closer")
}

func TestChallengerNeedsTheMargin(t *testing.T) {
	for name, c := range map[string]struct {
		current, challenger float64
		want                string
	}{
		"under 2 ms":  {10, 8.1, "a"},
		"2 ms":        {10, 8, "b"},
		"under 10 %":  {100, 90.5, "a"},
		"10 %":        {100, 90, "b"},
		"the same":    {10, 10, "a"},
		"much slower": {10, 50, "a"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRace(t)
			r.run(10, map[string]float64{"a": c.current, "b": c.challenger})
			equal(t, "nearest", r.nearest.Current(), c.want)
		})
	}
}

func TestStreakMustNotBreak(t *testing.T) {
	r := newRace(t)
	r.run(1, map[string]float64{"a": 20})
	r.run(5, map[string]float64{"a": 20, "b": 10})
	r.run(1, map[string]float64{"a": 10, "b": 10}) // within the margin
	r.run(restRounds-2, map[string]float64{"a": 20, "b": 10})
	r.want("0 >a first")
	r.run(20, map[string]float64{"a": 20, "b": 10}) // the 10 ms of a is forgotten
	equal(t, "nearest", r.nearest.Current(), "b")
}

func TestRestAfterAChange(t *testing.T) {
	r := newRace(t)
	r.run(10, map[string]float64{"a": 20, "b": 10})
	changed := 5
	r.want("0 >a first", "5 a>b closer")
	r.run(2*restRounds, map[string]float64{"a": 2, "b": 10})
	r.want("0 >a first", "5 a>b closer", fmt.Sprintf("%d b>a closer", changed+restRounds))
}

func TestTheBestOfSeveralChallengersWins(t *testing.T) {
	r := newRace(t)
	r.run(10, map[string]float64{"a": 30})
	r.run(restRounds, map[string]float64{"a": 30, "b": 20, "c": 10})
	equal(t, "changes", len(r.changes), 2)
	equal(t, "second change", r.changes[1], "15 a>c closer") // b came to six batches first
	equal(t, "nearest", r.nearest.Current(), "c")
}

// One whose batches end a little later is not shut out for ten minutes by one that is farther away.
func TestTheBestChallengerMayBeTheLast(t *testing.T) {
	r := newRace(t)
	r.run(20, map[string]float64{"a": 67, "b": 42, "c": 12})
	r.want("0 >a first", "5 a>c closer")
}

func TestLostBatchesFailOverAtOnce(t *testing.T) {
	r := newRace(t)
	r.run(3, map[string]float64{"a": 10, "b": 11, "c": 12})
	r.run(3, map[string]float64{"a": -1, "b": 11, "c": 12})
	r.want("0 >a first", "5 a>b failed")
	r.run(3, map[string]float64{"a": -1, "b": -1, "c": 12})
	r.want("0 >a first", "5 a>b failed", "8 b>c failed") // no rest for the dead
}

func TestFailedPOPComesBackAfterRest(t *testing.T) {
	r := newRace(t)
	r.run(3, map[string]float64{"a": 10, "b": 30})
	r.run(3, map[string]float64{"a": -1, "b": 30})
	r.run(2*restRounds, map[string]float64{"a": 10, "b": 30})
	r.want("0 >a first", "5 a>b failed", fmt.Sprintf("%d b>a closer", 5+restRounds))
}

func TestAllDeadKeepsTheLast(t *testing.T) {
	r := newRace(t)
	r.run(3, map[string]float64{"a": 10, "b": 20})
	r.run(100, map[string]float64{"a": -1, "b": -1})
	equal(t, "nearest", r.nearest.Current(), "a")
	r.run(1, map[string]float64{"a": -1, "b": 20})
	equal(t, "nearest", r.nearest.Current(), "a") // which may be back with its next batch
	r.run(1, map[string]float64{"a": -1, "b": 20})
	equal(t, "nearest", r.nearest.Current(), "b")
}

func TestLossDisqualifies(t *testing.T) {
	n := NewNearest()
	for round := range 30 {
		n.Add("a", "icmp", answered(round, ms(20, 20, 20, 20, 20)...))
		n.Add("b", "icmp", lossy(round, 1, ms(5, 5, 5, 5)...)) // 20 %
	}
	equal(t, "nearest", n.Current(), "a")
}

func TestLossyNearestIsReplaced(t *testing.T) {
	n := NewNearest()
	n.Add("a", "icmp", answered(0, ms(5)...))
	for round := range 30 {
		n.Add("a", "icmp", lossy(round, 3, ms(5, 5)...))
		n.Add("b", "icmp", answered(round, ms(20, 20, 20, 20, 20)...))
	}
	equal(t, "nearest", n.Current(), "b")
}

func TestOneWayIsEnough(t *testing.T) {
	n := NewNearest()
	var last Change
	for round := range 30 {
		n.Add("a", "icmp", lossy(round, 5)) // filtered there
		if c, ok := n.Add("a", "tcp:443", answered(round, ms(5)...)); ok {
			last = c
		}
		n.Add("b", "icmp", answered(round, ms(20)...))
	}
	equal(t, "nearest", n.Current(), "a")
	equal(t, "reason", last.Reason, ReasonFirst)
}

func TestForgetMovesOn(t *testing.T) {
	n := NewNearest()
	n.Add("a", "icmp", answered(0, ms(5)...))
	n.Add("b", "icmp", answered(0, ms(9)...))
	if _, changed := n.Forget("b", "tcp:443", at(1)); changed {
		t.Error("forgetting an unknown way changed the nearest")
	}
	c, changed := n.Forget("a", "icmp", at(1))
	equal(t, "changed", changed, true)
	equal(t, "change", c, Change{From: "a", To: "b", Reason: ReasonRemoved, After: ms(9)[0]})
	n.Forget("b", "icmp", at(1))
	equal(t, "nearest", n.Current(), "")
	c, _ = n.Add("c", "icmp", answered(2, ms(7)...))
	equal(t, "reason", c.Reason, ReasonFirst)
}

// TestNearestAgainstItsRules draws latencies and losses at random, and holds
// each change to the rules, judged from all samples.
func TestNearestAgainstItsRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := NewNearest()
		all := map[string][]Sample{}
		var rested time.Time
		pops := []string{"a", "b", "c"}
		for round := range rapid.IntRange(1, 150).Draw(t, "rounds") {
			for _, pop := range pops {
				rtt := rapid.IntRange(-1, 12).Draw(t, pop)
				s := lossy(round, 2)
				if rtt >= 0 {
					s = answered(round, time.Duration(rtt+1)*time.Millisecond, time.Duration(rtt+1)*time.Millisecond)
				}
				all[pop] = append(all[pop], s)
				before := n.Current()
				change, changed := n.Add(pop, "icmp", s)
				if !changed {
					if n.Current() != before {
						t.Fatal("the nearest moved without saying so")
					}
					continue
				}
				now := s.Ended
				check(t, all, change, now, rested)
				if change.Reason != ReasonFirst {
					rested = now.Add(nearestSpan)
				}
			}
		}
	})
}

// check judges one change from all samples so far.
func check(t *rapid.T, all map[string][]Sample, c Change, now, rested time.Time) {
	low, loss := oracle(all[c.To], now)
	if low == 0 || loss >= nearestLoss && c.Reason == ReasonCloser {
		t.Fatalf("%+v: the new one answered in %v with loss %v", c, low, loss)
	}
	switch c.Reason {
	case ReasonFailed:
		from := all[c.From]
		for _, s := range from[len(from)-3:] {
			if !s.FullyLost() {
				t.Fatalf("%+v: the old one still answers", c)
			}
		}
	case ReasonCloser:
		if now.Before(rested) {
			t.Fatalf("%+v: no rest before %v", c, rested)
		}
		was, lost := oracle(all[c.From], now)
		if lost < nearestLoss && was-low < max(2*time.Millisecond, was/10) {
			t.Fatalf("%+v: %v is no better than %v", c, low, was)
		}
	}
}

// oracle gives the lowest round-trip time and the loss of the last 10 minutes.
func oracle(samples []Sample, now time.Time) (time.Duration, float64) {
	var held []Sample
	for _, s := range samples {
		if now.Sub(s.Ended) < nearestSpan {
			held = append(held, s)
		}
	}
	sum := Summarize(held)
	return sum.Min, sum.Loss()
}
