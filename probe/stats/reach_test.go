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

// cutOff is two POPs that answered, and then fell silent. Then "near" loses one batch more, of what is still under way.
func cutOff(lost int) *Nearest {
	n := NewNearest()
	for i := range 20 {
		n.Add("near", "icmp", answered(i, ms(10)...))
		n.Add("far", "icmp", answered(i, ms(50)...))
	}
	for i := range lost {
		n.Add("near", "icmp", lossy(20+i, 5))
		n.Add("far", "icmp", lossy(20+i, 5))
	}
	n.Add("near", "icmp", lossy(20+lost, 5))
	return n
}

// When all come back from an outage, the first to answer is no better than the others, however often it answers before they do.
func TestNoPOPChangesWhenAllComeBack(t *testing.T) {
	for _, lost := range []int{2, 3, 10} {
		n := cutOff(lost)
		for i := range 3 {
			if c, changed := n.Add("far", "icmp", answered(21+lost+i, ms(50)...)); changed {
				t.Errorf("changed to %s", c.To)
			}
		}
		late := lossy(21+lost, 5) // it began before "far" was back, and ended after
		late.Started, late.Ended = at(20+lost), at(25+lost)
		if c, changed := n.Add("near", "icmp", late); changed {
			t.Errorf("changed to %s", c.To)
		}
		if c, changed := n.Add("near", "icmp", answered(30+lost, ms(10)...)); changed || n.Current() != "near" {
			t.Errorf("changed to %s", c.To)
		}
	}
}

// One that stays silent when the other is back is replaced.
func TestTheOneThatAnswersIsTheNearest(t *testing.T) {
	n := cutOff(3)
	n.Add("far", "icmp", answered(24, ms(50)...))
	n.Add("near", "icmp", lossy(25, 5))
	equal(t, "the one that answers", n.Current(), "far")
}

// One that fell silent a little earlier is not replaced by one of which that is not known yet.
func TestNoPOPChangesWhenAllFallSilent(t *testing.T) {
	n := NewNearest()
	for i := range 20 {
		n.Add("near", "icmp", answered(i, ms(10)...))
		n.Add("far", "icmp", answered(i, ms(50)...))
	}
	for i := range 3 { // a burst
		if c, changed := n.Add("near", "icmp", lossy(20+i, 5)); changed {
			t.Errorf("changed to %s", c.To)
		}
	}
	n.Add("far", "icmp", answered(20, ms(50)...))
	equal(t, "once it has answered since", n.Current(), "far")
}
