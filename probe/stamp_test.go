package probe

import (
	"testing"
	"time"
)

func TestBestBelievableTime(t *testing.T) {
	const (
		ms     = int64(time.Millisecond)
		us     = int64(time.Microsecond)
		begin  = int64(1_800_000_000_000_000_000)
		hour   = int64(time.Hour)
		elapse = 10 * ms
	)
	// A probe that left 20 µs after it was handed over, and whose answer was
	// read 50 µs after it came.
	plain := stamps{
		sent: instant{wall: begin}, received: instant{wall: begin + elapse, mono: time.Duration(elapse)},
		tx: begin + 20*us, rx: begin + elapse - 50*us,
	}
	kernel, fromUser, user := time.Duration(elapse-70*us), time.Duration(elapse-50*us), time.Duration(elapse)
	for name, c := range map[string]struct {
		change func(*stamps)
		rtt    time.Duration
		source string
	}{
		"both stamps":                        {func(*stamps) {}, kernel, SourceKernel},
		"no transmit stamp":                  {func(s *stamps) { s.tx = 0 }, fromUser, SourceKernelRx},
		"no receive stamp":                   {func(s *stamps) { s.rx = 0 }, user, SourceUser},
		"no stamp":                           {func(s *stamps) { s.tx, s.rx = 0, 0 }, user, SourceUser},
		"transmit stamp of an older packet":  {func(s *stamps) { s.tx = begin - ms }, fromUser, SourceKernelRx},
		"transmit stamp after the answer":    {func(s *stamps) { s.tx = s.rx + us }, fromUser, SourceKernelRx},
		"receive stamp after it was read":    {func(s *stamps) { s.rx = s.received.wall + us }, user, SourceUser},
		"receive stamp before it was sent":   {func(s *stamps) { s.rx = begin - us }, user, SourceUser},
		"clock stepped back before the tx":   {func(s *stamps) { s.tx -= hour; s.rx -= hour; s.received.wall -= hour }, user, SourceUser},
		"clock stepped back in flight":       {func(s *stamps) { s.rx -= hour; s.received.wall -= hour }, user, SourceUser},
		"clock stepped forward in flight":    {func(s *stamps) { s.rx += hour; s.received.wall += hour }, user, SourceUser},
		"clock stepped forward after the rx": {func(s *stamps) { s.received.wall += hour }, user, SourceUser},
		"clock stepped by less than the RTT": {func(s *stamps) { s.rx -= 3 * ms; s.received.wall -= 3 * ms }, user, SourceUser},
	} {
		t.Run(name, func(t *testing.T) {
			s := plain
			c.change(&s)
			rtt, source := s.rtt()
			expect(t, source, c.source)
			expect(t, rtt, c.rtt)
		})
	}
}

func TestInstantKeepsBothClocks(t *testing.T) {
	origin := time.Now()
	later := origin.Add(time.Second)
	got := instantOf(later, origin)
	expect(t, got.mono, time.Second)
	expect(t, got.wall, later.UnixNano())
}
