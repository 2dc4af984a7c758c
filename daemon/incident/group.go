package incident

import (
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"strings"
	"time"

	"peervane/daemon/notice"
)

const (
	groupAfter    = 10 // of one type and culprit fire singly
	groupWithin   = 5 * time.Second
	groupExamples = 50 // are named in a notice
	groupRoutes   = 10 // are shown in its evidence
	groupNamed    = 3  // in its summary
)

// groupKey is what the incidents of a group have in common.
type groupKey struct {
	typ     string
	culprit uint32
}

// group is an incident that stands for many of one type and culprit, which are not told singly. The zero value is none.
type group struct {
	rec       *Record
	seats     map[string]*Record // its open members, by id; each has its seat
	held      map[string]int     // how many of them each reason holds back; "": nothing does
	grave     [notice.Critical + 1]int
	graveTold [notice.Critical + 1]int // of those that nothing holds back
	audiences map[string]*crowd
	heard     map[string]time.Time // the audiences that it was told to, and since when nothing concerns them
	counted   map[uint64]struct{}  // the conditions that are in the total, by their fingerprints' hashes
	shown     []*Record            // the members that are named, in the order in which they came
	waiting   []*Record            // those after them, which are named when some of the others have ended
	last      *Record              // the member that came last
	unkept    bool                 // it has to be written at once: a restart does not find by its members what has changed
	now       time.Time
}

func newGroup(rec *Record) *group {
	return &group{
		rec: rec, seats: map[string]*Record{}, held: map[string]int{}, audiences: map[string]*crowd{}, heard: map[string]time.Time{},
		counted: map[uint64]struct{}{},
	}
}

func (r *Record) grouped() bool { return r.Scope.Kind == Grouped }

// groupFor gives the group that tells of an incident which is about to fire; nil when it fires singly: the first ten of a
// type and culprit within five seconds do.
func (b *Book) groupFor(rec *Record, now time.Time) *group {
	if b.opt.Singly || rec.Scope.Kind == Service || rec.grouped() {
		return nil
	}
	key := groupKey{rec.Notice.Type, rec.Notice.CulpritASN}
	if g := b.groups[key]; g != nil {
		return g
	}
	recent := slices.DeleteFunc(b.recent[key], func(t time.Time) bool { return now.Sub(t) >= groupWithin })
	if len(recent) < groupAfter {
		b.recent[key] = append(recent, now)
		b.forgetRecent(now)
		return nil
	}
	b.recent[key] = recent // should the group be over within the five seconds, the next opens another
	return b.openGroup(key, rec, now)
}

// forgetRecent keeps what is remembered of firings small.
func (b *Book) forgetRecent(now time.Time) {
	if len(b.recent) < b.recentMost {
		return
	}
	maps.DeleteFunc(b.recent, func(_ groupKey, at []time.Time) bool { return now.Sub(at[len(at)-1]) >= groupWithin })
	b.recentMost = 2*len(b.recent) + 1024
}

func (b *Book) openGroup(key groupKey, first *Record, now time.Time) *group {
	fingerprint := notice.Identity{Type: key.typ, Culprit: key.culprit, Group: true}.Fingerprint()
	b.ordinal++
	rec := &Record{Scope: Scope{Kind: Grouped, Subject: fingerprint}, Open: true, Lead: first.Summary, Of: first.Scope.Kind}
	rec.Notice = notice.Notice{
		Incident: b.opt.NewID(fingerprint, now, b.ordinal), Fingerprint: fingerprint, Type: key.typ, CulpritASN: key.culprit,
		Source: b.opt.Source, StartedAt: first.Notice.StartedAt, Connection: first.Notice.Connection, Labels: maps.Clone(first.Notice.Labels),
	}
	rec.Notice.Evidence.LeakType = first.Notice.Evidence.LeakType
	rec.Notice.Evidence.Latency = first.Notice.Evidence.Latency
	rec.Notice.Evidence.Group = &notice.Group{}
	b.recall(rec, now)
	b.enter(rec)
	b.raise(rec)
	return b.seatGroup(key, rec)
}

// forgetGroup takes out a group that has ended.
func (b *Book) forgetGroup(rec *Record) {
	delete(b.groups, groupKey{rec.Notice.Type, rec.Notice.CulpritASN})
	delete(b.groupOf, rec.ID())
	b.swollen.forget(rec.ID())
	b.prune(rec.Scope)
}

// seatGroup makes a group known whose members are yet to be seated.
func (b *Book) seatGroup(key groupKey, rec *Record) *group {
	g := newGroup(rec)
	b.groups[key], b.groupOf[rec.ID()] = g, g
	return g
}

// join takes a member in that was not told singly.
func (b *Book) join(g *group, rec *Record, now time.Time) {
	g.now = now
	b.back(g.rec, now)
	rec.Group = g.rec.ID()
	delete(b.loud, rec.ID())
	b.alarms.drop(rec.ID())
	n := &g.rec.Notice
	n.Evidence.Group = &notice.Group{Total: n.Evidence.Group.Total + 1, Examples: n.Evidence.Group.Examples} // notices share it
	if !g.count(rec) {
		g.rec.Again++
	}
	g.name(rec)
	if methods := union(n.Evidence.Methods, rec.Notice.Evidence.Methods); len(methods) > len(n.Evidence.Methods) {
		n.Evidence.Methods, g.unkept = methods, true
	}
	n.Vantages = notice.Vantages{Bad: max(n.Vantages.Bad, len(rec.Bad)), Total: max(n.Vantages.Total, rec.Total)}
	g.rec.Latest, g.last = rec.subject(), rec
	b.write(rec, notice.Firing, "", now) // for those who look at it
	b.dirty[rec.ID()] = rec
	b.swollen.add(g.rec, now)
	g.seat(rec)
}

