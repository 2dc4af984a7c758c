package source

import (
	"context"
	"regexp"
	"slices"
	"time"

	"go.uber.org/zap"
)

const (
	dirTogether = time.Minute      // dumps that begin so close to each other are of different tables
	dirAside    = 10 * time.Minute // where they are this close they may be, which is told
)

// rebuild reads what a collector's files say now, and tells what differs from what was told.
func (d *mrtDir) rebuild(ctx context.Context, collector string) {
	if b := d.readAll(ctx, collector); ctx.Err() == nil {
		d.settle(b, time.Now())
	}
}

// readAll reads a collector's files. Where a dump is damaged it is done with an older one, or none.
func (d *mrtDir) readAll(ctx context.Context, collector string) *dirRebuild {
	damaged := map[*dirFile]bool{}
	for {
		b := d.newRebuild(collector)
		dump, err := d.play(ctx, b, d.dumps(collector, damaged))
		if dump == nil || ctx.Err() != nil {
			return b
		}
		_ = d.finish(ctx, dump, err)
		damaged[dump] = true
	}
}

// play reads dumps and updates in the order of their times. So a dump need not list all peers, nor both families: of the rest, what
// the updates before it have said holds, or an older dump.
func (d *mrtDir) play(ctx context.Context, b *dirRebuild, dumps []*dirFile) (damaged *dirFile, _ error) {
	if len(dumps) > 0 {
		b.begun = dumps[0].first
	}
	updates := d.updates(b.collector, b.begun)
	if len(updates) > 0 && (b.begun.IsZero() || updates[0].first.Before(b.begun)) {
		b.begun = updates[0].first
	}
	for _, dump := range dumps {
		b.until = dump.first
		d.playUpdates(ctx, b, updates)
		b.from, b.file, dump.taken = dump.first, dump, 0
		if err := dump.readTo(ctx, b); err != nil {
			return dump, err
		}
		d.log.Info("RIB dump read", zap.String("file", dump.path), zap.Int("peers", len(b.seen)))
	}
	b.until = time.Time{}
	d.playUpdates(ctx, b, updates)
	return nil, nil
}

// playUpdates reads of some files what is of the time from b.from until b.until.
func (d *mrtDir) playUpdates(ctx context.Context, b *dirRebuild, files []*dirFile) {
	for _, f := range files {
		if last, read := b.last[f]; read && last.Before(b.from) || !b.until.IsZero() && !f.first.Before(b.until) {
			continue
		}
		f.taken, b.file = 0, f
		_ = d.finish(ctx, f, f.readTo(ctx, b))
	}
}

// dumps gives the youngest RIB dump of each series of a collector, the oldest first: there are daemons that write one file for each
// table, and so for each family. What else begins at its time belongs to it. No dump is read whole a second time but for that.
func (d *mrtDir) dumps(collector string, damaged map[*dirFile]bool) (out []*dirFile) {
	var all []*dirFile
	for _, f := range d.files {
		if f.collector == collector && d.usable(f) && f.dump {
			f.at = f.stamp()
			all = append(all, f)
		}
	}
	slices.SortFunc(all, func(f, g *dirFile) int { return g.compare(f) })
	youngest := map[string]*dirFile{}
	for _, f := range all {
		of := seriesOf(f.path)
		switch y := youngest[of]; {
		case damaged[f]:
			continue
		case y == nil:
			youngest[of] = f
		case y.first.Sub(f.first) > dirAside:
			continue
		case y.first.Sub(f.first) > dirTogether:
			d.leftAside(f, y)
			continue
		}
		out = append(out, f)
	}
	slices.Reverse(out)
	return out
}

// leftAside tells, once, of a dump that may be of another table.
func (d *mrtDir) leftAside(f, y *dirFile) {
	if d.aside {
		return
	}
	d.aside = true
	d.log.Warn("of two RIB dumps of about one time only the younger is read: if they are of different tables, put the table's name into theirs",
		zap.String("left_aside", f.path), zap.String("read", y.path))
}

// updates gives the files of updates that are needed beside dumps from that time on: those since, and those of the last hours, for
// peers that no dump lists. Where there is no dump, the time is zero.
func (d *mrtDir) updates(collector string, from time.Time) (out []*dirFile) {
	for _, f := range d.files {
		if f.collector == collector && d.usable(f) && !f.dump {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, (*dirFile).compare)
	if n := len(out); n > 0 {
		if recent := out[n-1].first.Add(-dirUpdates); from.IsZero() || recent.Before(from) {
			from = recent
		}
	}
	reaching := map[string]*dirFile{} // of each series the last that begins before it, which may reach beyond it
	for _, f := range out {
		if f.first.Before(from) {
			reaching[seriesOf(f.path)] = f
		}
	}
	return slices.DeleteFunc(out, func(f *dirFile) bool {
		needless := f.first.Before(from) && reaching[seriesOf(f.path)] != f
		if needless {
			f.at = f.stamp()
		}
		return needless
	})
}

// counting matches what distinguishes the files of a series: times, and numbers, but not the 4 of a table that is called master4.
var counting = regexp.MustCompile(`[0-9]{2,}|\b[0-9]`)

// seriesOf gives what the names of files have in common that one writer leaves one after the other.
func seriesOf(path string) string { return counting.ReplaceAllString(path, "") }
