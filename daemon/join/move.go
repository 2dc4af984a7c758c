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

// moves are the latest moves of the way to an address, one of each session, the latest last.
type moves []Move

// Moved takes in that the path to an address changed. The shifts that follow have it as their cause.
func (p *Plane) Moved(addr netip.Addr, m Move) {
	if p.moved == nil {
		p.moved = map[netip.Addr]moves{}
	}
	p.moved[addr] = p.moved[addr].and(m)
	for f, h := range p.flows {
		if f.Addr == addr {
			h.suspect = suspicion{waits: true}
		}
	}
}

// and goes on with another step. What follows soon after a step of the same session is of one move with it, unless it leads back to
// where that began.
func (ms moves) and(m Move) moves {
	m.Last, m.Updates = m.At, 1
	i := slices.IndexFunc(ms, func(was Move) bool { return was.vantage() == m.vantage() })
	if i < 0 {
		return append(ms, m)
	}
	was := ms[i]
	if m.At.Sub(was.Last) < calm && was.Old.Attrs != nil && !SameWay(was.Old, m.New) {
		m.At, m.Old, m.Updates = was.At, was.Old, was.Updates+1
	}
	return append(slices.Delete(ms, i, i+1), m)
}

// latest is the last move, of whichever session; the zero value where there was none.
func (ms moves) latest() (m Move) {
	for _, x := range ms {
		if x.Last.After(m.Last) {
			m = x
		}
	}
	return m
}

func (m Move) vantage() *bgp.Vantage { return (*bgp.RouteChange)(&m).Vantage() }

// SameWay says whether two routes of a session are one path epoch: the same prefix, next hop and AS path, or none at all.
func SameWay(a, b bgp.Seen) bool {
	if a.Attrs == nil || b.Attrs == nil {
		return a.Attrs == b.Attrs
	}
	return a.Prefix == b.Prefix && a.Attrs.NextHop == b.Attrs.NextHop && a.Attrs.Path.String() == b.Attrs.Path.String()
}

// SameEvent says whether two changes of routes, to two addresses, are what one event did: at one session, soon after each other,
// with the same ASes new on the way, or with no way left.
func SameEvent(a, b *bgp.RouteChange) bool {
	return a.Vantage() == b.Vantage() && a.At.Sub(b.At).Abs() < calm && (a.New.Attrs == nil) == (b.New.Attrs == nil) &&
		slices.Equal(Move(*a).transits(), Move(*b).transits())
}

// suspicion follows the batches after a move. Two in a row that are far off are a shift at once.
type suspicion struct {
	waits bool
	since time.Time // start of the first batch that was far off
	n     int       // of them in a row
	clean int       // batches that were not
}

const (
	confirmed  = 2 // batches in a row that it takes
	cleanBurst = 3 // batches at once look for it: packets may follow the UPDATE a little later
	cleanMost  = 5 // batches as ever show that they do not
)

// follow gives a batch to the detector of shifts, with the latest move before it.
func (h *history) follow(s stats.Sample, m Move) {
	after := h.suspect.waits && s.Started.After(m.At)
	suspects := after && h.shift.Suspects(s)
	h.shift.Add(s)
	switch {
	case !after:
	case s.Started.Sub(m.Last) > calm:
		h.suspect = suspicion{}
	case !suspects:
		h.suspect.n = 0
		if h.suspect.clean++; h.suspect.clean == cleanMost {
			h.suspect = suspicion{}
		}
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

// show follows a shift: it is told anew when it has grown by half, and when it proves to be smaller by a third than it seemed at first.
func (p *Plane) show(f Flow, h *history) {
	s, holds := h.shift.Shifted()
	switch {
	case !holds:
		h.shown = shown{}
	case h.shown.Since.IsZero():
		h.shown = shown{Shifted: s}
		h.shown.cause, h.shown.caused = p.causeOf(f, s.Since)
	case 2*s.By().Abs() >= 3*h.shown.By().Abs(), s.Sized && !h.shown.Sized && 3*s.By().Abs() <= 2*h.shown.By().Abs() && !h.shift.Recovering():
		h.shown.Shifted = s
	case s.Sized:
		h.shown.Sized = true
	}
	for _, m := range p.moved[f.Addr] {
		if h.shown.caused && m.At.Equal(h.shown.cause.At) && m.vantage() == h.shown.cause.vantage() {
			h.shown.cause = m // the same move, which has gone on
		}
	}
}

// Wants says whether another batch at once would decide about a shift, or show when an outage ends that came with a move.
func (p *Plane) Wants(f Flow) bool {
	h := p.flows[f]
	if h == nil || h.batches.len() == 0 {
		return false
	}
	last, m := h.batches.last(), p.moved[f.Addr].latest()
	since := last.Started.Sub(m.Last)
	out := last.Loss() > 0 && since > 0 && since <= outageWatched
	return h.suspect.n > 0 || h.suspect.clean > 0 && h.suspect.clean < cleanBurst || out
}

// sameMoment is how far apart the UPDATEs of two sessions about one event may come.
const sameMoment = 5 * time.Second

// causeOf is the move that a shift of a flow came with: the one that is nearest in time; or, of the moves at that moment, that of the
// session by which the address is reached.
func (p *Plane) causeOf(f Flow, since time.Time) (cause Move, found bool) {
	for _, m := range p.moved[f.Addr] {
		early := since.Sub(m.At)
		if early > causeSpan || early < -causeSpan/5 {
			continue
		}
		apart, used := since.Sub(cause.At).Abs()-early.Abs(), p.ways[f.Addr].vantage
		switch {
		case !found, apart > sameMoment, apart > 0 && cause.vantage() != used, apart > -sameMoment && m.vantage() == used:
			cause, found = m, true
		}
	}
	return cause, found
}

// String says it as the summary does: who is new on the way.
func (m Move) String() string {
	v := m.vantage()
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
	if m.Old.Attrs == nil || m.New.Attrs == nil {
		return nil
	}
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
