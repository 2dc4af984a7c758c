package netlab

import (
	"math/rand/v2"
	"time"
)

// shaper decides when a frame leaves one direction of a link, and how many
// copies of it. It reads no clock.
type shaper struct {
	luck  *rand.Rand
	under *Impairment // what the frame before was under
	turn  time.Time   // when the frame before leaves; none leaves earlier
}

// admit judges a frame that arrived at the time given, 0 copies being its loss.
// Frames keep their order, but for those that reordering picks. Those that
// found the link under other settings keep their own times: a path that became
// shorter lets new frames overtake the old.
func (s *shaper) admit(at time.Time, imp *Impairment) (leave time.Time, copies int) {
	if imp.Blackhole || s.chance(imp.Loss) {
		return time.Time{}, 0
	}
	copies = 1
	if s.chance(imp.Duplicate) {
		copies = 2
	}
	leave = at.Add(imp.Delay)
	if imp.Jitter > 0 {
		leave = leave.Add(time.Duration(s.luck.Int64N(int64(imp.Jitter))))
	}
	if s.chance(imp.Reorder) {
		return leave.Add(imp.ReorderBy), copies
	}
	if s.under == imp && leave.Before(s.turn) {
		leave = s.turn
	}
	s.under, s.turn = imp, leave
	return leave, copies
}

func (s *shaper) chance(p float64) bool {
	return p > 0 && s.luck.Float64() < p
}
