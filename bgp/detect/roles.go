package detect

import (
	"slices"
	"strings"

	"peervane/bgp"
)

// role is what a vantage is to a registration.
type role uint8

const (
	bystander role = iota // a collector's peer, or a session of another connection
	primary
	backup
)

// role says what v is to the registration. In a replay every vantage is primary that was not live when it was recorded.
func (s *State) role(v *bgp.Vantage) role {
	if s.Settings.Replay && !v.Relived {
		return primary
	}
	return s.Reg.role(v)
}

// Uses says whether v is a primary or backup session of the registration.
func (r *Registration) Uses(v *bgp.Vantage) bool { return r.role(v) != bystander }

// Backup says whether v is a backup session of the registration.
func (r *Registration) Backup(v *bgp.Vantage) bool { return r.role(v) == backup }

// role says what v is. Without a connection each of our own sessions is primary.
func (r *Registration) role(v *bgp.Vantage) role {
	c := r.Connection
	switch {
	case !v.Own():
		return bystander
	case c == nil:
		return primary
	case named(c.Backup, v.Name):
		return backup
	case len(c.Primary) == 0 || named(c.Primary, v.Name):
		return primary
	}
	return bystander
}

// named finds a vantage by the name of its peer. Dynamic neighbours are named NAME/ADDRESS.
func named(peers []string, vantage string) bool {
	name, _, _ := strings.Cut(vantage, "/")
	return slices.Contains(peers, vantage) || slices.Contains(peers, name)
}

// minPrimary is how many primary sessions must hold the prefix.
func (s *State) minPrimary() int {
	if s.foreign() || s.Reg.Connection == nil {
		return 1
	}
	return max(1, s.Reg.Connection.MinPrimary)
}

// foreign says that what is judged is a replay of other recordings than those of live daemons.
func (s *State) foreign() bool {
	if !s.Settings.Replay {
		return false
	}
	for i := range s.Vantages { // of which there may be very many, in a judgement of each change
		if s.Vantages[i].Relived {
			return false
		}
	}
	return true
}

// comesBack says whether our own routes cannot be expected at v: an external session drops what holds its own AS, so a
// route that we originate does not come back there.
func (s *State) comesBack(v *bgp.Vantage) bool {
	if !v.Own() || v.Relationship == bgp.Internal {
		return true
	}
	ours := func(asn uint32) bool { return asn != 0 && (asn == s.Settings.OurASN || asn == v.LocalASN) }
	return !slices.ContainsFunc(s.Reg.Policy.Origins, ours)
}

// Presence is whether a vantage holds a route from a legitimate origin.
type presence uint8

const (
	unknown presence = iota // lost, not in sync, or with an origin that proves nothing: counts neither way
	present
	absent
)

// presence judges the best path of a vantage.
func (s *State) presence(i int, best *Held) presence {
	v := &s.Vantages[i]
	if best != nil {
		switch s.judgeOrigin(best) {
		case Legitimate:
			return present
		case Unknown:
			return unknown
		}
	}
	if !v.InSync || !s.comesBack(v.Vantage) && !s.seen(i) {
		return unknown
	}
	return absent
}

// judgeOrigin judges an origin whatever is expected of the prefix.
func (s *State) judgeOrigin(h *Held) Verdict {
	return s.judge(s.Origin(h.Vantage, h.Attrs.Path), s.Reg.Policy.Origins)
}

// seen says whether a legitimate route of the prefix was ever held at a vantage.
func (s *State) seen(i int) bool {
	t := s.traces[i]
	return t != nil && t.Seen
}
