package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// turns feeds medians, one batch each, and notes what turned when.
func turns(d *Shift, from int, medians ...time.Duration) (seen []string) {
	names := map[Turn]string{Fired: "fired", Recovered: "recovered", Settled: "settled"}
	for i, m := range medians {
		if turn := d.Add(answered(from+i, m)); turn != Steady {
			seen = append(seen, fmt.Sprintf("%d %s", from+i, names[turn]))
		}
	}
	return seen
}

// level is n batches of a latency that strays by a twentieth of a millisecond.
func level(n int, rtt float64) []time.Duration {
	var out []time.Duration
	for i := range n {
		out = append(out, ms(rtt+0.05*float64(i%3-1))...)
	}
	return out
}

func TestShiftFiresAndRecovers(t *testing.T) {
	d := NewShift(24 * time.Hour)
	var seen []string
	seen = append(seen, turns(d, 0, level(100, 20)...)...)
	seen = append(seen, turns(d, 100, level(50, 25)...)...)
	shifted, holds := d.Shifted()
	equal(t, "holds", holds, true)
	equal(t, "since", shifted.Since, at(100))
	equal(t, "before", shifted.Baseline.Level, ms(20)[0])
	equal(t, "by", shifted.By(), ms(5)[0])
	seen = append(seen, turns(d, 150, level(50, 20)...)...)
	equal(t, "turns", fmt.Sprint(seen), "[104 fired 161 recovered]")
	base, _ := d.Baseline()
	equal(t, "baseline", base.Level, ms(20)[0])
}

func TestShiftDownward(t *testing.T) {
	d := NewShift(24 * time.Hour)
	turns(d, 0, level(100, 20)...)
	equal(t, "turns", fmt.Sprint(turns(d, 100, level(20, 15)...)), "[104 fired]")
	shifted, _ := d.Shifted()
	equal(t, "by", shifted.By(), ms(-5)[0])
}

func TestShiftThatIsTooSmall(t *testing.T) {
	for name, c := range map[string]struct{ before, after float64 }{
		"under 1 ms": {5, 5.9},
		"under 5 %":  {100, 104.5},
	} {
		t.Run(name, func(t *testing.T) {
			d := NewShift(24 * time.Hour)
			turns(d, 0, level(100, c.before)...)
			equal(t, "turns", len(turns(d, 100, level(1000, c.after)...)), 0)
			base, _ := d.Baseline()
			equal(t, "the baseline follows", base.Level, ms(c.after)[0])
		})
	}
}

func TestShiftSettles(t *testing.T) {
	d := NewShift(time.Hour)
	turns(d, 0, level(100, 20)...)
	equal(t, "turns", fmt.Sprint(turns(d, 100, level(400, 25)...)), "[104 fired 460 settled]")
	base, _ := d.Baseline()
	equal(t, "baseline", base.Level, ms(25)[0])
	equal(t, "back is a shift too", fmt.Sprint(turns(d, 500, level(10, 20)...)), "[504 fired]")
}

func TestShiftNeedsToWarmUp(t *testing.T) {
	d := NewShift(24 * time.Hour)
	turns(d, 0, level(baselineWarmUp-1, 20)...)
	_, warm := d.Baseline()
	equal(t, "warm", warm, false)
	turns(d, 29, level(1, 20)...)
	_, warm = d.Baseline()
	equal(t, "warm", warm, true)
}

func TestSpikesDoNotFire(t *testing.T) {
	d := NewShift(24 * time.Hour)
	series := level(1000, 20)
	for i := 50; i < len(series); i += 8 {
		series[i], series[i+1] = time.Second, time.Second
	}
	equal(t, "turns", len(turns(d, 0, series...)), 0)
}

func TestOneNearBatchIsNoRecovery(t *testing.T) {
	d := NewShift(24 * time.Hour)
	turns(d, 0, level(100, 20)...)
	turns(d, 100, level(20, 25)...)
	for n := range 10 {
		equal(t, "turns", len(turns(d, 120+12*n, append(level(11, 20), ms(25)...)...)), 0)
	}
	_, holds := d.Shifted()
	equal(t, "holds", holds, true)
}

func TestLostBatchesSayNothingOfLatency(t *testing.T) {
	d := NewShift(24 * time.Hour)
	turns(d, 0, level(100, 20)...)
	for n := range 100 {
		equal(t, "turn", d.Add(lossy(100+n, 5)), Steady)
	}
	base, _ := d.Baseline()
	equal(t, "baseline", base.Level, ms(20)[0])
}

