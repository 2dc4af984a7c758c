package stats

import (
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSummary(t *testing.T) {
	sum := Summarize([]Sample{lossy(0, 1, ms(10, 11, 12, 13)...), answered(1, ms(9, 10, 11, 12, 50)...)})
	equal(t, "sent", sum.Sent, 10)
	equal(t, "loss", sum.Loss(), 0.1)
	equal(t, "min", sum.Min, ms(9)[0])
	equal(t, "p50", sum.P50, ms(11)[0])
	equal(t, "p95", sum.P95, ms(50)[0])
	equal(t, "max", sum.Max, ms(50)[0])
	equal(t, "jitter", sum.Jitter(), ms(39)[0])
}

func TestLateAnswersAreTakenFromTheLosses(t *testing.T) {
	late := answered(1, ms(10, 10, 10, 10, 10)...)
	late.Recovered = 3
	sum := Summarize([]Sample{lossy(0, 5), late})
	equal(t, "late", sum.Late, 3)
	equal(t, "lost", sum.Lost, 2)
	equal(t, "loss", sum.Loss(), 0.2)
}

func TestLateAnswersToBatchesThatAreGone(t *testing.T) {
	w := NewWindow(time.Minute)
	late := answered(0, ms(10)...)
	late.Recovered = 3
	w.Add(late)
	equal(t, "loss", w.Loss(), 0)
	equal(t, "late", Summarize([]Sample{late}).Late, 0)
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
			if got := w.Loss(); got != want.Loss() {
				t.Fatalf("loss %v, want %v", got, want.Loss())
			}
			if got, ok := w.Min(); ok != (want.RTTs > 0) || got != want.Min {
				t.Fatalf("min %v, want %v", got, want.Min)
			}
		}
	})
}

// A window of batches that come fast is as small as any, and forgets none before its time, nor keeps one for long after it.
func TestWindowOfManyBatches(t *testing.T) {
	w := NewWindow(time.Minute)
	luck := rand.New(rand.NewPCG(1, 1))
	for n := range 10_000 {
		end := epoch.Add(time.Duration(n) * 20 * time.Millisecond)
		rtt := ms(10 + luck.Float64())[0]
		switch n {
		case 2_000:
			rtt = ms(5)[0]
		case 4_000:
			rtt = ms(8)[0]
		}
		w.Add(Sample{Started: end, Ended: end, Sent: 1, Received: 1, RTTs: []time.Duration{rtt}})
		lowest, _ := w.Min()
		if 2_000 <= n && n < 5_000 && lowest != ms(5)[0] || 5_100 <= n && n < 7_000 && lowest != ms(8)[0] || n >= 7_100 && lowest < ms(10)[0] {
			t.Fatalf("after %d batches: %v", n, lowest)
		}
		if len(w.slots) > windowSlots+1 || len(w.lows) > windowSlots+1 {
			t.Fatalf("%d slots, %d minima", len(w.slots), len(w.lows))
		}
		if held := w.sums.measured; n >= 3_000 && (held < 3_000 || held > 3_100) {
			t.Fatalf("%d batches are held", held)
		}
	}
}