var countedSeed = maphash.MakeSeed()

// count says whether the condition of a member is not among those that are in the total already.
func (g *group) count(rec *Record) (first bool) { return g.counts(rec.Notice.Fingerprint) }

func (g *group) counts(fingerprint string) (first bool) {
	h := maphash.String(countedSeed, fingerprint)
	if _, again := g.counted[h]; again {
		return false
	}
	g.counted[h] = struct{}{}
	return true
}

// subject is what tells a member from the others.
func (r *Record) subject() string {
	n := &r.Notice
	switch {
	case n.Offending.IsValid():
		return n.Offending.String()
	case n.Prefix.IsValid():
		return n.Prefix.String()
	case n.Peer != "":
		return n.Peer
	}
	return n.POP
}

// quiet says what holds all members back: the first of their reasons; "" when nothing holds one of them back, or there is none.
func (g *group) quiet() string {
	if len(g.held) == 0 {
		return ""
	}
	return slices.Min(slices.Collect(maps.Keys(g.held))) // "" is the least
}

// sayGroup tells what is owed of a group.
func (b *Book) sayGroup(g *group, now time.Time) []notice.Notice {
	if g.unkept {
		b.dirty[g.rec.ID()], g.unkept = g.rec, false
	}
	g.gather()
	if len(g.seats) == 0 && g.rec.Cleared.IsZero() { // its members were lost with a database
		return b.over(g.rec, now, notice.ReasonCleared)
	}
	return b.say(g.rec, now)
}

// leaveGroup takes out a member that has ended. The last one ends the group.
func (b *Book) leaveGroup(g *group, rec *Record, now time.Time) []notice.Notice {
	g.now = now
	g.rise(rec.ID())
	g.gather()
	b.swollen.add(g.rec, now)
	if len(g.seats) == 0 {
		return b.over(g.rec, now, notice.ReasonCleared)
	}
	return b.say(g.rec, now)
}

// gather writes into a group's incident what its members come to, as far as it decides what is told.
func (g *group) gather() {
	n, grave := &g.rec.Notice, &g.grave
	if g.held[""] > 0 {
		grave = &g.graveTold
	}
	for s := notice.Critical; s > notice.Off; s-- {
		if grave[s] > 0 {
			n.Severity = s
			break
		}
	}
	open := len(g.seats)
	g.rec.Told.Low = min(g.rec.Told.Low, open)
	if in := n.Evidence.Group; in.Open != open {
		n.Evidence.Group = &notice.Group{Open: open, Total: max(in.Total, open), Examples: in.Examples} // of a restart the total may be old
	}
}

// render writes the rest: whom it concerns, and the summary, such as "origin_change by AS64510 at 37 more prefixes, such as
// 203.0.113.0/24 and 198.51.100.0/24: " and that of the first. Where several are concerned by it who do not know of each other's, the
// latest is named too: what is news to one of them is not among the first.
func (g *group) render() {
	r, n := g.rec, &g.rec.Notice
	g.pick()
	n.Audience = nil
	for _, key := range slices.Sorted(maps.Keys(g.audiences)) {
		n.Audience = append(n.Audience, g.audiences[key].Audience)
	}
	what, in := n.Type, n.Evidence.Group
	if n.CulpritASN != 0 {
		what = fmt.Sprintf("%s by AS%d", n.Type, n.CulpritASN)
	}
	noun, all := nouns[r.Of], max(in.Total-r.Again, in.Open)
	count := fmt.Sprintf("%d more %s", all, noun.many)
	if all == 1 {
		count = "one more " + noun.one
	}
	if 0 < in.Open && in.Open < all {
		count += fmt.Sprintf(" (%d of them now)", in.Open)
	}
	named := in.Examples[:min(len(in.Examples), groupNamed)]
	such := inWords(named)
	if len(g.heard) > 1 && r.Latest != "" && (g.last == nil || g.has(g.last)) && !slices.Contains(named, r.Latest) {
		such += ", the latest " + r.Latest
	}
	r.Summary = fmt.Sprintf("%s at %s, such as %s: %s", what, count, such, r.Lead)
}

var nouns = map[string]struct{ one, many string }{
	Routing: {"prefix", "prefixes"}, Session: {"session", "sessions"}, Probing: {"POP", "POPs"},
}

// inWords is "a", "a and b", "a, b and c".
func inWords(list []string) string {
	last := len(list) - 1
	if last < 1 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:last], ", ") + " and " + list[last]
}

func union(a, b []string) []string {
	for _, s := range b {
		if !slices.Contains(a, s) {
			a = append(slices.Clip(a), s)
		}
	}
	return a
}

// common gives the labels that both have. It changes neither.
func common(a, b map[string]string) map[string]string {
	for name, value := range a {
		if have, ok := b[name]; !ok || have != value {
			a = maps.Clone(a)
			maps.DeleteFunc(a, func(name, value string) bool { have, ok := b[name]; return !ok || have != value })
			return a
		}
	}
	return a
}

// Members lists the open incidents that a group tells of, in no order.
func (b *Book) Members(id string) []*Record {
	g := b.groupOf[id]
	if g == nil {
		return nil
	}
	return slices.Collect(maps.Values(g.seats))
}
