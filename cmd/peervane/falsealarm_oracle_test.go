package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"peervane/bgp"
	"peervane/bgp/source"
	"peervane/daemon/notice"
)

// history is all that a recording holds, kept as it came: what each vantage held of each prefix, and when. It knows no
// registrations and no incidents, so that it can be asked whether what an incident says was so.
type history struct {
	first, last time.Time
	spans       map[netip.Prefix]map[string][]span // by vantage
	vantages    map[string]bool
}

// span is a time in which a vantage held one path; nil: it had withdrawn it.
type span struct {
	from, to time.Time // to: the zero time while it goes on
	path     *bgp.Path
}

func historyOf(t *testing.T, file string) *history {
	t.Helper()
	h := &history{spans: map[netip.Prefix]map[string][]span{}, vantages: map[string]bool{}}
	sink := source.SinkFunc(func(in bgp.Input) error {
		if h.first.IsZero() {
			h.first = in.When()
		}
		h.last = in.When()
		h.vantages[in.Of().Name] = true
		switch in := in.(type) {
		case bgp.Change:
			h.change(in)
		case bgp.SessionUp, bgp.SessionDown:
			h.lose(in.Of().Name, in.When())
		}
		return nil
	})
	if err := source.NewRecording([]string{file}, source.RecordingOptions{}).Run(context.Background(), sink); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *history) change(c bgp.Change) {
	at := h.spans[c.Prefix]
	if at == nil {
		at = map[string][]span{}
		h.spans[c.Prefix] = at
	}
	spans := at[c.Vantage.Name]
	if n := len(spans); n > 0 && spans[n-1].to.IsZero() {
		spans[n-1].to = c.At
	}
	s := span{from: c.At}
	if c.Attrs != nil {
		s.path = c.Attrs.Path
	}
	at[c.Vantage.Name] = append(spans, s)
}

func (h *history) lose(vantage string, at time.Time) {
	for _, vantages := range h.spans {
		if spans := vantages[vantage]; len(spans) > 0 && spans[len(spans)-1].to.IsZero() {
			spans[len(spans)-1].to = at
		}
	}
}

// during gives the spans of a vantage that touch a time; both ends count, since records of one second have no order.
func (h *history) during(p netip.Prefix, vantage string, from, to time.Time) []span {
	var out []span
	for _, s := range h.spans[p][vantage] {
		if !s.from.After(to) && (s.to.IsZero() || !s.to.Before(from)) {
			out = append(out, s)
		}
	}
	return out
}

// wrong says what in a firing notice was not so. Empty: it was true.
func (h *history) wrong(n *notice.Notice) string {
	at := n.UpdatedAt.Time
	for _, r := range n.Evidence.Routes {
		held := func(s span) bool { return s.path != nil && s.path.String() == r.ASPath }
		if !slices.ContainsFunc(h.during(r.Prefix, r.Vantage, at, at), held) {
			return fmt.Sprintf("%s does not hold %s by %s", r.Vantage, r.Prefix, r.ASPath)
		}
	}
	if judge := claims[n.Type]; judge != nil {
		return judge(h, n)
	}
	return fmt.Sprintf("nothing is known of what %s claims", n.Type)
}

// claims says by type what must be so beside the routes of the evidence.
var claims = map[string]func(*history, *notice.Notice) string{
	"origin_change":     everyRoute(func(n *notice.Notice, r notice.Route) bool { return !registeredOrigin(n, r) && r.Prefix == n.Prefix }),
	"subprefix":         everyRoute(func(n *notice.Notice, r notice.Route) bool { return !registeredOrigin(n, r) && inside(n, r) }),
	"new_more_specific": everyRoute(func(n *notice.Notice, r notice.Route) bool { return registeredOrigin(n, r) && inside(n, r) }),
	"forged_origin": everyRoute(func(n *notice.Notice, r notice.Route) bool {
		return registeredOrigin(n, r) && !slices.Contains(n.Evidence.Expected.Upstreams, hopFromEnd(r.ASPath, 1))
	}),
	"policy": everyRoute(func(_ *notice.Notice, r notice.Route) bool {
		return slices.ContainsFunc(asnsIn(r.ASPath), bgp.IsPrivate)
	}),
	"unlisted_prefix": everyRoute(func(n *notice.Notice, r notice.Route) bool {
		return !n.Prefix.IsValid() && originIn(r.ASPath) == n.CulpritASN
	}),
	"new_upstream":   everyRoute(blamed),
	"new_downstream": everyRoute(blamed),
	"route_leak":     everyRoute(blamed),
	"covering_change": everyRoute(func(n *notice.Notice, r notice.Route) bool {
		return covers(r.Prefix, n.Prefix) && !registeredOrigin(n, r)
	}),
	"withdrawn":   (*history).wrongAbsence,
	"path_change": (*history).wrongMove,
	"flapping":    (*history).wrongCalm,
}

