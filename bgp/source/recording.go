package source

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"peervane/bgp"
	"peervane/bgp/rib"
	"peervane/bgp/wire"
)

// Recording is one or more files of MRT or RIS JSON lines that are read as if they happened now.
type Recording struct {
	names []string
	opts  RecordingOptions
	stats Stats
}

// RecordingOptions are what a Recording may be given.
type RecordingOptions struct {
	Watched *rib.Watched // only these routes are told; nil = all
	Report  func(error)  // hears of bad records, as *Error; the first few of each file, then their number

	// Registered hears what was registered where a recording of `peervane record` begins, also anew, and how many configurations were in
	// force before that one, before what stood at that time is told. Its error ends everything. nil: it is of no interest.
	Registered func(at time.Time, before int, all []bgp.Registered) error
}

// NewRecording names the files. Nothing is opened before Run.
func NewRecording(names []string, opts RecordingOptions) *Recording {
	return &Recording{names: names, opts: opts}
}

// Run tells sink everything in the files, merged by the times of their records; of equal times, that of the file named
// first comes first, and within a file the order of its records stands. Bad records are reported and left out.
// A file that ends before its end is used as far as it goes; the error then joins what happened, each an *Error with
// ErrTruncated, ErrCorrupt or ErrForeign. An error of sink or ctx ends everything, as does a second recording of `peervane record`.
func (r *Recording) Run(ctx context.Context, sink Sink) error {
	w := &replay{ctx: ctx, sink: sink, opts: &r.opts, stats: &r.stats}
	defer w.close()
	for i, name := range r.names {
		t, err := w.open(name, i)
		if err != nil {
			return err
		}
		if err := w.advance(t); err != nil {
			return err
		}
		if m, ok := t.format.(*mrtReader); ok && m.rec.isNote() { // known before anything is told
			if err := t.claimTape(); err != nil {
				return err
			}
		}
	}
	for len(w.tracks) > 0 {
		t := w.tracks[0]
		if err := w.play(t); err != nil {
			return err
		}
		heap.Pop(&w.tracks)
		if err := w.advance(t); err != nil {
			return err
		}
	}
	return errors.Join(w.ends...)
}

// Stats says what was read. It may be called when Run has returned.
func (r *Recording) Stats() Stats { return r.stats }

// replay is one Run.
type replay struct {
	ctx      context.Context
	sink     Sink
	opts     *RecordingOptions
	stats    *Stats
	vantages recordedVantages
	scanned  wire.Update
	files    []*file
	tracks   tracks
	ends     []error
	tape     *recorder                                                             // of the one file that is a tape
	gone     func(v *recordedVantage, p netip.Prefix, pathID uint32, at time.Time) // told of every withdrawal, also of what was not held; or nil
}

// track is one file and where it stands.
type track struct {
	recorder
	format
	name  string
	index int
	bad   int

	onBad     func(error) // badRecord and ignored, which are not to be made for each record
	onIgnored func(string)
}

// tracks is a heap by the time of the next record.
type tracks []*track

func (t tracks) Len() int { return len(t) }
func (t tracks) Less(i, j int) bool {
	return cmp.Or(t[i].at.Compare(t[j].at), cmp.Compare(t[i].index, t[j].index)) < 0
}
func (t tracks) Swap(i, j int) { t[i], t[j] = t[j], t[i] }
func (t *tracks) Push(x any)   { *t = append(*t, x.(*track)) }

func (t *tracks) Pop() any {
	old := *t
	last := old[len(old)-1]
	*t = old[:len(old)-1]
	return last
}

func (w *replay) open(name string, index int) (*track, error) {
	f, err := openFile(name)
	if err != nil {
		return nil, err
	}
	w.files = append(w.files, f)
	own := recorder{replay: w, collector: collectorOf(name), file: name}
	t := &track{recorder: own, format: formatOf(f), name: name, index: index}
	t.onBad, t.onIgnored = t.badRecord, t.ignored
	return t, nil
}

func (w *replay) close() {
	for _, f := range w.files {
		f.Close()
	}
}

// advance reads the next record of a file and puts the file in its place, or ends it.
func (w *replay) advance(t *track) error {
	at, err := t.next(t.onBad, t.onIgnored)
	if err == nil {
		t.at = at
		heap.Push(&w.tracks, t)
		return nil
	}
	if t.bad > reportedErrors {
		w.report(fmt.Errorf("%s: %d bad records in all", t.name, t.bad))
	}
	t.endDeck()
	if err != io.EOF {
		w.ends = append(w.ends, err)
		return nil
	}
	return t.endDump()
}

// play tells what the record says that was read.
func (w *replay) play(t *track) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	w.stats.record(t.at)
	err := t.tell(&t.recorder)
	if wrong, ok := err.(*Error); ok {
		t.badRecord(wrong)
		if t.deck != nil && wrong.Err != errNoteAlone {
			t.deck.about = nil // what is bad may have been its record
		}
		return nil
	}
	return err
}

// reportedErrors is how many bad records of a file are reported one by one.
const reportedErrors = 10

func (t *track) badRecord(err error) {
	t.stats.Bad++
	if t.bad++; t.bad <= reportedErrors {
		t.report(err)
	}
}

func (w *replay) report(err error) {
	if w.opts.Report != nil {
		w.opts.Report(err)
	}
}

func (w *replay) put(in bgp.Input) error { return w.sink.Put(in) }

// watches says whether all routes of a prefix are told, whatever their path.
func (w *replay) watches(p netip.Prefix) bool {
	return w.opts.Watched == nil || w.opts.Watched.Match(p)
}
