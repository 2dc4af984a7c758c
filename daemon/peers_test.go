package daemon

import (
	"testing"
	"time"

	"peervane/bgp/session"
)

// TestSessionIsInAStateSince: the state of a session and since when are of one moment, also where the engine has not heard
// yet that the session rose or fell.
func TestSessionIsInAStateSince(t *testing.T) {
	lost := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	changed := lost.Add(time.Hour)
	down, up := &vantage{since: lost}, &vantage{since: lost, up: true}
	for _, c := range []struct {
		name  string
		state session.State
		known *vantage
		want  time.Time
	}{
		{"tries again", session.Active, down, lost},
		{"rose, and the engine has not heard", session.Established, down, changed},
		{"up", session.Established, up, changed},
		{"fell, and the engine has not heard", session.Idle, up, changed},
		{"not known yet", session.Connect, nil, changed},
	} {
		if got := inState(session.Status{State: c.state, Since: changed}, c.known); !got.Equal(c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
