package daemon

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"peervane/bgp"
	"peervane/daemon/incident"
	"peervane/daemon/join"
	"peervane/daemon/notice"
)

// What one event does to both planes is told as one incident: that of the route, which carries the latency. A movement is such a
// routing incident.
type movement struct {
	typ          string
	severity     notice.Severity
	offending    netip.Prefix
	began, ended time.Time // ended zero: it stands
}

const (
	// joinSpan is how long after the route a POP must begin to suffer for that to be the same event, and a fifth of it how
	// long before: an UPDATE takes its time.
	joinSpan = 5 * time.Minute
	// joinGrace is how long after the end of a routing incident what it did to the POPs is not told on its own: it takes a
	// batch or two to show that it is over, too.
	joinGrace = time.Minute
)

// moving are the types of incidents that move traffic.
var moving = []string{
	notice.OriginChange, notice.SubPrefix, notice.CoveringChange, notice.NewMoreSpecific, notice.ForgedOrigin, notice.RouteLeak,
	notice.RPKIInvalid, notice.Withdrawn, notice.PathChange, notice.Blackholed,
}

// noteMovement follows the routing incidents that latency incidents may be a part of.
func (e *engine) noteMovement(n *notice.Notice, now time.Time) {
	if !n.Prefix.IsValid() || n.POP != "" || !slices.Contains(moving, n.Type) {
		return
	}
	s := movement{typ: n.Type, severity: n.Severity, offending: n.Offending, began: e.began(n)}
	if n.Status == notice.Resolved {
		s.ended = now
	}
	e.movements[n.Incident] = s
	if !s.ended.IsZero() {
		e.ended = append(e.ended, n.Incident)
	}
	for len(e.ended) > 0 && now.Sub(e.movements[e.ended[0]].ended) > joinGrace {
		delete(e.movements, e.ended[0])
		e.ended = e.ended[1:]
	}
}

// began is when an incident started. Where that was in this run it is a moment of the monotonic clock, so that it is compared with
// what the probes measured as it was, though somebody sets the wall clock between the two.
func (e *engine) began(n *notice.Notice) time.Time {
	if r := e.book.Record(n.Incident); r != nil && !r.Since.IsZero() {
		return r.Since
	}
	if s, known := e.movements[n.Incident]; known { // it has just ended
		return s.began
	}
	return n.StartedAt.Time
}

// joined keeps what is found of a POP from being an incident of its own where a routing incident is the cause, and adds what is
// found to that one. What fires already goes on.
func (e *engine) joined(findings []bgp.Finding, now time.Time) []bgp.Finding {
	for i := range findings {
		f := &findings[i]
		if e.awaited(f) || e.toldElsewhere(f) || e.toldOfSource(f) || e.isEcho(f, now) {
			f.Quiet = true
			continue
		}
		for id, s := range e.movements {
			if !e.explains(&s, f, now) {
				continue
			}
			f.Quiet = true
			if s.ended.IsZero() {
				e.tellIn(id, &s, f, now)
			}
		}
	}
	return findings
}

// heldTypes are the moving ones that are held before they fire, since path hunting is no outage. They need not wait any longer when
// the probes show what they did.
var heldTypes = []string{notice.PathChange, notice.Withdrawn, notice.CoveringChange}

// awaited says whether a routing incident that waits for its hold will tell of what is found.
func (e *engine) awaited(f *bgp.Finding) bool {
	if f.Cause == nil || e.regs.exact(f.Cause.Prefix()) == nil {
		return false
	}
	p := f.Cause.Prefix()
	at := incident.Scope{Kind: incident.Routing, Prefix: p, Offending: p}
	return slices.ContainsFunc(heldTypes, func(typ string) bool { return e.mayTell(typ, f) && e.book.Waits(at, typ) })
}

// toldElsewhere says whether what one event did to many POPs is told of another of them. If it is told of this one, the others are
// in its hints.
func (e *engine) toldElsewhere(f *bgp.Finding) bool {
	if f.Cause == nil {
		return false
	}
	var others []string
	for _, name := range e.pops.names {
		for _, g := range e.suffering[name] {
			if name == f.POP || !join.SameEvent(f.Cause, g.Cause) {
				continue
			}
			if len(e.pops.byName[name].told) > 0 && graver(f.Severity, g.Severity) == g.Severity {
				return true
			}
			others = append(others, name)
		}
	}
	if others = slices.Compact(others); len(others) > 0 {
		f.Hints = append(f.Hints, "the same change moved the latency to "+strings.Join(others, ", "))
	}
	return false
}

// toldOfSource says whether a bad way back to a source is told of another POP already: with no route to blame, what begins together
// is one condition. If it is told of this one, the others are in its hints. Once that incident has ended, what is left is told.
func (e *engine) toldOfSource(f *bgp.Finding) bool {
	if f.Type != notice.ReturnPath || f.Cause != nil {
		return false
	}
	var others []string
	for _, name := range e.pops.names {
		same := func(g bgp.Finding) bool {
			return name != f.POP && g.Type == f.Type && g.Source == f.Source && f.Since.Sub(g.Since).Abs() <= joinSpan
		}
		found := e.pops.byName[name].found
		i := slices.IndexFunc(found, same)
		if i < 0 {
			continue
		}
		if e.book.Tells(incident.Scope{Kind: incident.Probing, Subject: name}, &found[i]) {
			return true
		}
		others = append(others, name)
	}
	if len(others) > 0 {
		f.Hints = append(f.Hints, "the way back from "+strings.Join(others, ", ")+" is bad, too")
	}
	return false
}

