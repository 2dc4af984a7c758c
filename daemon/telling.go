package daemon

import (
	"peervane/daemon/api"
	"peervane/daemon/notice"
)

// pictureOfTelling shows how the channels are, and what of the open incidents is told to nobody, and why; the engine's goroutine
// calls it.
func (d *Daemon) pictureOfTelling(s *api.Status, open []api.Incident) {
	s.Channels = []api.Channel{}
	for _, c := range d.channelStates() {
		s.Channels = append(s.Channels, c.shown(d.store.Depth(c.name)))
	}
	s.Silences = d.engine.book.Silenced()
	for i := range open {
		if open[i].HeldBack != "" {
			s.HeldBack++
		}
		if open[i].Acknowledged != nil {
			s.Acknowledged++
		}
	}
}

func (s *channelState) shown(waiting int) api.Channel {
	h := &s.health
	c := api.Channel{
		Name: s.name, State: "ok", Since: notice.At(earliest(h.Since, h.Behind)), LastError: h.Error, LastErrorAt: notice.At(h.At),
		DeadLetters: s.dead, Waiting: waiting,
	}
	switch {
	case !s.known:
		c.State = "unknown"
	case h.Useless:
		c.State = "disabled"
	case !c.Since.IsZero() || s.dead > 0:
		c.State = "failing"
	}
	return c
}
