package stats

import (
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
		s.TSSource = rapid.SampledFrom([]string{"", SourceKernel, SourceUser}).Draw(t, "source")
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
