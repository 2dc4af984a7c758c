package source

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"hash/crc32"
	"io"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"
)

const (
	dirUpdates = 2 * time.Hour    // so much of the updates is read at least, for peers that no RIB dump lists
	dirSlow    = 10 * time.Minute // what is compressed should be whole by then
)

// dirFile is a file in the folder.
type dirFile struct {
	path      string
	size      int64
	mod       time.Time
	still     bool      // it has not changed between two looks
	moving    time.Time // since when it has, at each
	collector string

	known bool      // what follows is
	first time.Time // of its records
	head  uint32    // a checksum of the first
	dump  bool      // it begins as a RIB dump
	plain bool      // it is not compressed
	old   bool      // a dump that is too old to be of use

	taken int64 // up to where records were taken, in the decompressed data
	at    stamp // how it looked then
	told  bool  // that something is wrong with it
	slow  bool  // that it is long in coming
}

// stamp tells a file that grew from itself.
type stamp struct {
	size int64
	mod  time.Time
}

func (f *dirFile) stamp() stamp { return stamp{f.size, f.mod} }

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
	if f.size == 0 || !d.peek(f) {
		return false
	}
	if f.still || f.plain && !f.dump {
		return true
	}
	if !f.slow && d.now.Sub(f.moving) > dirSlow {
		f.slow = true
		d.log.Warn("MRT file is written to all the time, and is read only when it is whole: have its writer begin another one, or write it plain",
			zap.String("file", f.path), zap.Time("since", f.moving))
	}
	return false
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
		f.known, f.first, f.head = true, at, crc32.ChecksumIEEE(r.rec.body)
		f.dump = r.rec.typ == mrtTableDump || r.rec.typ == mrtTableDumpV2
		return nil
	})
	// A file of updates may have grown for days; of that, old records are left out one by one.
	if f.old = f.known && f.dump && d.now.Sub(f.first) > dirReach; f.old {
		f.at = f.stamp()
		d.log.Warn("RIB dump is of times long past, left alone", zap.String("file", f.path), zap.Time("begins", f.first))
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
	err := f.openRest(func(r *mrtReader) error {
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
	return err
}

// errReplaced says that a file is another than it was, under the same name.
var errReplaced = errors.New("the file is another one now")

// openRest calls use with a reader that stands where the records begin that were not taken yet. A file that is appended to for hours
// is not read from its beginning at each look.
func (f *dirFile) openRest(use func(*mrtReader) error) error {
	seek := false
	err := f.open(func(r *mrtReader) error {
		if at, err := r.next(nil, nil); f.known && (err != nil || !at.Equal(f.first) || crc32.ChecksumIEEE(r.rec.body) != f.head) {
			return errReplaced
		}
		if seek = f.plain || f.taken == 0; seek {
			return nil
		}
		if _, err := io.CopyN(io.Discard, r.file, f.taken-r.offset); err != nil {
			return errReplaced
		}
		r.offset = f.taken
		return use(r)
	})
	if err != nil || !seek {
		return err
	}
	if f.taken == 0 {
		return f.open(use)
	}
	in, err := openPlain(f.path, f.taken)
	if err != nil {
		return err
	}
	defer in.Close()
	r := newMRTReader(in)
	r.offset = f.taken
	return use(r)
}

// openPlain opens a file that is not compressed, from an offset on.
func openPlain(name string, offset int64) (*file, error) {
	under, err := open(name)
	if err != nil {
		return nil, err
	}
	if _, err := under.Seek(offset, io.SeekStart); err != nil {
		under.Close()
		return nil, &Error{File: name, Err: streamError(err)}
	}
	plain := bufio.NewReader(under)
	ahead := newReadAhead(plain)
	return &file{bufio.NewReaderSize(ahead, chunkSize), name, ahead, plain, under}, nil
}
