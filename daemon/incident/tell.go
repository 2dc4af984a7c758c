package incident

import (
	"cmp"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"peervane/bgp"
	"peervane/daemon/notice"
)

// take writes a finding into an incident.
func (r *reconciliation) take(rec *Record, f *bgp.Finding) {
	if rec.Bad == nil {
		r.watch(rec, f.Bad)
	}
	lost := rec.lost()
	total := f.Total + len(lost)
	changed := rec.Summary != f.Summary || rec.Total != total
	rec.Summary, rec.Total = f.Summary, total
	n := rec.Notice
	n.Severity = r.severity(f)
	n.Prefix, n.Offending, n.CulpritASN = f.Prefix, f.Offending, f.Culprit
	n.Connection, n.Peer, n.POP, n.Labels = f.Connection, f.Peer, f.POP, r.world.Labels
	rec.Connections = nil
	switch c := r.world.Connections; {
	case len(c) == 1:
		n.Connection = c[0]
	case len(c) > 1:
		rec.Connections = c
	}
	routes, previous := r.routes(f)
	n.Evidence = notice.Evidence{
		Methods: f.Methods, LeakType: f.LeakType, Also: f.Also, Hints: f.Hints,
		Routes:   append(routes, of(n.Evidence.Routes, lost)...),
		Previous: previous,
		Expected: notice.Expected{
			Origins: f.Expected.Origins, CoveringOrigins: f.Expected.CoveringOrigins, MaxLength: f.Expected.MaxLength,
			Upstreams: f.Expected.Upstreams, Communities: f.Expected.Communities,
			Sessions: f.Expected.Sessions, Silent: f.Expected.Silent, Path: f.Expected.Path,
		},
		Latency: n.Evidence.Latency, Verdict: cmp.Or(f.Verdict, n.Evidence.Verdict),
		Cause: notice.CauseOf(f.Cause), DataPlane: n.Evidence.DataPlane, Trace: n.Evidence.Trace,
	}
	if f.Measured != nil {
		n.Evidence.Latency = notice.Cost(f.Measured)
	}
	r.draft = n
	if changed || !reflect.DeepEqual(&rec.Notice, &r.draft) {
		rec.Notice = n
		r.dirty[rec.ID()] = rec
	}
}

// severity is the detector's, unless the configuration replaces it.
func (b *Book) severity(f *bgp.Finding) notice.Severity {
	name := f.Severity
	if given, ok := b.opt.Severity[f.Type]; ok {
		name = given
	}
	s, err := notice.ParseSeverity(name)
	if err != nil {
		return notice.Warning
	}
	return s
}

// of keeps the routes of some vantages.
func of(routes []notice.Route, vantages []string) []notice.Route {
	var out []notice.Route
	for _, r := range routes {
		if slices.Contains(vantages, r.Vantage) {
			out = append(out, r)
		}
	}
	return out
}

// routes are those of a finding: what is wrong, and what stood before.
func (b *Book) routes(f *bgp.Finding) (wrong, before []notice.Route) {
	room := make([]notice.Route, 0, len(f.Routes)+len(f.Previous))
	for _, s := range f.Routes {
		room = append(room, b.route(s))
	}
	n := len(room)
	for _, s := range f.Previous {
		room = append(room, b.route(s))
	}
	if n > 0 {
		wrong = room[:n:n]
	}
	if n < len(room) {
		before = room[n:]
	}
	return wrong, before
}

func (b *Book) route(s bgp.Seen) notice.Route {
	r := notice.Route{Vantage: s.Vantage.Name, Prefix: s.Prefix, RPKI: s.RPKI, Since: notice.At(s.Since)}
	if s.Attrs != nil {
		r.ASPath, r.Origin = s.Attrs.Path.String(), b.origin(s)
		r.NextHop, r.Communities = s.Attrs.NextHop, s.Attrs.CommunityStrings()
	}
	return r
}

// origin is that of a route, 0 where it is not certain.
func (b *Book) origin(s bgp.Seen) uint32 {
	last, ok := s.Attrs.Path.Last()
	switch {
	case ok:
		return last.ASN
	case s.Vantage.Relationship == bgp.Internal:
		return b.opt.OurASN
	}
	return s.Vantage.ASN
}

// sentence is the summary: the finding's, with what it cost and who is out of sight. Once it is over only what it was
// is told, which is what stands before the first colon.
func (r *Record) sentence(now time.Time) string {
	paid := costText(r.Notice.Evidence.Latency, r.Open)
	if r.Notice.Type == notice.POPUnreachable {
		paid = "" // that is what the finding says
	}
	paid += planeText(r.Notice.Evidence.DataPlane, r.Open) + enteredText(r.Notice.Evidence.Trace)
	if !r.Open {
		what, _, _ := strings.Cut(r.Summary, ": ")
		lasted := max(0, now.Sub(r.Notice.StartedAt.Time)).Round(time.Second)
		if r.Notice.Reason == notice.ReasonConfig {
			return fmt.Sprintf("no longer observed, by configuration, after %s: %s%s", lasted, what, paid)
		}
		return fmt.Sprintf("resolved after %s: %s%s%s", lasted, what, paid, r.Remains)
	}
	text := r.Summary + paid
	if lost := r.lost(); len(lost) > 0 {
		text += "; out of sight: " + names(lost)
	}
	switch {
	case r.Flapping && !r.Cleared.IsZero():
		text += "; flapping, gone for now: told again once it is steady"
	case r.Flapping:
		text += "; flapping: told again once it is steady"
	}
	if r.Ack != nil {
		text += "; " + r.Ack.text()
	}
	return text
}

// planeText says what becomes of packets that are drawn to a hijacker, or what became of them.
func planeText(class string, open bool) string {
	are := map[bool]string{true: "are", false: "were"}[open]
	switch class {
	case "black_hole":
		return "; packets to or from it " + are + " lost, as seen from here"
	case "detour":
		return "; packets to or from it " + are + " led round, as seen from here"
	case "unaffected_here":
		return "; as seen from here, packets to or from it " + are + " not affected"
	}
	return ""
}

// enteredText names the hop where the delay entered.
func enteredText(t *notice.Trace) string {
	switch {
	case t == nil || t.Entered == nil:
		return ""
	case t.Entered.ASN == 0:
		return fmt.Sprintf("; the delay enters at hop %d, %s", t.Entered.TTL, t.Entered.Address)
	}
	return fmt.Sprintf("; the delay enters at hop %d, %s (AS%d)", t.Entered.TTL, t.Entered.Address, t.Entered.ASN)
}

// names lists vantages, and counts those beyond the first few.
func names(list []string) string {
	const many = 4
	if len(list) > many {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:many], ", "), len(list)-many)
	}
	return strings.Join(list, ", ")
}

// costText tells the latency that an incident cost: "; +38 ms to POP par1".
func costText(l *notice.Latency, open bool) string {
	switch {
	case l == nil:
		return ""
	case l.Loss != nil && *l.Loss >= 1:
		return "; POP " + l.POP + map[bool]string{true: " is", false: " was"}[open] + " unreachable"
	case l.ShiftMS == nil:
		return ""
	}
	digits := 0
	if math.Abs(*l.ShiftMS) < 10 {
		digits = 1
	}
	shift := strconv.FormatFloat(*l.ShiftMS, 'f', digits, 64)
	if *l.ShiftMS >= 0 {
		shift = "+" + shift
	}
	return "; " + shift + " ms to POP " + l.POP
}
