package join

import (
	"testing"
	"time"
)

func TestHistory(t *testing.T) {
	p := plane(par1, 12, 14, 40)
	fill(p, fra1, 20, 21, 22)
	for _, c := range []struct {
		since, batches int
		low            time.Duration
	}{
		{0, 3, 12 * time.Millisecond},
		{15, 1, 40 * time.Millisecond},
		{3600, 0, 0},
	} {
		history := p.History("", at(c.since))
		if len(history) != 2 {
			t.Fatalf("since %d s: %d flows, want both, measured or not", c.since, len(history))
		}
		if m := history[1]; m.POP != "par1" || len(m.Samples) != c.batches || m.Batches != c.batches || m.Min != c.low {
			t.Errorf("since %d s: got %+v, want %d batches from %s", c.since, m, c.batches, c.low)
		}
	}
	kept := p.History("", at(0))[1].Samples
	for i := range 2 * keep {
		p.Add(par1, batch(30+10*i, 99))
	}
	if rtt, _ := kept[0].Min(); rtt != 12*time.Millisecond {
		t.Errorf("what was given has changed: %s", rtt)
	}
}
