package stats

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestRollupsAgainstTheExactSummary cuts a series into roll-ups, keeps them as
// the store does, and holds what they add up to against all samples at once.
func TestRollupsAgainstTheExactSummary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		samples := drawSamples(t)
		per := rapid.IntRange(1, 30).Draw(t, "batches of a roll-up")
		var all Rollup
		for from := 0; from < len(samples); from += per {
			var one Rollup
			for i := range samples[from:min(from+per, len(samples))] {
				one.Add(&samples[from+i])
			}
			kept, err := one.Times.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			one.Times = Histogram{}
			if err := one.Times.UnmarshalBinary(kept); err != nil {
				t.Fatal(err)
			}
			all.Merge(&one)
		}
		got, want := all.Summary(), Summarize(samples)
		if got.Counts != want.Counts || got.RTTs != want.RTTs || got.TSSource != want.TSSource {
			t.Fatalf("%+v, want %+v", got, want)
		}
		if got.Min != want.Min || got.Max != want.Max {
			t.Fatalf("from %v to %v, want %v to %v", got.Min, got.Max, want.Min, want.Max)
		}
		for _, pair := range [][2]time.Duration{{got.P50, want.P50}, {got.P95, want.P95}, {got.P99, want.P99}} {
			if off := (pair[0] - pair[1]).Abs(); off > pair[1]/1000 {
				t.Fatalf("%v, want %v to three digits", pair[0], pair[1])
			}
		}
		if n := len(samples); n > 0 && (!all.Start.Equal(samples[0].Started) || !all.End.Equal(samples[n-1].Ended)) {
			t.Fatalf("%v to %v", all.Start, all.End)
		}
	})
}

// TestQuantilesOfADayAreNotAverages has 23 hours at 10 ms and one at 100 ms: the
// 99th percentile of the day is that of the bad hour, which no average of hourly
// figures gives.
func TestQuantilesOfADayAreNotAverages(t *testing.T) {
	var day Rollup
	for hour := range 24 {
		rtt := 10 * time.Millisecond
		if hour == 17 {
			rtt = 100 * time.Millisecond
		}
		var r Rollup
		for range 360 {
			s := answered(360*hour, rtt, rtt, rtt, rtt, rtt)
			r.Add(&s)
		}
		day.Merge(&r)
	}
	sum := day.Summary()
	equal(t, "p50", sum.P50.Round(100*time.Microsecond), ms(10)[0])
	equal(t, "p95", sum.P95.Round(100*time.Microsecond), ms(10)[0])
	equal(t, "p99", sum.P99.Round(100*time.Microsecond), ms(100)[0])
	equal(t, "count", sum.RTTs, 24*360*5)
}

func TestEmptyRollup(t *testing.T) {
	var r Rollup
	r.Merge(&Rollup{})
	if got := r.Summary(); !reflect.DeepEqual(got, Summary{}) {
		t.Errorf("summary %+v", got)
	}
}

func TestRollupWhoseClockIsSetBack(t *testing.T) {
	var r Rollup
	first, second := answered(0, ms(10)...), answered(-100, ms(10)...)
	first.Ended = at(-100)
	r.Add(&first)
	r.Add(&second)
	equal(t, "start", r.Start, at(0))
	equal(t, "end", r.End, at(0))
}

func TestWeaker(t *testing.T) {
	for _, c := range [][3]string{
		{"", SourceKernel, SourceKernel}, {SourceKernel, SourceUser, SourceUser}, {SourceKernelRx, SourceTCPInfo, SourceKernelRx},
	} {
		equal(t, c[0]+" or "+c[1], Weaker(c[0], c[1]), c[2])
		equal(t, c[1]+" or "+c[0], Weaker(c[1], c[0]), c[2])
	}
}
