package incident

import (
	"maps"
	"reflect"
	"slices"
	"time"

	"peervane/bgp"
	"peervane/daemon/notice"
)

// Options are what a book needs from outside.
type Options struct {
	Source   string                                                     // how this host is named in notices
	OurASN   uint32                                                     // the origin of an empty path
	NewID    func(fingerprint string, at time.Time, ordinal int) string // ordinal counts the incidents that this book opened, from 1
	Severity map[string]string                                          // by type: replaces every variant; "off" = no incident
	Singly   bool                                                       // every incident is told by itself, however many there are
}

// Book holds the incidents that are open, the conditions that wait for their hold, and what is told of them: what holds them
// back, who works at them, which are told as one. It is not safe for concurrent use.
type Book struct {
	opt     Options
	ordinal int
	pages   map[string]map[Scope]*page // by kind
	byID    map[string]*Record
	loud    map[string]*Record // those that no group tells of
	dirty   map[string]*Record
	swollen swollen
	elders  map[string][]*Record // by fingerprint
	alarms  alarms

	silences []Silence
	cutOff   bool // this host is, or may be

	draft notice.Notice // what take compares

	groups     map[groupKey]*group
	groupOf    map[string]*group        // by the id of its incident
	recent     map[groupKey][]time.Time // the latest that fired singly
	recentMost int
	flaps      map[string]Flaps // of conditions without an open incident, by fingerprint
	flapsMost  int
}

// NewBook makes an empty book.
func NewBook(opt Options) *Book {
	return &Book{
		opt: opt, pages: map[string]map[Scope]*page{}, byID: map[string]*Record{}, loud: map[string]*Record{}, dirty: map[string]*Record{}, elders: map[string][]*Record{},
		groups: map[groupKey]*group{}, groupOf: map[string]*group{}, recent: map[groupKey][]time.Time{}, recentMost: 1024,
		flaps: map[string]Flaps{}, flapsMost: 1024,
	}
}

// Reload takes the severities of a new configuration. It shows when the scopes are judged again.
func (b *Book) Reload(severity map[string]string) { b.opt.Severity = severity }

// Reconcile takes the findings of a scope as it stands now: what is new fires once it has held and enough vantages agree,
// what changed materially is updated, what is gone resolves. The notices come in the order in which they are to be told.
func (b *Book) Reconcile(scope Scope, findings []bgp.Finding, now time.Time, world World) []notice.Notice {
	if b.find(scope) == nil && len(findings) == 0 {
		return nil
	}
	p := b.page(scope)
	r := reconciliation{Book: b, scope: scope, page: p, now: now, world: world}
	r.run(findings)
	p.due = r.due
	b.prune(scope)
	return r.out
}

// find gives what the book holds of a scope; nil when that is nothing.
func (b *Book) find(scope Scope) *page { return b.pages[scope.Kind][scope] }

// page gives what the book holds of a scope, and begins it where that is nothing.
func (b *Book) page(scope Scope) *page {
	p := b.find(scope)
	if p == nil {
		p = &page{}
		p.open = p.first[:0]
		if b.pages[scope.Kind] == nil {
			b.pages[scope.Kind] = map[Scope]*page{}
		}
		b.pages[scope.Kind][scope] = p
	}
	return p
}

// prune forgets a scope of which the book holds nothing.
func (b *Book) prune(scope Scope) {
	if p := b.find(scope); p != nil && len(p.open) == 0 && len(p.pending) == 0 {
		delete(b.pages[scope.Kind], scope)
	}
}

// Remove resolves whatever is open in a scope that the configuration no longer has.
func (b *Book) Remove(scope Scope, now time.Time) []notice.Notice {
	p := b.find(scope)
	if p == nil {
		return nil
	}
	var out []notice.Notice
	for _, r := range p.sorted() {
		out = append(out, b.end(r, now, notice.ReasonConfig)...)
	}
	delete(b.pages[scope.Kind], scope)
	return out
}

// Amend tells what became known of an incident beside its findings: change writes it into the evidence. An incident that is no
// longer open, or a change that was told already, gives nothing.
func (b *Book) Amend(id, reason string, now time.Time, change func(*notice.Evidence)) []notice.Notice {
	r := b.byID[id]
	if r == nil {
		return nil
	}
	before := r.Notice.Evidence
	change(&r.Notice.Evidence)
	if reflect.DeepEqual(before, r.Notice.Evidence) {
		return nil
	}
	r.Owed.Amended = reason
	b.dirty[id] = r
	return b.look(r, now)
}

