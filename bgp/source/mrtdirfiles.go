package source

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
)

const (
	dirReach   = 24 * time.Hour // files that are older are left alone
	dirUpdates = 2 * time.Hour  // so much of the updates is read where there is no RIB dump
	maxDirWalk = 100_000        // entries of the folder and what is below it
	maxDirFile = 5_000          // files that are kept in mind, the youngest
)

// dirFile is a file in the folder.
type dirFile struct {
	path      string
	size      int64
	mod       time.Time
	still     bool // it has not changed between two looks
	collector string

	known bool      // what follows is
	first time.Time // of its records
	dump  bool      // it begins as a RIB dump
	plain bool      // it is not compressed
	old   bool      // too old to be of use

	taken int64 // up to where records were taken, in the decompressed data
	at    stamp // how it looked then
	told  bool  // that something is wrong with it
}

// stamp tells a file that grew from itself.
type stamp struct {
	size int64
	mod  time.Time
}

func (f *dirFile) stamp() stamp { return stamp{f.size, f.mod} }

// list looks at the folder and what is below it.
func (d *mrtDir) list(now time.Time) error {
	seen := map[string]bool{}
	entries := 0
	err := filepath.WalkDir(d.cfg.Path, func(path string, e fs.DirEntry, err error) error {
		if entries++; entries > maxDirWalk {
			return fs.SkipAll
		}
		switch {
		case err != nil && path == d.cfg.Path:
			return err
		case err != nil:
			return nil // it has gone meanwhile, or is not for us
		case strings.HasPrefix(e.Name(), ".") && path != d.cfg.Path:
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !e.Type().IsRegular():
			return nil
		}
		if info, err := e.Info(); err == nil && now.Sub(info.ModTime()) < dirReach {
			seen[path] = true
			d.note(path, info, now)
		}
		return nil
	})
	if err == nil && entries > maxDirWalk && !d.crowded {
		d.crowded = true
		d.log.Warn("the folder has more entries than are looked at: move old files away", zap.Int("entries", maxDirWalk))
	}
	maps.DeleteFunc(d.files, func(path string, _ *dirFile) bool { return !seen[path] })
	d.walkTime = time.Since(now)
	return err
}

// note takes in how a file looks.
func (d *mrtDir) note(path string, info fs.FileInfo, now time.Time) {
	f := d.files[path]
	if f == nil {
		if len(d.files) >= maxDirFile {
			return
		}
		f = &dirFile{path: path, collector: collectorOf(path)}
		d.files[path] = f
	}
	was := f.stamp()
	f.size, f.mod = info.Size(), info.ModTime()
	changed := f.stamp() != was
	// At the first look, a file that was written a while ago is whole; a clock that was set back says nothing.
	f.still = !changed || was.size == 0 && now.Sub(f.mod) > d.cfg.Look
	if changed && f.size < was.size {
		f.taken, f.known, f.told = 0, false, false // another file, under the same name
	}
	if changed {
		d.arrived(now, f.mod)
	}
}

// arrived notes when something came: by the file's own time at the first look, which shows how often files come.
func (d *mrtDir) arrived(now, mod time.Time) {
	if mod.After(now) {
		mod = now
	}
	d.arrivals = append(d.arrivals, mod)
}

// intervals takes in what arrived since the last look.
func (d *mrtDir) intervals() {
	slices.SortFunc(d.arrivals, time.Time.Compare)
	for _, at := range d.arrivals {
		if !at.After(d.newest) {
			continue
		}
		if gap := at.Sub(d.newest); !d.newest.IsZero() && gap > d.gaps[0] {
			d.gaps = [2]time.Duration{gap, d.gaps[0]}
		} else if !d.newest.IsZero() {
			d.gaps[1] = max(d.gaps[1], gap)
		}
		d.newest = at
	}
	d.arrivals = nil
}

// ready gives the files that may be read and hold what was not read, in the order of their times, then their names.
func (d *mrtDir) ready() (out []*dirFile) {
	for _, f := range d.files {
		if f.at != f.stamp() && d.usable(f) {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, (*dirFile).compare)
	return out
}

// usable says whether a file may be read now. Updates that are not compressed may while they grow: there are daemons that write
// one file for hours.
func (d *mrtDir) usable(f *dirFile) bool {
	return f.size > 0 && d.peek(f) && (f.still || f.plain && !f.dump)
}

func (f *dirFile) compare(g *dirFile) int {
	return cmp.Or(f.first.Compare(g.first), cmp.Compare(f.path, g.path))
}

// collectors names those that the files are of.
func (d *mrtDir) collectors() []string {
	all := map[string]bool{}
	for _, f := range d.files {
		all[f.collector] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// peek finds out when a file begins, and how. One that is none of ours is told once.
func (d *mrtDir) peek(f *dirFile) bool {
	if f.known {
		return !f.old
	}
	err := f.open(func(r *mrtReader) error {
		at, err := r.next(nil, nil)
		if err == io.EOF || errors.Is(err, ErrTruncated) {
			return err // what there is of it says nothing yet
		}
		if err != nil {
			return err
		}
		f.known, f.first = true, at
		f.dump = r.rec.typ == mrtTableDump || r.rec.typ == mrtTableDumpV2
		return nil
	})
	if f.old = f.known && time.Since(f.first) > dirReach; f.old {
		f.at = f.stamp()
		d.log.Warn("MRT file is of times long past, left alone", zap.String("file", f.path), zap.Time("begins", f.first))
	}
	if err != nil && f.still {
		f.at = f.stamp()
		if err != io.EOF {
			_ = d.finish(context.Background(), f, err)
		}
	}
	return err == nil && !f.old
}

// open calls use with a reader of the file.
func (f *dirFile) open(use func(*mrtReader) error) error {
	in, err := openFile(f.path)
	if err != nil {
		return err
	}
	defer in.Close()
	_, f.plain = in.plain.(*bufio.Reader)
	r, ok := formatOf(in).(*mrtReader)
	if !ok {
		return &Error{File: f.path, Err: errNotMRT}
	}
	return use(r)
}

var errNotMRT = errors.New("it is no MRT file: take it out of the folder")

// readTo tells to all records that were not taken yet.
func (f *dirFile) readTo(ctx context.Context, to dirHandler) error {
	stood := f.stamp()
	err := f.open(func(r *mrtReader) error {
		if err := f.skip(r); err != nil {
			return err
		}
		for ctx.Err() == nil {
			f.taken = r.offset
			if _, err := r.next(nil, nil); err == io.EOF {
				return to.end()
			} else if err != nil {
				return errors.Join(to.end(), err)
			}
			err := r.decode(to)
			if wrong, ok := err.(*Error); ok {
				to.wrong(wrong)
			} else if err != nil {
				return err
			}
		}
		return ctx.Err()
	})
	f.at = stood
	if err == errReplaced {
		f.taken, f.known, f.at = 0, false, stamp{}
	}
	return err
}

// errReplaced says that a file is another than it was, under the same name.
var errReplaced = errors.New("the file is another one now")

// skip goes to where the records begin that were not taken yet.
func (f *dirFile) skip(r *mrtReader) error {
	if f.taken == 0 {
		return nil
	}
	if at, err := r.next(nil, nil); err != nil || !at.Equal(f.first) {
		return errReplaced
	}
	if _, err := io.CopyN(io.Discard, r.file, f.taken-r.offset); err != nil {
		return errReplaced
	}
	r.offset = f.taken
	return nil
}
