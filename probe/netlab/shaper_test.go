package netlab

import (
	"math/rand/v2"
	"testing"
	"time"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newShaper() *shaper { return &shaper{luck: rand.New(rand.NewPCG(1, 1))} }

// outcome is what a run of frames, one a millisecond, came to.
type outcome struct {
	copies  map[int]int
	under   []time.Duration // time under way, of those that arrive
	reorder int             // frames that leave before one that came earlier
}

func shape(imp Impairment, n int) outcome {
	s, out := newShaper(), outcome{copies: map[int]int{}}
	var latest time.Time
	for i := range n {
		at := epoch.Add(time.Duration(i) * time.Millisecond)
		leave, copies := s.admit(at, &imp)
		out.copies[copies]++
		if copies == 0 {
			continue
		}
		out.under = append(out.under, leave.Sub(at))
		if leave.Before(latest) {
			out.reorder++
		} else {
			latest = leave
		}
	}
	return out
}

func TestDelayIsExact(t *testing.T) {
	for _, d := range shape(Impairment{Delay: 7 * time.Millisecond}, 100).under {
		if d != 7*time.Millisecond {
			t.Fatalf("under way for %s, want 7ms", d)
		}
	}
}

func TestJitterKeepsBoundsAndOrder(t *testing.T) {
	out := shape(Impairment{Delay: 7 * time.Millisecond, Jitter: 5 * time.Millisecond}, 1000)
	different := map[time.Duration]bool{}
	for _, d := range out.under {
		different[d] = true
		if d < 7*time.Millisecond || d >= 12*time.Millisecond {
			t.Fatalf("under way for %s, want 7ms to 12ms", d)
		}
	}
	if len(different) < 100 || out.reorder != 0 {
		t.Errorf("%d different times and %d reordered, want many and none", len(different), out.reorder)
	}
}

func TestChances(t *testing.T) {
	const n = 10000
	tests := []struct {
		name               string
		imp                Impairment
		lost, twice, moved int
	}{
		{"none", Impairment{}, 0, 0, 0},
		{"loss", Impairment{Loss: 0.3}, 3000, 0, 0},
		{"all lost", Impairment{Loss: 1}, n, 0, 0},
		{"duplicate", Impairment{Duplicate: 0.2}, 0, 2000, 0},
		{"all twice", Impairment{Duplicate: 1}, 0, n, 0},
		{"blackhole", Impairment{Blackhole: true, Duplicate: 1}, n, 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out := shape(test.imp, n)
			if !near(out.copies[0], test.lost) || !near(out.copies[2], test.twice) || out.reorder != 0 {
				t.Errorf("%d lost, %d twice, %d reordered, want about %d, %d, none",
					out.copies[0], out.copies[2], out.reorder, test.lost, test.twice)
			}
		})
	}
}

// near allows 5 %: five standard deviations of the chances above.
func near(got, want int) bool { return got >= want*95/100 && got <= want*105/100 }

func TestReorderHoldsAFrameBack(t *testing.T) {
	out := shape(Impairment{Delay: time.Millisecond, Reorder: 0.1, ReorderBy: 10 * time.Millisecond}, 10000)
	held := 0
	for _, d := range out.under {
		if d == 11*time.Millisecond {
			held++
		}
	}
	if !near(held, 1000) || out.reorder < 1000 {
		t.Errorf("%d held back and %d overtook, want about 1000 and more", held, out.reorder)
	}
}

func TestShorterPathLetsNewFramesOvertake(t *testing.T) {
	s := newShaper()
	slow, _ := s.admit(epoch, &Impairment{Delay: 50 * time.Millisecond})
	fast, _ := s.admit(epoch, &Impairment{Delay: 12 * time.Millisecond})
	if !fast.Before(slow) {
		t.Errorf("after the change a frame leaves at %s, not before %s", fast, slow)
	}
}

func TestSameSeedSameLuck(t *testing.T) {
	imp := Impairment{Jitter: time.Second, Loss: 0.5, Duplicate: 0.5}
	one, two := newShaper(), newShaper()
	for range 100 {
		leave1, copies1 := one.admit(epoch, &imp)
		leave2, copies2 := two.admit(epoch, &imp)
		if !leave1.Equal(leave2) || copies1 != copies2 {
			t.Fatal("two shapers with one seed differ")
		}
	}
}

func TestImpairmentCheck(t *testing.T) {
	bad := map[string]Impairment{
		"delay -1ns: give 0 or more":                                               {Delay: -1},
		"jitter -1ns: give 0 or more":                                              {Jitter: -1},
		"reorder time -1ns: give 0 or more":                                        {ReorderBy: -1},
		"loss 1.5: give a chance from 0 to 1":                                      {Loss: 1.5},
		"duplicate -0.1: give a chance from 0 to 1":                                {Duplicate: -0.1},
		"reorder 2: give a chance from 0 to 1":                                     {Reorder: 2},
		"reorder 0.5 without a reorder time: say by how much frames are overtaken": {Reorder: 0.5},
	}
	for want, imp := range bad {
		if err := imp.check(); err == nil || err.Error() != want {
			t.Errorf("check() = %v, want %s", err, want)
		}
	}
	if err := (Impairment{Delay: 1, Loss: 1, Reorder: 1, ReorderBy: 1}).check(); err != nil {
		t.Error(err)
	}
}
