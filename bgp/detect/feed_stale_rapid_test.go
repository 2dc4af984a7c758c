package detect

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// longestGap is the longest silence between times, the first of which begins it.
func longestGap(times []time.Time) (gap time.Duration) {
	for i := 1; i < len(times); i++ {
		gap = max(gap, times[i].Sub(times[i-1]))
	}
	return gap
}

// TestFeedStaleAgainstItsModel holds feed_stale to what the list of all changes tells: a history is whole with a hundred changes in
// a day; the last whole one and the one that is being gathered know a longest silence, and ten times of that, half an hour at
// least, is far longer.
func TestFeedStaleAgainstItsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1_700_000_000, 0).UTC()
		p := &Peer{Name: "edge1", Established: true, Since: now}
		p.Activity.Rise(now)
		gathered := []time.Time{now} // what the history begins after, and its changes
		began := time.Time{}
		var past time.Duration
		pace := rapid.IntRange(1, 1800).Draw(t, "pace")
		for range rapid.IntRange(1, 400).Draw(t, "changes") {
			now = now.Add(time.Duration(rapid.IntRange(0, pace).Draw(t, "gap")) * time.Second)
			p.Activity.Note(now)
			if began.IsZero() {
				began = now
			}
			gathered = append(gathered, now)
			longest := longestGap(gathered)
			if len(gathered) > historyChanges && now.Sub(began) >= historyTime {
				past, longest, began, gathered = max(longest, 1), 0, now, []time.Time{now}
			}
			quiet := time.Duration(rapid.IntRange(0, 30_000).Draw(t, "quiet")) * time.Second
			f, _ := feedStale(p, now.Add(quiet))
			want := past > 0 && quiet >= max(silenceFactor*max(past, longest), silenceLeast)
			if (f != nil) != want {
				t.Fatalf("silent for %s after silences of %s and %s: %v, want %t", quiet, past, longest, f, want)
			}
		}
	})
}
