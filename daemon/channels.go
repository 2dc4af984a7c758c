package daemon

import (
	"fmt"
	"strings"
	"time"

	"peervane/bgp"
	"peervane/daemon/incident"
	"peervane/daemon/notice"
	"peervane/daemon/notify"
)

// channelPatience is how long a channel must have failed before the others are told.
const channelPatience = 5 * time.Minute

// channelState is how one configured channel is.
type channelState struct {
	name   string
	health notify.Health
	known  bool // it has begun: its health says something
	dead   int  // its dead letters
}

// channels is how the configured channels are, and when that must be judged: now, or at a time.
type channels struct {
	states  []channelState
	touched bool
	due     time.Time
}

// lookAtChannels asks the engine to judge how the channels are. It does not wait.
func (d *Daemon) lookAtChannels() {
	d.channelsChanged.Store(true)
	signal(d.wake)
}

// channelStates gathers how the channels are; the engine's goroutine calls it.
func (d *Daemon) channelStates() []channelState {
	health := d.channels.Health()
	states := make([]channelState, 0, len(d.cfg.Channels))
	for _, c := range d.cfg.Channels {
		states = append(states, d.stateOf(c.Name, health))
	}
	return states
}

func (d *Daemon) stateOf(channel string, health map[string]notify.Health) channelState {
	h, known := health[channel]
	return channelState{channel, h, known, d.store.Dead(channel)}
}

func (e *engine) channelsAre(states []channelState) {
	e.channels = channels{states: states, touched: true}
}

const channelSubject = "channel "

func channelScope(name string) incident.Scope {
	return incident.Scope{Kind: incident.Service, Subject: channelSubject + name}
}

// judgeChannels says which channels fail.
func (e *engine) judgeChannels(now time.Time) {
	c := &e.channels
	if !c.touched && (c.due.IsZero() || now.Before(c.due)) {
		return
	}
	c.touched, c.due = false, time.Time{}
	configured := map[incident.Scope]bool{}
	for _, state := range c.states {
		scope := channelScope(state.name)
		configured[scope] = true
		if !state.known {
			continue // what stands stays until it is known
		}
		world := incident.World{Labels: map[string]string{notice.LabelChannel: state.name}}
		e.tell(e.book.Reconcile(scope, state.findings(e.book.Has(scope)), now, world), now)
		c.due = earliest(c.due, e.book.Due(scope))
	}
	for _, scope := range e.book.Open(incident.Service) {
		if strings.HasPrefix(scope.Subject, channelSubject) && !configured[scope] {
			e.tell(e.book.Remove(scope, now), now)
		}
	}
}

// findings says whether a channel fails. One that is behind since an earlier run fails if it did then: no attempt has told
// anything else yet.
func (s *channelState) findings(told bool) []bgp.Finding {
	f := bgp.Finding{Type: notice.ChannelFailing, Severity: notice.Error.String(), Channel: s.name, Since: s.health.Since, Hold: channelPatience}
	var why []string
	switch {
	case s.health.Useless, !s.health.Since.IsZero():
		why = append(why, s.health.Error)
	case told && !s.health.Behind.IsZero():
		f.Since = s.health.Behind
		why = append(why, s.health.Error)
	}
	if s.dead > 0 {
		why = append(why, fmt.Sprintf("dead letters: %d, see peervane deadletter list", s.dead))
	}
	if len(why) == 0 {
		return nil
	}
	if s.health.Useless || s.dead > 0 {
		f.Since, f.Hold = time.Time{}, 0 // nobody will try that again
	}
	f.Summary = "channel " + s.name + " is failing: " + strings.Join(why, "; ")
	return []bgp.Finding{f}
}