// mayTell says whether the severities that are configured let an incident of a type tell of a finding.
func (e *engine) mayTell(typ string, f *bgp.Finding) bool {
	name, given := e.cfg.Severity[typ]
	if !given {
		return true
	}
	severity, err := notice.ParseSeverity(name)
	own, _ := notice.ParseSeverity(f.Severity)
	return err == nil && severity >= own
}

// explains says whether a routing incident is what a POP suffers from: they began together, and the route is that to the POP, or
// that back to the source of the probes.
func (e *engine) explains(s *movement, f *bgp.Finding, now time.Time) bool {
	early := f.Since.Sub(s.began)
	severity, _ := notice.ParseSeverity(f.Severity)
	switch {
	case early > joinSpan || early < -joinSpan/5:
		return false
	case !s.ended.IsZero() && (now.Sub(s.ended) > joinGrace || f.Since.After(s.ended)):
		return false
	case !e.mayTell(s.typ, f) || severity > s.severity && !slices.Contains(heldTypes, s.typ): // those rise with it
		return false
	case f.Cause != nil && (f.Cause.Prefix() == s.offending || f.Cause.Old.Prefix == s.offending):
		return true
	}
	drawn := e.drawnTo(s.offending)
	return e.plane.Every(func(flow join.Flow) bool {
		return flow.POP != f.POP || f.Type != notice.POPUnreachable && flow.Source != f.Source || drawn(flow)
	})
}

// tellIn adds what is found of a POP to the routing incident that it comes from, where that does not tell of it yet.
func (e *engine) tellIn(id string, s *movement, f *bgp.Finding, now time.Time) {
	n, open := e.book.Get(id)
	if !open || f.Measured == nil {
		return
	}
	told := n.Evidence.Latency
	lost := f.Measured.Loss >= 1
	if n.Evidence.Verdict == join.Both && (!lost || told != nil && told.Loss != nil && *told.Loss >= 1) {
		return
	}
	class := n.Evidence.DataPlane
	if slices.Contains(hijacks, s.typ) {
		class = join.Detour
		if lost {
			class = join.BlackHole
		}
	}
	e.amend(id, notice.ReasonLatency, now, func(ev *notice.Evidence) {
		ev.Latency, ev.Verdict, ev.DataPlane = notice.Cost(f.Measured), join.Both, class
	})
}

// costly gives what is found of a POP whose route of a prefix changed, as it was last judged. It is asked with every UPDATE.
func (e *engine) costly(prefix netip.Prefix) (found bgp.Finding, costly bool) {
	if len(e.suffering) == 0 {
		return found, false
	}
	for _, name := range e.pops.names {
		for _, f := range e.suffering[name] {
			if f.Cause.Prefix() == prefix {
				return f, true
			}
		}
	}
	return found, false
}

// suffer keeps what is found of a POP that came with a change of a route.
func (e *engine) suffer(pop string, found []bgp.Finding) {
	delete(e.suffering, pop)
	for i := range found {
		if found[i].Cause != nil {
			e.suffering[pop] = append(e.suffering[pop], found[i])
		}
	}
}

// confirm lets a change of a route fire at once, and at least as gravely as what it did to a POP, once the probes have shown that
// it is one.
func (e *engine) confirm(s scope, findings []bgp.Finding) {
	found, costly := e.costly(s.prefix)
	for i := range findings {
		if f := &findings[i]; costly && slices.Contains(heldTypes, f.Type) {
			f.Hold, f.Severity, f.Verdict = 0, graver(f.Severity, found.Severity), join.Both
		}
	}
}

func graver(a, b string) string {
	x, _ := notice.ParseSeverity(a)
	y, _ := notice.ParseSeverity(b)
	return max(x, y).String()
}

// touchCostly asks for the routes to be judged that what was found, or is found no more, came with.
func (e *engine) touchCostly(found []bgp.Finding) {
	for i := range found {
		if c := found[i].Cause; c != nil && e.regs.exact(c.Prefix()) != nil {
			e.agenda.touch(scope{c.Prefix(), c.Prefix()})
		}
	}
}

// sourceOf is the address that probes to an address leave from: the one that is configured, or the one that the system chooses.
func (e *engine) sourceOf(configured, addr netip.Addr) netip.Addr {
	if configured.IsValid() {
		return configured
	}
	return e.locals[addr]
}

// latencyRemains tells, as a routing incident ends, that the latency was not what it was before when it was last measured: what it is now,
// the next batch tells.
func (e *engine) latencyRemains(n *notice.Notice) string {
	l := n.Evidence.Latency
	if n.Evidence.Verdict != join.Both || l == nil {
		return ""
	}
	median, lost, measured := e.plane.Latest(l.POP)
	switch {
	case !measured:
		return ""
	case lost:
		return fmt.Sprintf("; POP %s did not answer when last probed", l.POP)
	case l.BeforeMS == nil || !join.Off(*l.BeforeMS, median):
		return ""
	}
	return fmt.Sprintf("; the latency to POP %s was still %.1f ms when last measured", l.POP, median)
}

// routeRemains tells, as a latency incident ends, that the route that it came with is still in use.
func (e *engine) routeRemains(n *notice.Notice) string {
	c, p := n.Evidence.Cause, e.pops.byName[n.POP]
	if c == nil || p == nil {
		return ""
	}
	for addr, way := range p.addrs {
		r := way.best()[c.Vantage]
		switch {
		case !c.Prefix.Contains(addr), c.NewPath == c.OldPath:
		case r.Attrs == nil && !c.NewNextHop.IsValid():
			return fmt.Sprintf("; %s still has no route to it", c.Vantage)
		case r.Attrs != nil && r.Prefix == c.Prefix && r.Attrs.Path.String() == c.NewPath:
			return fmt.Sprintf("; the route has not returned: %s still by %s", c.Vantage, c.NewPath)
		}
	}
	return ""
}
