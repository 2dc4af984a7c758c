package daemon

import (
	"peervane/daemon/api"
	"peervane/daemon/notice"
)

// pictureOfTelling names the channels, and shows what of the open incidents is told to nobody, and why; the engine's goroutine
// calls it.
func (d *Daemon) pictureOfTelling(s *api.Status, open []api.Incident) {
	s.Channels = []api.Channel{}
	for _, c := range d.cfg.Channels {
		s.Channels = append(s.Channels, api.Channel{Name: c.Name})
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

// pictureOfChannels shows how some channels are just now.
func (d *Daemon) pictureOfChannels(named []api.Channel) []api.Channel {
	if len(named) == 0 {
		return named
	}
	health := d.channels.Health()
	out := make([]api.Channel, 0, len(named))
	for _, c := range named {
		state := d.stateOf(c.Name, health)
		out = append(out, state.shown(d.store.Depth(c.Name)))
	}
	return out
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
