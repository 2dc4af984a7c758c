package stats

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestBaselineAgainstSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Map(rapid.IntRange(0, 30000), func(i int) time.Duration { return time.Duration(i) * time.Microsecond }), baselineWarmUp, 500).Draw(t, "values")
		var r recent
		for _, v := range values {
			r.add(v)
		}
		if taken := rapid.IntRange(0, 10).Draw(t, "taken"); len(values)-taken >= baselineWarmUp && len(values) <= baselineBatches {
			last := r.take(taken)
			if want := values[len(values)-taken:]; !slices.Equal(last.arrived, want) {
				t.Fatalf("took %v, want %v", last.arrived, want)
			}
			values = values[:len(values)-taken]
		}
		values = values[max(0, len(values)-baselineBatches):]
		if !slices.Equal(r.arrived, values) || !slices.Equal(r.sorted, slices.Sorted(slices.Values(values))) {
			t.Fatal("holds something else than the last values")
		}
		level := Median(values)
		var off []time.Duration
		for _, v := range values {
			off = append(off, (v - level).Abs())
		}
		want := Baseline{level, max(time.Duration(1.48*float64(Median(off))), 100*time.Microsecond, time.Duration(0.005*float64(level)))}
		if got, _ := r.baseline(); got != want {
			t.Fatalf("baseline %v, want %v", got, want)
		}
	})
}

func BenchmarkShiftAdd(b *testing.B) {
	d := NewShift(24 * time.Hour)
	series := level(1000, 20)
	var n int
	for b.Loop() {
		d.Add(answered(n, series[n%len(series)]))
		n++
	}
}