func TestResetForgets(t *testing.T) {
	d := NewShift(24 * time.Hour)
	turns(d, 0, level(100, 20)...)
	turns(d, 100, level(20, 25)...)
	d.Reset()
	_, holds := d.Shifted()
	equal(t, "holds", holds, false)
	equal(t, "turns", len(turns(d, 120, level(100, 25)...)), 0)
}

// weather is a synthetic path: a level with a daily wave, noise, spikes in 2 %
// of the packets, and every three hours half a minute of 10 ms more.
type weather struct {
	random *rand.Rand
	base   float64 // ms
}

func (w weather) batch(n int) Sample {
	seconds := float64(n) * interval.Seconds()
	wave := math.Sin(2 * math.Pi * seconds / 86400)
	burst := 0.0
	if math.Mod(seconds, 3*3600) < 30 && n > 0 {
		burst = 10
	}
	var rtts []time.Duration
	for range 5 {
		rtt := w.base + wave + burst + 0.15*math.Abs(w.random.NormFloat64())
		if w.random.Float64() < 0.02 {
			rtt += w.random.ExpFloat64() * 20
		}
		rtts = append(rtts, ms(rtt)...)
	}
	return answered(n, rtts...)
}

const perDay = int(24 * time.Hour / interval)

// TestSyntheticWeek bounds false alarms: at most one a day and target, and of
// those that would be told as a warning, at least 5 ms or 20 %, one a month.
func TestSyntheticWeek(t *testing.T) {
	alarms, warnings, days := 0, 0, 0
	for seed := range uint64(8) {
		path := weather{rand.New(rand.NewPCG(seed, 1)), 20}
		d := NewShift(24 * time.Hour)
		for n := range 7 * perDay {
			if d.Add(path.batch(n)) == Fired {
				alarms++
				if s, _ := d.Shifted(); s.By() >= max(5*time.Millisecond, s.Baseline.Level/5) {
					warnings++
				}
			}
		}
		days += 7
	}
	t.Logf("%d alarms, %d of them warnings, in %d target-days", alarms, warnings, days)
	if alarms > days {
		t.Errorf("%d false alarms in %d target-days", alarms, days)
	}
	if warnings > days/30 {
		t.Errorf("%d false warnings in %d target-days", warnings, days)
	}
}

// TestStepsAreFound adds a step on the second day and bounds the delay.
func TestStepsAreFound(t *testing.T) {
	const stepAt = 30 * 360 // batches: 30 hours
	for _, step := range []float64{1, 2, 5, 20, -2, -5} {
		var delays []time.Duration
		for seed := range uint64(12) {
			path := weather{rand.New(rand.NewPCG(seed, 2)), 20}
			d := NewShift(24 * time.Hour)
			for n := range stepAt + 360 {
				if n == stepAt {
					if _, holds := d.Shifted(); holds {
						break // a false alarm, which the other test bounds, is in the way
					}
					path.base += step
				}
				if turn := d.Add(path.batch(n)); turn == Fired && n >= stepAt {
					delays = append(delays, at(n+1).Sub(at(stepAt)))
					break
				}
			}
		}
		if len(delays) < 12 {
			t.Errorf("step of %+v ms: found in %d of 12 trials", step, len(delays))
			continue
		}
		t.Logf("step of %+v ms: found in %d of 12 trials, after %v in the middle, %v at the latest", step, len(delays), Median(delays), slices.Max(delays))
		if Median(delays) > 2*time.Minute {
			t.Errorf("step of %+v ms: found after %v", step, Median(delays))
		}
	}
}

// Two noisy batches that were confirmed do not make of a shift that stays one that is over.
func TestSizeIsMeasuredAgain(t *testing.T) {
	d := NewShift(24 * time.Hour)
	n := 0
	add := func(batches int, rtt float64) (turn Turn) {
		for range batches {
			turn = max(turn, d.Add(answered(n, ms(rtt, rtt, rtt)...)))
			n++
		}
		return turn
	}
	add(60, 12)
	add(2, 70)
	equal(t, "confirmed", d.Confirm(2, at(60)), true)
	equal(t, "it stays", add(40, 37), Steady)
	s, holds := d.Shifted()
	equal(t, "holds", holds, true)
	equal(t, "by", s.By(), ms(25)[0])
	equal(t, "it ends", add(shiftRecovery, 12), Recovered)
}
