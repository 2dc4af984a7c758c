package incident

import (
	"cmp"
	"slices"
	"time"
)

// page is what the book holds of one scope. There are very many, and nearly all hold one thing.
type page struct {
	open    []*Record  // by fingerprint
	pending []waiting  // by fingerprint
	due     time.Time  // when time alone may change something
	first   [1]*Record // room of open, while it holds one
}

// at is where the incident of a fingerprint stands in a page, or would.
func (p *page) at(fingerprint string) (i int, stands bool) {
	return slices.BinarySearchFunc(p.open, fingerprint, func(r *Record, key string) int { return cmp.Compare(r.Notice.Fingerprint, key) })
}

// record gives the open incident of a fingerprint; nil when there is none.
func (p *page) record(fingerprint string) *Record {
	if i, stands := p.at(fingerprint); stands {
		return p.open[i]
	}
	return nil
}

// put makes an incident the one of its fingerprint.
func (p *page) put(rec *Record) {
	i, stands := p.at(rec.Notice.Fingerprint)
	if !stands {
		p.open = slices.Insert(p.open, i, nil)
	}
	if len(p.open) > len(p.first) {
		p.first = [1]*Record{} // they lie elsewhere
	}
	p.open[i] = rec
}

// drop takes an incident out, if it is in.
func (p *page) drop(rec *Record) {
	if i, stands := p.at(rec.Notice.Fingerprint); stands && p.open[i] == rec {
		p.open = slices.Delete(p.open, i, i+1)
	}
}

// waits gives what is kept of a condition that has not fired.
func (p *page) waits(fingerprint string) (w waiting, waits bool) {
	i, waits := p.waitsAt(fingerprint)
	if waits {
		w = p.pending[i]
	}
	return w, waits
}

func (p *page) waitsAt(fingerprint string) (i int, waits bool) {
	return slices.BinarySearchFunc(p.pending, fingerprint, func(w waiting, key string) int { return cmp.Compare(w.fingerprint, key) })
}

// wait keeps since when a condition holds that has not fired, done forgets it.
func (p *page) wait(w waiting) {
	i, waits := p.waitsAt(w.fingerprint)
	if !waits {
		p.pending = slices.Insert(p.pending, i, w)
	}
	p.pending[i] = w
}

func (p *page) done(fingerprint string) {
	if i, waits := p.waitsAt(fingerprint); waits {
		p.pending = slices.Delete(p.pending, i, i+1)
	}
	if len(p.pending) == 0 {
		p.pending = nil // most conditions wait once
	}
}

// waiting is a condition that has not fired yet.
type waiting struct {
	fingerprint, typ string
	since            time.Time // that it holds
}

// sorted lists the open incidents of a page in an order that depends on them alone. While it is gone through each may end.
func (p *page) sorted() []*Record {
	if len(p.open) < 2 {
		return p.open
	}
	out := slices.Clone(p.open)
	slices.SortFunc(out, func(a, b *Record) int {
		return cmp.Or(
			cmp.Compare(a.Notice.Type, b.Notice.Type),
			a.Notice.Offending.Compare(b.Notice.Offending),
			cmp.Compare(a.Notice.Fingerprint, b.Notice.Fingerprint),
		)
	})
	return out
}