func everyRoute(so func(*notice.Notice, notice.Route) bool) func(*history, *notice.Notice) string {
	return func(_ *history, n *notice.Notice) string {
		for _, r := range n.Evidence.Routes {
			if !so(n, r) {
				return fmt.Sprintf("%s by %s at %s is nothing of that kind", r.Prefix, r.ASPath, r.Vantage)
			}
		}
		return ""
	}
}

func registeredOrigin(n *notice.Notice, r notice.Route) bool {
	return slices.Contains(n.Evidence.Expected.Origins, originIn(r.ASPath))
}

func inside(n *notice.Notice, r notice.Route) bool {
	return r.Prefix != n.Prefix && covers(n.Prefix, r.Prefix)
}

func covers(p, q netip.Prefix) bool { return p.Bits() <= q.Bits() && p.Contains(q.Addr()) }

func blamed(n *notice.Notice, r notice.Route) bool {
	return slices.Contains(asnsIn(r.ASPath), n.CulpritASN)
}

// wrongAbsence: for the whole hold no vantage that had shown the prefix held it from a registered origin.
func (h *history) wrongAbsence(n *notice.Notice) string {
	at, seen := n.UpdatedAt.Time, false
	for vantage, spans := range h.spans[n.Prefix] {
		seen = seen || len(spans) > 0
		for _, s := range h.during(n.Prefix, vantage, n.StartedAt.Time, at) {
			whole := s.from.Before(at) && (s.to.IsZero() || s.to.After(n.StartedAt.Time))
			if s.path != nil && whole && slices.Contains(n.Evidence.Expected.Origins, originIn(s.path.String())) {
				return fmt.Sprintf("%s held it from %s by %s", vantage, s.from, s.path)
			}
		}
	}
	if !seen {
		return "nobody had shown it"
	}
	if at.Sub(n.StartedAt.Time) < 30*time.Second {
		return "it fired before its hold"
	}
	return ""
}

// wrongMove: each vantage had left the path that it is told to have left, for one through other ASes, for as long as the
// hold lasts.
func (h *history) wrongMove(n *notice.Notice) string {
	at := n.UpdatedAt.Time
	if at.Sub(n.StartedAt.Time) < time.Minute {
		return "it fired before its hold"
	}
	for i, r := range n.Evidence.Routes {
		was := n.Evidence.Previous[i].ASPath
		if once(was) == once(r.ASPath) {
			return fmt.Sprintf("%s: %s and %s are the same ASes", r.Vantage, was, r.ASPath)
		}
		if !slices.ContainsFunc(h.during(r.Prefix, r.Vantage, h.first, at), func(s span) bool {
			return s.path != nil && once(s.path.String()) == once(was)
		}) {
			return fmt.Sprintf("%s never held %s", r.Vantage, was)
		}
	}
	return ""
}

// wrongCalm: at some vantage there were enough withdrawals and changes of the path for the penalty of RFC 2439 to be that
// high, if it never decayed.
func (h *history) wrongCalm(n *notice.Notice) string {
	worst := 0
	for _, spans := range h.spans[n.Prefix] {
		penalty, last := 0, ""
		for _, s := range spans {
			switch {
			case s.from.After(n.UpdatedAt.Time):
			case s.path == nil:
				penalty += 1000
			case s.path.String() != last:
				penalty += 500
				last = s.path.String()
			}
		}
		worst = max(worst, penalty)
	}
	if worst <= 6000 {
		return fmt.Sprintf("no vantage has a penalty over %d", worst)
	}
	return ""
}

// once is a path without its repeats.
func once(text string) string { return fmt.Sprint(hopsOf(text)) }

func hopsOf(text string) []bgp.Hop {
	path, err := bgp.ParsePath(text)
	if err != nil {
		return nil
	}
	return path.Clean()
}

func asnsIn(text string) (out []uint32) {
	for _, hop := range hopsOf(text) {
		out = append(append(out, hop.ASN), hop.Set...)
	}
	return out
}

// originIn is the origin of a path; 0 where it is a set.
func originIn(text string) uint32 { return hopFromEnd(text, 0) }

// hopFromEnd is a hop counted from the origin; 0 where it is a set, or there is none.
func hopFromEnd(text string, back int) uint32 {
	hops := hopsOf(text)
	if back >= len(hops) {
		return 0
	}
	return hops[len(hops)-1-back].ASN
}
