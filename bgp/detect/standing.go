package detect

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// The states of a registration.
const (
	Verified = "verified"
	Pending  = "pending" // not known yet: no End-of-RIB has come
	Lacking  = "warning" // a requirement is not met
	Failed   = "failed"  // announced nowhere, or by a wrong origin
	Invalid  = "invalid" // no prefix that could be announced, or registered twice with different origins
)

// Standing says how a registration stands, and why it is not verified. It is asked of the exact scope; inside holds
// announced more-specifics of the prefix, where there are any.
func (s *State) Standing(inside []netip.Prefix) (state string, reasons []string) {
	if space := bogon(s.Prefix); space != "" {
		return Invalid, []string{fmt.Sprintf("%s lies in %s, which is not for the internet", s.Prefix, space)}
	}
	if p := s.Reg.Policy; len(p.Disputed) > 0 {
		return Invalid, []string{fmt.Sprintf("registered twice with different origins: as %s, which counts, and as %s", asns(p.Origins), asns(p.Disputed))}
	}
	s.prepare()
	if wrong := s.wrongOrigins(); len(wrong) > 0 {
		return Failed, wrong
	}
	if s.Reg.Policy.Expect == Absent {
		return Verified, nil
	}
	unmet := s.routesLack()
	if s.Reg.Policy.Expect == Announced {
		r := s.rollCall()
		switch {
		case len(r.primaries.held)+len(r.backups.held) == 0 && len(r.primaries.silent) > 0:
			return s.nowhere(r, inside)
		case r.unknown():
			return Pending, r.waiting()
		}
		lacks, pending := s.sessionsLack(r)
		if len(lacks)+len(unmet) == 0 && pending {
			return Pending, r.waiting()
		}
		unmet = append(lacks, unmet...)
	}
	if len(unmet) > 0 {
		return Lacking, unmet
	}
	return Verified, nil
}

// attendance sorts the sessions of one role by what they say of the registered prefix.
type attendance struct {
	held   []string
	silent []string // in sync without it
	down   []string
	late   []string // up, and not in sync yet
	mute   []string // up, without the family
}

// rollCall is the attendance of all sessions of a registration.
type rollCall struct{ primaries, backups attendance }

func (s *State) rollCall() (r rollCall) {
	for i := range s.Vantages {
		v := &s.Vantages[i]
		a := &r.primaries
		switch s.role(v.Vantage) {
		case bystander:
			continue
		case backup:
			a = &r.backups
		}
		switch p := s.presence(i, s.best[i]); {
		case p == present:
			a.held = append(a.held, v.Name)
		case p == absent:
			a.silent = append(a.silent, v.Name)
		case v.Mute:
			a.mute = append(a.mute, v.Name)
		case !v.Up:
			a.down = append(a.down, v.Name)
		default:
			a.late = append(a.late, v.Name)
		}
	}
	return r
}

// unknown says whether no session has told yet whether it carries the prefix.
func (r rollCall) unknown() bool {
	return len(r.primaries.held)+len(r.primaries.silent)+len(r.backups.held) == 0
}

func (r rollCall) waiting() (reasons []string) {
	late := append(slices.Clone(r.primaries.late), r.backups.late...)
	down := append(slices.Clone(r.primaries.down), r.backups.down...)
	mute := append(slices.Clone(r.primaries.mute), r.backups.mute...)
	if len(late) > 0 {
		reasons = append(reasons, "no End-of-RIB yet, and no route of it, from "+names(late))
	}
	if len(down) > 0 {
		reasons = append(reasons, "no session with "+names(down))
	}
	if len(mute) > 0 {
		reasons = append(reasons, "blind, this address family is not spoken with "+names(mute)+": enable it on the router")
	}
	if len(reasons) == 0 {
		return []string{"there is no session that could carry it"}
	}
	return reasons
}

// wrongOrigins names who announces the prefix without being entitled to.
func (s *State) wrongOrigins() (reasons []string) {
	by := map[string][]string{}
	for i := range s.Routes {
		if h := &s.Routes[i]; s.Verdict(h) == Wrong {
			origin := hopText(s.Origin(h.Vantage, h.Attrs.Path))
			by[origin] = union(by[origin], []string{h.Vantage.Name})
		}
	}
	return each("announced by %s at %s", by)
}

// routesLack names the requirements that routes at primary and backup sessions do not meet.
func (s *State) routesLack() []string {
	by := map[string][]string{}
	for i := range s.Routes {
		h := &s.Routes[i]
		for _, reason := range s.unmet(h) {
			by[reason] = union(by[reason], []string{h.Vantage.Name})
		}
	}
	return each("%s at %s", by)
}

// each writes a line for each reason, sorted.
func each(format string, by map[string][]string) (lines []string) {
	for reason, at := range by {
		lines = append(lines, fmt.Sprintf(format, reason, names(at)))
	}
	slices.Sort(lines)
	return lines
}

// sessionsLack names the sessions that should carry the prefix and do not. Pending says that too few do, and that some of the
// others have not told all yet.
func (s *State) sessionsLack(r rollCall) (reasons []string, pending bool) {
	p, need := r.primaries, s.minPrimary()
	switch held := len(p.held); {
	case held >= need:
	case held+len(p.late) >= need:
		pending = true
	default:
		reasons = append(reasons, fmt.Sprintf("announced on %d of %d primary sessions, %d should be (%s)",
			held, held+len(p.silent)+len(p.down)+len(p.late)+len(p.mute), need, p.missing()))
	}
	b := r.backups
	switch {
	case len(b.held) > 0 || len(b.silent)+len(b.down)+len(b.late)+len(b.mute) == 0:
	case len(b.late) > 0:
		pending = true
	default:
		reasons = append(reasons, fmt.Sprintf("no backup session announces it (%s)", b.missing()))
	}
	return reasons, pending
}

// missing tells why sessions do not count.
func (a attendance) missing() string {
	var parts []string
	for _, p := range [...]struct {
		who  []string
		what string
	}{{a.silent, "silent"}, {a.down, "down"}, {a.late, "not in sync"}, {a.mute, "without this address family"}} {
		if len(p.who) > 0 {
			parts = append(parts, fmt.Sprintf("%s: %s", p.what, names(p.who)))
		}
	}
	if len(parts) == 0 {
		return "there are no more"
	}
	return strings.Join(parts, "; ")
}

// nowhere is the standing of a prefix that no session carries. Where a longer or shorter route takes its traffic, what lacks
// is the exact one.
func (s *State) nowhere(r rollCall, inside []netip.Prefix) (string, []string) {
	var others []string
	for _, p := range inside {
		others = append(others, p.String())
	}
	for _, h := range firsts(len(s.Vantages), s.Covering) {
		if h == nil || s.role(h.Vantage) == bystander {
			continue
		}
		if s.judge(s.Origin(h.Vantage, h.Attrs.Path), s.Reg.Policy.Origins, s.Reg.Policy.CoveringOrigins) == Legitimate {
			others = union(others, []string{h.Prefix.String()})
		}
	}
	if len(others) > 0 {
		return Lacking, []string{"no exact route, only " + names(others)}
	}
	silent := append(slices.Clone(r.primaries.silent), r.backups.silent...)
	return Failed, []string{"announced nowhere; up, but without it: " + names(silent)}
}
