package stats

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestWindowSumsUp(t *testing.T) {
	w := NewWindow(time.Minute)
	w.Add(lossy(0, 1, ms(10, 11, 12, 13)...))
	w.Add(answered(1, ms(9, 10, 11, 12, 50)...))
	sum := w.Summary()
	equal(t, "sent", sum.Sent, 10)
	equal(t, "loss", sum.Loss(), 0.1)
	equal(t, "min", sum.Min, ms(9)[0])
	equal(t, "p50", sum.P50, ms(11)[0])
	equal(t, "p95", sum.P95, ms(50)[0])
	equal(t, "max", sum.Max, ms(50)[0])
	equal(t, "jitter", sum.Jitter(), ms(39)[0])
}

func TestLateAnswersAreTakenFromTheLosses(t *testing.T) {
	w := NewWindow(time.Minute)
	w.Add(lossy(0, 5))
	late := answered(1, ms(10, 10, 10, 10, 10)...)
	late.Recovered = 3
	w.Add(late)
	equal(t, "late", w.Counts().Late, 3)
	equal(t, "lost", w.Counts().Lost, 2)
	equal(t, "loss", w.Counts().Loss(), 0.2)
}

func TestLateAnswersToBatchesThatAreGone(t *testing.T) {
	w := NewWindow(time.Minute)
	late := answered(0, ms(10)...)
	late.Recovered = 3
	w.Add(late)
	equal(t, "loss", w.Counts().Loss(), 0)
	equal(t, "late", w.Counts().Late, 0)
}

func TestBetweenTakesWhatLiesWhollyOnOneSide(t *testing.T) {
	w := NewWindow(time.Hour)
	for n := range 10 {
		w.Add(answered(n, ms(float64(10+n))...))
	}
	event := at(5).Add(500 * time.Millisecond) // in the middle of batch 5
	before, after := w.Between(time.Time{}, event), w.Between(event, at(100))
	equal(t, "before", before.Batches, 5)
	equal(t, "before, max", before.Max, ms(14)[0])
	equal(t, "after", after.Batches, 4)
	equal(t, "after, min", after.Min, ms(16)[0])
}

// drawSamples makes a plausible series.
func drawSamples(t *rapid.T) []Sample {
	var samples []Sample
	for n := range rapid.IntRange(0, 60).Draw(t, "batches") {
		var rtts []time.Duration
		for range rapid.IntRange(0, 5).Draw(t, "answers") {
			rtts = append(rtts, time.Duration(rapid.IntRange(1, 40).Draw(t, "rtt"))*time.Millisecond)
		}
		s := lossy(n, rapid.IntRange(0, 5).Draw(t, "lost"), rtts...)
		s.Recovered = rapid.IntRange(0, 2).Draw(t, "recovered")
		s.Duplicate = rapid.IntRange(0, 2).Draw(t, "duplicate")
		samples = append(samples, s)
	}
	return samples
}

func TestWindowAgainstAllItsSamples(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		span := time.Duration(rapid.IntRange(1, 30).Draw(t, "span")) * interval
		w := NewWindow(span)
		samples := drawSamples(t)
		for i, s := range samples {
			w.Add(s)
			var held []Sample
			for _, old := range samples[:i+1] {
				if s.Ended.Sub(old.Ended) < span {
					held = append(held, old)
				}
			}
			want := Summarize(held)
			if got := w.Summary(); got != want {
				t.Fatalf("summary %+v, want %+v", got, want)
			}
			if got := w.Counts(); got != want.Counts {
				t.Fatalf("counts %+v, want %+v", got, want.Counts)
			}
			if got, ok := w.Min(); ok != (want.RTTs > 0) || got != want.Min {
				t.Fatalf("min %v, want %v", got, want.Min)
			}
		}
	})
}

func TestRollupAgainstTheExactSummary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		samples := drawSamples(t)
		one, two := NewRollup(at(0)), NewRollup(at(30))
		for n, s := range samples {
			if n < 30 {
				one.Add(s)
			} else {
				two.Add(s)
			}
		}
		kept, err := json.Marshal(two)
		if err != nil {
			t.Fatal(err)
		}
		var back Rollup
		if err := json.Unmarshal(kept, &back); err != nil {
			t.Fatal(err)
		}
		back.Merge(one)
		if !back.Start().Equal(at(0)) {
			t.Fatalf("start %v", back.Start())
		}
		got, want := back.Summary(), Summarize(samples)
		if got.Counts != want.Counts || got.RTTs != want.RTTs {
			t.Fatalf("counts %+v, want %+v", got, want)
		}
		for _, pair := range [][2]time.Duration{{got.Min, want.Min}, {got.P50, want.P50}, {got.P95, want.P95}, {got.P99, want.P99}, {got.Max, want.Max}} {
			if off := (pair[0] - pair[1]).Abs(); off > pair[1]/1000 {
				t.Fatalf("%v, want %v to three digits", pair[0], pair[1])
			}
		}
	})
}

func TestRollupBoundsWhatItCannotHold(t *testing.T) {
	r := NewRollup(at(0))
	r.Add(answered(0, 0, 5*time.Minute))
	sum := r.Summary()
	equal(t, "count", sum.RTTs, 2)
	equal(t, "min", sum.Min, time.Microsecond)
	if sum.Max < 59*time.Second || sum.Max > 61*time.Second {
		t.Errorf("max %v, want about a minute", sum.Max)
	}
}

func TestEmptyRollup(t *testing.T) {
	if got := NewRollup(at(0)).Summary(); !reflect.DeepEqual(got, Summary{}) {
		t.Errorf("summary %+v", got)
	}
}

func FuzzRollupUnmarshal(f *testing.F) {
	r := NewRollup(at(0))
	r.Add(lossy(0, 1, ms(10, 11, 12)...))
	kept, err := json.Marshal(r)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(kept)
	f.Add([]byte(`{"times":""}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var back Rollup
		if json.Unmarshal(b, &back) == nil {
			back.Summary()
		}
	})
}
