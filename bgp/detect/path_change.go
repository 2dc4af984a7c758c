package detect

import (
	"fmt"
	"slices"
	"time"

	"peervane/bgp"
)

// learnPath keeps the path that a vantage's best route is compared with: the first one that can be trusted, until
// another has held for path_settle. A route that offends is no new normal.
func (t *Trace) learnPath(s *State, v *Vantage, best *Held) (changed bool) {
	switch {
	case v.Loading || best == nil && !v.InSync:
		return false
	case best == nil || s.wrong(best):
		changed = t.Moved != nil
		t.Moved = nil
		return changed
	case t.Settled.Path == nil:
		if s.judgeOrigin(best) != Legitimate || s.Now.Before(s.trusted(v, best)) {
			return false
		}
		t.Settled = Path{best.Attrs.Path}
		return true
	case s.samePath(v, t.Settled.Path, best.Attrs.Path):
		changed = t.Settled.refine(best.Attrs.Path) || t.Moved != nil
		t.Moved = nil
		return changed
	}
	if t.Moved == nil || !s.samePath(v, t.Moved.Path.Path, best.Attrs.Path) {
		t.Moved, changed = &Moved{Path{best.Attrs.Path}, s.Now}, true
	} else {
		changed = t.Moved.Path.refine(best.Attrs.Path)
	}
	if !s.Now.Before(t.Moved.Since.Add(s.Settings.PathSettle)) {
		t.Settled, t.Moved = t.Moved.Path, nil
		s.settle("path_change")
		return true
	}
	return changed
}

// trusted is when the first path of a prefix that a vantage shows counts as settled: at once where it came with the table. What
// is announced later may be one of many on the way to another, so it must hold for as long as a change must.
func (s *State) trusted(v *Vantage, best *Held) time.Time {
	if !v.Since.IsZero() && !best.Since.After(v.Since) {
		return best.Since
	}
	return best.Since.Add(s.Settings.PathChangeHold)
}

// refine puts a path in the place of one that it agrees with and that hides an AS behind AS_TRANS, so that what is compared
// with later is no wild card for longer than it must.
func (p *Path) refine(q *bgp.Path) (changed bool) {
	if !p.Contains(bgp.ASTrans) || q.Contains(bgp.ASTrans) {
		return false
	}
	p.Path = q
	return true
}

func (s *State) samePath(v *Vantage, a, b *bgp.Path) bool {
	return a == b || a.String() == b.String() || wildHops(s.hops(v.Vantage, a), s.hops(v.Vantage, b))
}

// move is a vantage whose route in use left the settled path.
type move struct {
	held  *Held
	from  *bgp.Path
	at    *bgp.Vantage // where the settled path was seen
	since time.Time
}

// pathChange: the route in use moved to other ASNs than the settled ones. Primary sessions are in use; where none of them
// holds the prefix any more, the backup ones are.
func pathChange(j *judgement) {
	if !j.exact() || j.Memory == nil {
		return
	}
	moves := j.moves()
	if len(moves) == 0 {
		return
	}
	f := j.finding("path_change", info)
	f.Hold = j.Settings.PathChangeHold
	f.Expected.Path = moves[0].from.String()
	for _, m := range moves {
		show(&f, m.held, m.since)
		f.Previous = append(f.Previous, bgp.Seen{Vantage: m.at, Prefix: j.Prefix, Attrs: &bgp.Attrs{Path: m.from}})
	}
	inUse := j.role(moves[0].held.Vantage)
	j.agree(&f, func(v *bgp.Vantage) bool { return j.role(v) == inUse })
	f.Summary = moveSummary(j, &f, moves[0])
	j.found = append(j.found, f)
}

// moves lists the vantages in use whose route moved and which no other incident claims. Each of our own sessions is in
// use. A recording shows hundreds of foreign networks, whose path hunting is no concern of ours: what they show counts when
// the route of the one nearest to us moves.
func (j *judgement) moves() []move {
	var own, foreign []move
	inUse := false
	for i, h := range j.best {
		if h == nil || j.role(h.Vantage) != primary {
			continue
		}
		inUse = true
		switch m := j.moved(i); {
		case m == nil:
		case h.Vantage.Own():
			own = append(own, *m)
		default:
			foreign = append(foreign, *m)
		}
	}
	if !inUse {
		return j.failedOver()
	}
	nearest := j.nearest()
	if slices.ContainsFunc(foreign, func(m move) bool { return m.at == nearest }) {
		return append(own, foreign...)
	}
	return own
}

