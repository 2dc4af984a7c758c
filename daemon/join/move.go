package join

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"peervane/bgp"
	"peervane/probe/stats"
)

// causeSpan is how long after a move of the path a shift is still its effect.
const causeSpan = 5 * time.Minute

// calm is how long the way to an address must stay as it is for a series of changes, such as path hunting, to be over: longer
// than routers hold back one UPDATE after another (MinRouteAdvertisementIntervalTimer, RFC 4271).
const calm = 35 * time.Second

// Move is a change of the path to a POP address at one of our own sessions: the end of one path epoch and the begin of the
// next. Steps that follow each other soon are one move, from where it began to where it led.
type Move bgp.RouteChange

// Moved takes in that the path to an address changed. The shifts that follow have it as their cause.
func (p *Plane) Moved(addr netip.Addr, m Move) {
	if p.moved == nil {
		p.moved = map[netip.Addr]Move{}
	}
	m.Last, m.Updates = m.At, 1
	if was, ok := p.moved[addr]; ok && m.At.Sub(was.Last) < calm {
		m = was.then(m)
	}
	p.moved[addr] = m
	for f, h := range p.flows {
		if f.Addr == addr {
			h.suspect = suspicion{waits: true}
		}
	}
}

// then goes on from one step to the next. The first session that moved is the one that is told of; what leads back to where the
// move began is a move of its own.
func (m Move) then(next Move) Move {
	first, second := (*bgp.RouteChange)(&m).Vantage(), (*bgp.RouteChange)(&next).Vantage()
	switch {
	case first != second:
	case SameWay(m.Old, next.New):
		return next
	default:
		m.New = next.New
	}
	m.Last, m.Updates = next.At, m.Updates+1
	return m
}

// SameWay says whether two routes of a session are one path epoch: the same prefix, next hop and AS path, or none at all.
func SameWay(a, b bgp.Seen) bool {
	if a.Attrs == nil || b.Attrs == nil {
		return a.Attrs == b.Attrs
	}
	return a.Prefix == b.Prefix && a.Attrs.NextHop == b.Attrs.NextHop && a.Attrs.Path.String() == b.Attrs.Path.String()
}

// suspicion follows the first batches after a move. Two in a row that are far off are a shift at once.
type suspicion struct {
	waits bool
	since time.Time // start of the first batch that was far off
	n     int
}

// confirmed is how many batches in a row it takes.
const confirmed = 2

// follow gives a batch to the detector of shifts.
func (h *history) follow(s stats.Sample, m Move) {
	suspects := h.suspect.waits && s.Started.After(m.At) && s.Started.Sub(m.At) <= causeSpan && h.shift.Suspects(s)
	h.shift.Add(s)
	switch {
	case !h.suspect.waits || !s.Started.After(m.At):
	case !suspects:
		h.suspect = suspicion{}
	default:
		if h.suspect.n == 0 {
			h.suspect.since = s.Started
		}
		if h.suspect.n++; h.suspect.n == confirmed {
			h.shift.Confirm(confirmed, h.suspect.since)
			h.suspect = suspicion{}
		}
	}
}

// shown is a shift as it is told: with the cause that it began with, and as far as it went.
type shown struct {
	stats.Shifted
	cause  Move
	caused bool
}

// show follows a shift: it is told anew when it has grown by half.
func (p *Plane) show(f Flow, h *history) {
	s, holds := h.shift.Shifted()
	switch {
	case !holds:
		h.shown = shown{}
	case h.shown.Since.IsZero():
		h.shown = shown{Shifted: s}
		h.shown.cause, h.shown.caused = p.causeOf(f, s.Since)
	case 2*s.By().Abs() >= 3*h.shown.By().Abs():
		h.shown.Shifted = s
	}
	if m := p.moved[f.Addr]; h.shown.caused && m.At.Equal(h.shown.cause.At) {
		h.shown.cause = m // the same move, which has gone on
	}
}

// Wants says whether another batch at once would decide about a shift, or show when an outage ends that came with a move.
func (p *Plane) Wants(f Flow) bool {
	h := p.flows[f]
	if h == nil || len(h.samples) == 0 {
		return false
	}
	last := h.samples[len(h.samples)-1]
	m, moved := p.moved[f.Addr]
	out := moved && last.Loss() > 0 && last.Started.After(m.At) && last.Started.Sub(m.At) <= outageWatched
	return h.suspect.n > 0 || out
}

// causeOf is the move that a shift of a flow came with.
func (p *Plane) causeOf(f Flow, since time.Time) (Move, bool) {
	m, ok := p.moved[f.Addr]
	early := since.Sub(m.At)
	return m, ok && early <= causeSpan && early >= -causeSpan/5
}

// String says it as the summary does: who is new on the way.
func (m Move) String() string {
	v := (*bgp.RouteChange)(&m).Vantage()
	switch {
	case m.New.Attrs == nil:
		return fmt.Sprintf("%s has no route to it any more, before: %s", v.Name, path(m.Old))
	case m.Old.Attrs == nil:
		return fmt.Sprintf("%s has a route to it: %s", v.Name, path(m.New))
	}
	text := fmt.Sprintf("at %s the path went from %s to %s", v.Name, path(m.Old), path(m.New))
	if news := m.transits(); len(news) > 0 {
		text = "now through " + strings.Join(news, ", ") + ", " + text
	}
	return text
}

// transits are the ASes that are new on the way.
func (m Move) transits() (out []string) {
	old := map[uint32]bool{}
	for _, h := range m.Old.Attrs.Path.Clean() {
		old[h.ASN] = true
	}
	for _, h := range m.New.Attrs.Path.Clean() {
		if name := fmt.Sprintf("AS%d", h.ASN); h.Set == nil && !old[h.ASN] && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

func path(r bgp.Seen) string {
	if text := r.Attrs.Path.String(); text != "" {
		return text
	}
	return "an empty path"
}
