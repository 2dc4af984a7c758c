package netlab

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The queue against a stable sort: same frames, same order, none early.
func TestQueueOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		delays := rapid.SliceOf(rapid.IntRange(0, 20)).Draw(t, "delays")
		var q queue
		order := make([]int, len(delays))
		for i, d := range delays {
			order[i] = i
			q.push([]byte{byte(i)}, epoch.Add(time.Duration(d)))
		}
		slices.SortStableFunc(order, func(i, j int) int { return delays[i] - delays[j] })
		for _, i := range order {
			due := epoch.Add(time.Duration(delays[i]))
			if _, ok := q.pop(due.Add(-1)); ok {
				t.Fatal("a frame left early")
			}
			if next, ok := q.next(); !ok || !next.Equal(due) {
				t.Fatalf("next leaves at %s, want %s", next, due)
			}
			if frame, ok := q.pop(due); !ok || frame[0] != byte(i) {
				t.Fatalf("popped %v, want frame %d", frame, i)
			}
		}
		if _, ok := q.next(); ok || q.len() != 0 {
			t.Fatal("frames are left over")
		}
	})
}
