package daemon

import (
	"strings"
	"time"

	"peervane/bgp"
)

// standing says how every vantage stands, in the order in which they are known: what a recording begins with. What they hold is in no order: a
// large table is not sorted while the engine waits.
func (e *engine) standing(now time.Time) []bgp.Standing {
	list := make([]bgp.Standing, len(e.vantages.list))
	at := make([]*bgp.Standing, e.vantages.nextIndex()) // by the vantages' indexes
	held := make([]int, len(at))                        // how many routes
	for _, entry := range e.table.byPrefix.All() {
		for i := range entry.held {
			held[entry.held[i].vantage.index]++
		}
	}
	for i, v := range e.vantages.list {
		s := &list[i]
		*s = bgp.Standing{
			Vantage: v.Vantage, At: now, Active: v.active, Dynamic: v.dynamic, Up: v.up, WasUp: v.everUp,
			EndOfRIBDue: v.endDue, Recorded: v.recorded, Since: v.since, Reason: e.reasonOf(v), More: i < len(list)-1,
		}
		for f, fam := range v.families {
			s.Families[f] = bgp.StandingFamily{Spoken: fam.spoken, Synced: fam.synced, Since: fam.at, AddPath: fam.many, Kept: fam.kept, Whole: fam.whole}
		}
		s.Held = make([]bgp.Held, 0, held[v.index])
		at[v.index] = s
	}
	for p, entry := range e.table.byPrefix.All() {
		for i := range entry.held {
			h := &entry.held[i]
			s := at[h.vantage.index]
			s.Held = append(s.Held, bgp.Held{Prefix: p, PathID: h.pathID, Attrs: h.attrs, Since: h.since})
		}
	}
	return list
}

// troubles says what else holds of the sessions, as they told it.
func (e *engine) troubles() (told []bgp.Input) {
	for _, v := range e.vantages.list {
		if l := v.limit; l.Exceeded {
			told = append(told, bgp.LimitExceeded{Vantage: v.Vantage, At: l.Since, Exceeded: true, Prefixes: l.Prefixes, Limit: l.Most})
		}
		if l := v.leaked; l.Exceeded {
			l.LeakedTable.At = l.Since
			told = append(told, l.LeakedTable)
		}
		for f, d := range v.drops {
			if !d.Since.IsZero() {
				told = append(told, bgp.TableDropped{
					Vantage: v.Vantage, Family: bgp.Family(f), At: d.Since, Dropped: true, Before: d.Before, Routes: d.Routes,
				})
			}
		}
	}
	return told
}

// stand takes a vantage in as it stood when a recording began.
func (e *engine) stand(s bgp.Standing) {
	if s.Vantage.Own() {
		e.await(bgp.Awaited{Vantage: s.Vantage, At: s.At, Active: s.Active, Dynamic: s.Dynamic}, e.labelsOf(s.Vantage.Name))
	}
	v := e.vantages.of(s.Vantage)
	for _, f := range bgp.Families {
		e.lose(v, f) // what it told before the recording began anew
	}
	v.up, v.everUp, v.risen, v.recorded, v.endDue = s.Up, s.WasUp, s.WasUp, s.Recorded, s.EndOfRIBDue
	v.since, v.reason = s.Since, s.Reason
	v.activity.Rise(s.At) // how often it changed anything before is not known
	for f, fam := range s.Families {
		v.families[f] = familyState{spoken: fam.Spoken, synced: fam.Synced, at: fam.Since, many: fam.AddPath, kept: fam.Kept, whole: fam.Whole}
	}
	for _, h := range s.Held {
		e.table.apply(v, bgp.Change{Vantage: s.Vantage, Prefix: h.Prefix, PathID: h.PathID, Attrs: h.Attrs, At: h.Since})
		e.touch(h.Prefix)
	}
	for _, f := range bgp.Families {
		e.touchFamily(f)
	}
	e.sessions.touch(v)
}

// reasonOf is why a session is down, as far as that is known.
func (e *engine) reasonOf(v *vantage) string {
	if v.reason == "" && !v.up && e.whyDown != nil {
		return e.whyDown(v.Name)
	}
	return v.reason
}

// labelsOf are those of a peer of the configuration, by the name of a vantage: dynamic neighbours are named NAME/ADDRESS.
func (e *engine) labelsOf(name string) map[string]string {
	root, _, _ := strings.Cut(name, "/")
	var labels map[string]string
	for i := range e.cfg.Peers {
		switch p := &e.cfg.Peers[i]; p.Name {
		case name:
			return p.Labels
		case root:
			labels = p.Labels
		}
	}
	return labels
}
