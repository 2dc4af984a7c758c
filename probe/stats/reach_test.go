package stats

import (
	"testing"
)

func TestThreeLostBatchesByEveryWay(t *testing.T) {
	r := NewReach()
	down := func() bool { _, down := r.Down(); return down }
	equal(t, "without ways", down(), false)
	for n := range 3 {
		equal(t, "after fewer", down(), false)
		r.Add("icmp", lossy(n, 5))
	}
	since, isDown := r.Down()
	equal(t, "down", isDown, true)
	equal(t, "since", since, at(0))

	r.Add("tcp:443", answered(3, ms(5)...))
	equal(t, "while another way answers", down(), false)
	for n := range 3 {
		r.Add("tcp:443", lossy(4+n, 1))
	}
	since, isDown = r.Down()
	equal(t, "down", isDown, true)
	equal(t, "since the last way fell silent", since, at(4))

	r.Add("icmp", lossy(7, 4, ms(10)...))
	equal(t, "after one answer", down(), false)
}

func TestLateAnswersCountAsAnswers(t *testing.T) {
	r := NewReach()
	for n := range 10 {
		s := lossy(n, 5)
		if n > 0 {
			s.Recovered = 5 // each batch is answered after its end
		}
		r.Add("icmp", s)
	}
	_, down := r.Down()
	equal(t, "down", down, false)
}

func TestBatchesThatMeasureNothingChangeNothing(t *testing.T) {
	r := NewReach()
	for n := range 10 {
		r.Add("icmp", Sample{Started: at(n), Sent: 5, LocalDrop: 5})
		r.Add("icmp", Sample{Started: at(n)})
	}
	_, down := r.Down()
	equal(t, "down", down, false)
	for n := range 3 {
		r.Add("icmp", lossy(n, 5))
	}
	r.Add("icmp", Sample{Started: at(4)})
	_, down = r.Down()
	equal(t, "down", down, true)
}

func TestForgottenWayDoesNotHoldUp(t *testing.T) {
	r := NewReach()
	for n := range 3 {
		r.Add("icmp", lossy(n, 5))
	}
	r.Add("tcp:443", answered(0, ms(5)...))
	r.Forget("tcp:443")
	_, down := r.Down()
	equal(t, "down", down, true)
}

func TestLossRisesAndFalls(t *testing.T) {
	var l Loss
	feed := func(from, batches, lost int) (high bool) {
		for n := range batches {
			rtts := ms(10, 10, 10, 10, 10)[:5-lost]
			high = l.Add(lossy(from+n, lost, rtts...))
		}
		return high
	}
	equal(t, "clean", feed(0, 20, 0), false)
	equal(t, "one lost batch", feed(20, 1, 5), false)
	equal(t, "three lost batches of twelve", feed(21, 2, 5), true)
	equal(t, "still two of twelve", feed(23, 10, 0), true)
	equal(t, "one of twelve is 8 %", feed(33, 1, 0), true)
	equal(t, "clean again", feed(34, 1, 0), false)
}

func TestLossNeedsEnoughProbes(t *testing.T) {
	var l Loss
	equal(t, "one batch", l.Add(lossy(0, 5)), false)
	equal(t, "two batches", l.Add(lossy(1, 5)), true)
	equal(t, "share", l.Share(), 1.0)
}

// When all come back from an outage, the first to answer is no better than the others.
func TestNoPOPChangesWhenAllComeBack(t *testing.T) {
	n := NewNearest()
	for i := range 20 {
		n.Add("near", "icmp", answered(i, ms(10)...))
		n.Add("far", "icmp", answered(i, ms(50)...))
	}
	for i := range 5 {
		n.Add("near", "icmp", lossy(20+i, 5))
		n.Add("far", "icmp", lossy(20+i, 5))
	}
	if c, changed := n.Add("far", "icmp", answered(25, ms(50)...)); changed {
		t.Errorf("changed to %s", c.To)
	}
	if c, changed := n.Add("near", "icmp", answered(25, ms(10)...)); changed || n.Current() != "near" {
		t.Errorf("changed to %s", c.To)
	}
	for i := range 5 {
		n.Add("near", "icmp", lossy(26+i, 5))
		n.Add("far", "icmp", answered(26+i, ms(50)...))
	}
	equal(t, "the one that answers", n.Current(), "far")
}
