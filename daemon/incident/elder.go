package incident

import (
	"slices"
	"time"

	"peervane/daemon/notice"
)

// An elder is an open incident of an earlier run whose condition was told anew, under another id, because the state of that
// run could not be read. Nothing more is told of it but its end, which comes with the end of the other one: until then those
// who know it by its id, and those who know both by their fingerprint, rightly think that it stands.

// Rejoin takes in, while this book is in use, what an earlier run knew: see Restore. What is owed is told when the scopes are
// judged, which each must be once.
func (b *Book) Rejoin(records []Record, silences []Silence) {
	for _, s := range silences {
		if !slices.ContainsFunc(b.silences, func(have Silence) bool { return have.ID == s.ID }) {
			b.silences = append(slices.Clip(b.silences), s)
		}
	}
	b.restoreAll(records)
	b.seatAll()
	for i := range records {
		if r := &records[i]; !r.grouped() {
			b.alarms.drop(r.ID()) // it may be over: nothing is told of it before that is known
		}
	}
}

// told says whether an open incident tells of the condition of another one.
func (b *Book) told(rec *Record) bool {
	p := b.find(rec.Scope)
	return p != nil && p.record(rec.Notice.Fingerprint) != nil
}

// Teller gives the open incident that tells of what was told under an id: the one that has the id or, of an elder, the other
// one; nil when there is none. Whoever gets it changes nothing.
func (b *Book) Teller(id string) *Record {
	if rec := b.byID[id]; rec != nil {
		return rec
	}
	for key, elders := range b.elders {
		for _, elder := range elders {
			if elder.ID() == id {
				return b.find(elder.Scope).record(key)
			}
		}
	}
	return nil
}

// endElders ends those that waited for the end of an incident.
func (b *Book) endElders(young *Record, now time.Time, reason string) (out []notice.Notice) {
	key := young.Notice.Fingerprint
	elders := b.elders[key]
	delete(b.elders, key)
	for _, rec := range elders {
		rec.Open, rec.Remains, rec.Notice.ResolvedAt = false, young.Remains, notice.At(now)
		if rec.untold() {
			out = append(out, b.aside(rec, notice.Resolved, reason, now))
		} else {
			out = append(out, b.tell(rec, notice.Resolved, reason, now))
		}
	}
	return out
}
