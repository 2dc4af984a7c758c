package daemon

import (
	"context"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"go.uber.org/zap"

	"peervane/config"
	"peervane/daemon/api"
	"peervane/daemon/store"
	"peervane/probe"
	"peervane/probe/stats"
)

// measuring is a daemon of which only the engine's memory of latencies and the store run. Batches are handed to it.
type measuring struct {
	*Daemon
	stop func()
}

func newMeasuring(t testing.TB, dir string) *measuring {
	t.Helper()
	cfg := &config.Config{Daemon: config.Daemon{StateDir: dir}, POPs: []config.POP{{Name: "par1", Address: farAway}}}
	d := New(cfg, Options{Log: zap.NewNop()})
	if err := d.openStore(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended, engine := make(chan error, 1), make(chan struct{})
	go func() { ended <- d.store.Run(ctx) }()
	go func() {
		defer close(engine)
		for f := range d.calls {
			f()
		}
	}()
	stopped := false
	m := &measuring{d, func() {
		if stopped {
			return
		}
		stopped = true
		close(d.calls)
		<-engine
		d.publisher.flush(d.engine)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}}
	t.Cleanup(m.stop)
	return m
}

var (
	farAway = netip.MustParseAddr("198.51.100.1")
	toPar1  = probe.Target{POP: "par1", Addr: farAway, Method: "icmp"}
)

func (m *measuring) batch(s stats.Sample) {
	m.engine.batch(probe.Batch{Target: toPar1, Sample: s})
	m.publisher.publish(m.engine.take(), nil, s.Ended)
}

func answeredAt(at time.Time, rtts ...time.Duration) stats.Sample {
	return stats.Sample{
		Started: at, Ended: at.Add(time.Second), Sent: len(rtts) + 1, Received: len(rtts), Lost: 1, RTTs: rtts, TSSource: stats.SourceKernel,
	}
}

// TestWindowsUpToAMonthComeBackAfterARestart measures for 31 days, ten batches an hour with a daily wave, and holds what each
// window is told to be to what all its batches come to, in the run that measured and in the next one.
func TestWindowsUpToAMonthComeBackAfterARestart(t *testing.T) {
	dir := t.TempDir()
	m := newMeasuring(t, dir)
	const perHour = 10
	now := time.Now().Truncate(time.Microsecond)
	var all []stats.Sample
	for at := now.Add(-31 * 24 * time.Hour); at.Before(now.Add(-time.Second)); at = at.Add(time.Hour / perHour) {
		level := 20*time.Millisecond + time.Duration(at.Hour())*time.Millisecond + time.Duration(len(all)%97)*10*time.Microsecond
		s := answeredAt(at, level, level+time.Millisecond, level+2*time.Millisecond)
		all = append(all, s)
		m.batch(s)
	}
	check := func(m *measuring) {
		for _, window := range []time.Duration{time.Hour, 6, 12, 24, 7 * 24, 30 * 24} {
			if window != time.Hour {
				window *= time.Hour
			}
			expectWindow(t, m, all, now, window)
		}
	}
	m.keep(t.Context(), store.Batch{Urgent: true}) // what is asked for is read from the disk
	check(m)
	m.stop()
	check(newMeasuring(t, dir))
}

// expectWindow allows for the hour that a window cuts through: it is told whole.
func expectWindow(t *testing.T, m *measuring, all []stats.Sample, now time.Time, window time.Duration) {
	t.Helper()
	told, err := m.Latency(t.Context(), "par1", window)
	if err != nil || len(told) != 1 || len(told[0].Points) == 0 {
		t.Fatalf("%v: %+v, %v", window, told, err)
	}
	got, first := told[0], told[0].Points[0]
	if from := now.Add(-window); first.Until.Before(from) || first.At.Before(from.Add(-time.Hour)) {
		t.Errorf("%v: it begins with %v to %v", window, first.At, first.Until)
	}
	within := slices.DeleteFunc(slices.Clone(all), func(s stats.Sample) bool { return s.Started.Before(first.At.Time) })
	want := figures(stats.Summarize(within))
	for _, pair := range [][2]*float64{{got.P50MS, want.P50MS}, {got.P95MS, want.P95MS}, {got.P99MS, want.P99MS}} {
		if off := *pair[0] - *pair[1]; off > *pair[1]/1000 || off < -*pair[1]/1000 {
			t.Errorf("%v: %v ms, want %v ms to three digits", window, *pair[0], *pair[1])
		}
		*pair[0] = *pair[1]
	}
	got.JitterMS = want.JitterMS
	if !reflect.DeepEqual(got.Figures, want) {
		t.Errorf("%v: got %+v, want %+v", window, got.Figures, want)
	}
}

// TestDetailAndEarlierRun asks for half an hour of which this run remembers ten minutes: those batch by batch, and before them
// what the run before kept.
func TestDetailAndEarlierRun(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	m := newMeasuring(t, dir)
	for ago := 20 * time.Minute; ago > 15*time.Minute; ago -= 10 * time.Second {
		m.batch(answeredAt(now.Add(-ago), 10*time.Millisecond))
	}
	m.stop()
	m = newMeasuring(t, dir)
	for ago := 10 * time.Minute; ago > 0; ago -= 10 * time.Second {
		m.batch(answeredAt(now.Add(-ago), 30*time.Millisecond))
	}
	told, err := m.Latency(t.Context(), "", 30*time.Minute)
	if err != nil || len(told) != 1 {
		t.Fatal(told, err)
	}
	before := 0 // points of the run before: one, or two where an hour ended within it
	for _, p := range told[0].Points {
		if *p.P50MS < 20 {
			before++
		}
	}
	if total := told[0].Sent; before < 1 || before > 2 || len(told[0].Points) != 60+before || total != 2*(30+60) {
		t.Errorf("%d probes, %d points, %d of them of the run before", total, len(told[0].Points), before)
	}
}

func TestRollupsFollowTheHours(t *testing.T) {
	r := rollups{}
	w := wayOf(toPar1)
	add := func(at time.Time) []store.Latency {
		s := answeredAt(at, time.Millisecond)
		return r.add(w, &s)
	}
	hour := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for n := range 6 { // up to 10:00:51
		if rows := add(hour.Add(time.Duration(n) * 10 * time.Second)); len(rows) != 0 {
			t.Fatalf("batch %d is written at once", n)
		}
	}
	if rows := add(hour.Add(time.Minute)); len(rows) != 1 || rows[0].Batches != 7 {
		t.Fatalf("after a minute: %+v", rows)
	}
	if rows := add(hour.Add(time.Hour)); len(rows) != 1 || rows[0].Batches != 7 || !rows[0].Start.Equal(hour) {
		t.Fatalf("when the hour is over: %+v", rows)
	}
	if rows := add(hour.Add(20 * time.Minute)); len(rows) != 1 || rows[0].Batches != 1 { // the wall clock is set back
		t.Fatalf("clock set back: %+v", rows)
	}
	if fresh := r.fresh("par1")[w]; len(fresh) != 2 || fresh[1].Batches != 1 {
		t.Fatalf("fresh: %+v", fresh)
	}
	if rows := r.retain([]probe.Target{toPar1}); len(rows) != 0 {
		t.Fatalf("still probed: %+v", rows)
	}
	if rows := r.retain(nil); len(rows) != 1 || len(r) != 0 {
		t.Fatalf("not probed any more: %+v", rows)
	}
}

// TestWhatIsHandedOverStaysAsItWas adds to a roll-up while the store has it.
func TestWhatIsHandedOverStaysAsItWas(t *testing.T) {
	r, w := rollups{}, wayOf(toPar1)
	s := answeredAt(start, time.Millisecond)
	r.add(w, &s)
	row := r.all()[0]
	r.add(w, &s)
	if row.Batches != 1 || row.Times.Count() != 1 {
		t.Errorf("the row became %+v", row)
	}
}

// BenchmarkWindow asks for a month of one POP with four ways: two methods and two families.
//
//	go test ./daemon -run '^$' -bench Window
func BenchmarkWindow(b *testing.B) {
	m := newMeasuring(b, b.TempDir())
	now := time.Now()
	targets := []probe.Target{toPar1, toPar1, toPar1, toPar1}
	targets[1].Method, targets[3].Method = "tcp:443", "tcp:443"
	targets[2].Addr, targets[3].Addr = netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::1")
	var rows []store.Latency
	for hours := 30 * 24; hours > 0; hours-- {
		for _, t := range targets {
			l := store.Latency{Way: wayOf(t)}
			for n := range 360 {
				level := 20*time.Millisecond + time.Duration(n%130)*16*time.Microsecond
				s := answeredAt(now.Add(-time.Duration(hours)*time.Hour+time.Duration(n)*10*time.Second), level, level, level, level, level)
				l.Add(&s)
			}
			rows = append(rows, l)
		}
	}
	done := make(chan error)
	m.store.Submit(store.Batch{Latency: rows}, func(err error) { done <- err })
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	for _, w := range []struct {
		name   string
		window time.Duration
	}{{"6h", 6 * time.Hour}, {"12h", 12 * time.Hour}, {"1d", 24 * time.Hour}, {"7d", 7 * 24 * time.Hour}, {"30d", 30 * 24 * time.Hour}} {
		b.Run(w.name, func(b *testing.B) {
			var told []api.Latency
			for b.Loop() {
				var err error
				if told, err = m.Latency(b.Context(), "par1", w.window); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(told[0].Points)), "points")
		})
	}
}
