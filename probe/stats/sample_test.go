package stats

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSampleVerdicts(t *testing.T) {
	for name, c := range map[string]struct {
		sample    Sample
		loss      float64
		fullyLost bool
	}{
		"all answered":         {Sample{Sent: 5, Received: 5}, 0, false},
		"one lost":             {Sample{Sent: 5, Received: 4, Lost: 1}, 0.2, false},
		"late is an answer":    {Sample{Sent: 5, Received: 3, Late: 2}, 0, false},
		"refused is an answer": {Sample{Sent: 1, Refused: 1}, 0, false},
		"unreachable is loss":  {Sample{Sent: 2, Unreachable: 2}, 1, true},
		"all lost":             {Sample{Sent: 5, Lost: 5}, 1, true},
		"own drops say nothing": {Sample{Sent: 5, Received: 1, LocalDrop: 4},
			0, false},
		"nothing measured": {Sample{Sent: 5, LocalDrop: 5}, 0, false},
		"nothing sent":     {Sample{}, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			equal(t, "loss", c.sample.Loss(), c.loss)
			equal(t, "fully lost", c.sample.FullyLost(), c.fullyLost)
		})
	}
}

func TestQuantileIsNearestRank(t *testing.T) {
	for _, c := range []struct {
		values []time.Duration
		q      float64
		want   time.Duration
	}{
		{[]time.Duration{1}, 0.5, 1},
		{[]time.Duration{1, 2}, 0.5, 1},
		{[]time.Duration{1, 2, 3}, 0.5, 2},
		{[]time.Duration{1, 2, 3, 4}, 0.5, 2},
		{[]time.Duration{1, 2, 3, 4, 5}, 0.95, 5},
		{[]time.Duration{1, 2, 3, 4, 5}, 0, 1},
		{[]time.Duration{1, 2, 3, 4, 5}, 1, 5},
	} {
		equal(t, "quantile", Quantile(c.values, c.q), c.want)
	}
}

func TestQuantileAgainstItsDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Map(rapid.IntRange(0, 50), func(i int) time.Duration { return time.Duration(i) }), 1, 60).Draw(t, "values")
		q := rapid.Float64Range(0.01, 1).Draw(t, "q")
		slices.Sort(values)
		got := Quantile(values, q)
		notAbove := func(limit time.Duration) float64 {
			n := 0
			for _, v := range values {
				if v <= limit {
					n++
				}
			}
			return float64(n)
		}
		need := q*float64(len(values)) - 1e-9
		if notAbove(got) < need {
			t.Fatalf("%v covers %v of %v values, %v wanted", got, notAbove(got), len(values), need)
		}
		if notAbove(got-1) >= need+1e-6 {
			t.Fatalf("%v is not the smallest such value", got)
		}
	})
}

func TestMedianLeavesItsArgument(t *testing.T) {
	values := []time.Duration{3, 1, 2}
	equal(t, "median", Median(values), 2)
	equal(t, "first value", values[0], 3)
}

func TestKindNames(t *testing.T) {
	equal(t, "name", LocalDrop.String(), "local_drop")
	equal(t, "name", Foreign.String(), "foreign")
	equal(t, "name", Kind(99).String(), "unknown")
}

func TestQuartile(t *testing.T) {
	for _, c := range []struct{ rtts, want []float64 }{
		{[]float64{10}, []float64{10}}, {[]float64{30, 10, 20}, []float64{10}}, {[]float64{78, 58, 98, 38, 37}, []float64{38}},
	} {
		s := Sample{RTTs: ms(c.rtts...)}
		got, ok := s.Quartile()
		equal(t, "quartile", got, ms(c.want...)[0])
		equal(t, "known", ok, true)
		equal(t, "untouched", s.RTTs[0], ms(c.rtts...)[0])
	}
	_, ok := (&Sample{}).Quartile()
	equal(t, "of nothing", ok, false)
}
