package source

import (
	"slices"
	"time"
)

const (
	dirSilent     = 2 * time.Hour  // no new record for so long, and for three times as long as is usual, is a loss
	dirSilentMost = 26 * time.Hour // so is this, whatever is usual: a dump a day is the least
)

// isSilent says whether the newest record is so old that what is known is. When files came says nothing: they may be copied late,
// or hold nothing.
func (d *mrtDir) isSilent(now time.Time) bool {
	return !d.newest.IsZero() && now.Sub(d.newest) > min(max(dirSilent, 3*d.usualGap()), dirSilentMost)
}

// usualGap is the median of the times in which nothing was recorded, of the files that lie there. A few outages do not move it, so
// that none teaches to overlook the next.
func (d *mrtDir) usualGap() time.Duration {
	var files []*dirFile
	for _, f := range d.files {
		if f.known {
			files = append(files, f)
		}
	}
	if len(files) < 3 {
		return 0
	}
	slices.SortFunc(files, (*dirFile).compare)
	var gaps []time.Duration
	var end time.Time
	for i, f := range files {
		if i > 0 {
			gaps = append(gaps, max(0, f.first.Sub(end)))
		}
		last := f.first
		if !f.dump && f.mod.After(last) {
			last = f.mod // it was written so long
		}
		if last.After(end) {
			end = last
		}
	}
	slices.Sort(gaps)
	return gaps[(len(gaps)-1)/2]
}

// takes says whether a record is young enough, and notes that it came. The lock is held, and what comes from the future comes now.
func (d *mrtDir) takes(at time.Time) bool {
	if d.now.Sub(at) > dirReach {
		return false
	}
	if at.After(d.now) {
		at = d.now
	}
	if at.After(d.newest) {
		d.newest = at
	}
	return true
}