// nearest is the collectors' peer with the best settled path, among those that hold a route.
func (j *judgement) nearest() (v *bgp.Vantage) {
	best := 0
	for i, h := range j.best {
		if h == nil || h.Vantage.Own() {
			continue
		}
		t := j.traces[i]
		if t == nil || t.Settled.Path == nil || j.Vantages[i].Loading {
			continue
		}
		if n := t.Settled.Len(); v == nil || n < best {
			v, best = h.Vantage, n
		}
	}
	return v
}

// moved compares the best route of a vantage with its settled path.
func (j *judgement) moved(i int) *move {
	h, v := j.best[i], &j.Vantages[i]
	t := j.traces[i]
	if t == nil || t.Settled.Path == nil || v.Loading || j.samePath(v, t.Settled.Path, h.Attrs.Path) {
		return nil
	}
	if j.yields(h, "path_change") || t.Moved == nil {
		return nil
	}
	return &move{h, t.Settled.Path, h.Vantage, t.Moved.Since}
}

// failedOver compares the routes of the backup sessions with what the primary ones held before they lost it.
func (j *judgement) failedOver() []move {
	from := j.abandoned()
	if from.from == nil {
		return nil
	}
	var out []move
	for i, h := range j.best {
		v := &j.Vantages[i]
		if h == nil || v.Loading || j.role(h.Vantage) != backup || j.settledAtPrimary(h) || j.yields(h, "path_change") {
			continue
		}
		m := from
		m.held = h
		out = append(out, m)
	}
	settles := from.since.Add(j.Settings.PathSettle)
	switch {
	case len(out) == 0:
	case j.Now.Before(settles):
		j.again(settles)
	default:
		j.settle("path_change")
		return nil
	}
	return out
}

// abandoned gives the first settled path of the primary sessions that hold nothing, or did not when they were last in sight, and since when
// that is so.
func (j *judgement) abandoned() (from move) {
	for i := range j.Vantages {
		v := j.Vantages[i].Vantage
		t := j.traces[i]
		if t == nil || t.Settled.Path == nil || j.role(v) != primary || j.presence(i, nil) != absent && t.Lost.IsZero() {
			continue
		}
		if from.from == nil {
			from.from, from.at = t.Settled.Path, v
		}
		if t.Lost.After(from.since) {
			from.since = t.Lost
		}
	}
	return from
}

// settledAtPrimary says whether a route takes a path that is settled at some primary session.
func (j *judgement) settledAtPrimary(h *Held) bool {
	for i := range j.Vantages {
		v := &j.Vantages[i]
		t := j.traces[i]
		if t != nil && t.Settled.Path != nil && j.role(v.Vantage) == primary &&
			wildHops(j.hops(v.Vantage, t.Settled.Path), j.hops(h.Vantage, h.Attrs.Path)) {
			return true
		}
	}
	return false
}

func moveSummary(j *judgement, f *bgp.Finding, m move) string {
	old, now := j.hops(m.at, m.from), j.hops(m.held.Vantage, m.held.Attrs.Path)
	return fmt.Sprintf("%s left its settled path, now %s: %s -> %s (%s, %s)",
		f.Prefix, detour(old, now), pathText(m.from), pathText(m.held.Attrs.Path), m.held.Vantage.Name, share(f))
}

// detour says in a word how a path differs: by the AS nearest to us that is new in it, or else by the one that is missing.
func detour(old, now []bgp.Hop) string {
	if len(now) == 0 {
		return "local"
	}
	if as := stranger(now, old); as != 0 {
		return "through " + asn(as)
	}
	if as := stranger(old, now); as != 0 {
		return "without " + asn(as)
	}
	return "in another order"
}

// stranger is the first AS of hops that the others lack; 0 = none.
func stranger(hops, others []bgp.Hop) uint32 {
	for _, h := range hops {
		if h.Set == nil && !contains(others, h.ASN) {
			return h.ASN
		}
	}
	return 0
}

func contains(hops []bgp.Hop, asn uint32) bool {
	return slices.ContainsFunc(hops, func(h bgp.Hop) bool { return slices.Contains(members(h), asn) })
}