// Get gives an open incident as it stands.
func (b *Book) Get(id string) (notice.Notice, bool) {
	r := b.byID[id]
	if r == nil {
		return notice.Notice{}, false
	}
	return r.Notice, true
}

// Fires says whether an incident is open in a scope.
func (b *Book) Fires(scope Scope) bool {
	p := b.find(scope)
	return p != nil && len(p.open) > 0
}

// Tells says whether an incident of a finding is open in a scope.
func (b *Book) Tells(scope Scope, f *bgp.Finding) bool {
	p := b.find(scope)
	return p != nil && p.record(fingerprint(f)) != nil
}

// Waits says whether a condition of a type waits for its hold in a scope.
func (b *Book) Waits(scope Scope, typ string) bool {
	p := b.find(scope)
	if p == nil {
		return false
	}
	for _, w := range p.pending {
		if w.typ == typ {
			return true
		}
	}
	return false
}

// Waiting says whether any condition waits in a scope, for its hold or for more vantages.
func (b *Book) Waiting(scope Scope) bool {
	p := b.find(scope)
	return p != nil && len(p.pending) > 0
}

// Due is when a scope must be judged again because of what the book holds of it: a hold that ends, grown evidence that
// was told too lately, the hour of a lost vantage. Zero = never.
func (b *Book) Due(scope Scope) time.Time {
	if p := b.find(scope); p != nil {
		return p.due
	}
	return time.Time{}
}

// Has says whether the book holds anything of a scope: an incident that is open, or a condition that waits for its hold.
func (b *Book) Has(scope Scope) bool { return b.find(scope) != nil }

// Began is since when the condition of a type has held in a scope, where an incident tells of it; else it is zero.
func (b *Book) Began(scope Scope, typ string) time.Time {
	p := b.find(scope)
	if p == nil {
		return time.Time{}
	}
	for _, r := range p.open {
		if r.Notice.Type == typ && r.Cleared.IsZero() {
			return r.Notice.StartedAt.Time
		}
	}
	return time.Time{}
}

// Culprits lists those of the open incidents of some types in a scope.
func (b *Book) Culprits(scope Scope, types ...string) (asns []uint32) {
	p := b.find(scope)
	if p == nil || !slices.ContainsFunc(p.open, func(r *Record) bool { return slices.Contains(types, r.Notice.Type) }) {
		return nil
	}
	for _, r := range p.sorted() {
		if slices.Contains(types, r.Notice.Type) && r.Cleared.IsZero() {
			asns = append(asns, r.Notice.CulpritASN)
		}
	}
	return asns
}

// Sighting is that a vantage shows an open incident.
type Sighting struct {
	Type, Vantage, Summary string
	Culprit                uint32
}

// Sightings lists, in order, who shows the open incidents of a scope, or showed them when it was last in sight.
func (b *Book) Sightings(scope Scope) (out []Sighting) {
	p := b.find(scope)
	if p == nil || len(p.open) == 0 {
		return nil
	}
	for _, r := range p.sorted() {
		for _, w := range r.Bad {
			out = append(out, Sighting{r.Notice.Type, w.Vantage, r.Summary, r.Notice.CulpritASN})
		}
	}
	return out
}

// Open lists every scope of some kinds, or of all that are judged, in which an incident is open, sorted. After Restore each
// must be judged once.
func (b *Book) Open(kinds ...string) (out []Scope) {
	if len(kinds) == 0 {
		kinds = []string{Routing, Session, Probing, Service}
	}
	for _, r := range b.byID { // not the pages: a million conditions may wait for their hold
		if slices.Contains(kinds, r.Scope.Kind) {
			out = append(out, r.Scope)
		}
	}
	slices.SortFunc(out, Scope.compare)
	return slices.Compact(out)
}

// Of lists, sorted, the scopes of the open incidents that a vantage shows or showed when it was last seen. They must be
// judged again when it is lost, back in sync, or gone.
func (b *Book) Of(vantage string) []Scope {
	set := map[Scope]bool{}
	for _, r := range b.byID {
		if r.has(vantage) {
			set[r.Scope] = true
		}
	}
	return slices.SortedFunc(maps.Keys(set), Scope.compare)
}
