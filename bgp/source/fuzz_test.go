package source

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"peervane/bgp"
)

// plainFile is a file that is in memory already.
func plainFile(b []byte) *file {
	return &file{Reader: bufio.NewReaderSize(bytes.NewReader(b), 4096), name: "fuzz"}
}

// checker is a sink that holds Inputs to what everyone relies on.
func checker(t *testing.T) Sink {
	up := map[*bgp.Vantage]bool{}
	return SinkFunc(func(in bgp.Input) error {
		v := vantageOf(in)
		was := up[v]
		switch in := in.(type) {
		case bgp.SessionUp:
			up[v], was = true, true
		case bgp.SessionDown:
			up[v] = false
		case bgp.Change:
			if !in.Prefix.IsValid() || in.Prefix != in.Prefix.Masked() || in.Announced+in.Withdrawn != 1 || (in.Attrs != nil) != (in.Announced == 1) {
				t.Errorf("%+v", in)
			}
		}
		if !was {
			t.Errorf("%s tells %T while it is down", v.Name, in)
		}
		return nil
	})
}

func newChecked(t *testing.T, stats *Stats) *recorder {
	w := &replay{ctx: context.Background(), sink: checker(t), opts: &RecordingOptions{}, stats: stats}
	return &recorder{replay: w, collector: anyCollector}
}

func FuzzMRT(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		d := &dumper{ctx: context.Background(), w: io.Discard}
		fuzzFormat(t, newMRTReader(plainFile(b)), newMRTReader(plainFile(b)), d)
	})
}

func FuzzRISJSON(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		var out bytes.Buffer
		d := &dumper{ctx: context.Background(), w: &out}
		stats := fuzzFormat(t, &risReader{file: plainFile(b)}, &risReader{file: plainFile(b)}, d)
		if n := linesByKind(out.Bytes()); n["A"] != stats.Announced || n["W"] != stats.Withdrawn {
			t.Errorf("dumped %v, replayed %+v", n, stats)
		}
	})
}

// fuzzFormat dumps and replays the same bytes.
func fuzzFormat(t *testing.T, in, again format, d *dumper) (stats Stats) {
	bad := func(error) {}
	readAll(in, func() error { return in.print(d) }, bad, d.ignored)
	if err := d.flush(); err != nil {
		t.Error(err)
	}
	r := newChecked(t, &stats)
	if err := readAll(again, func() error { return again.tell(r) }, bad, r.ignored); err == nil {
		r.endDump()
	}
	return stats
}

// FuzzTape replays the bytes, and a copy of them, which must tell the same as far as it goes, and what was told written anew.
func FuzzTape(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		whole, anew := fuzzTape(t, b)
		var copied bytes.Buffer
		if _, err := CopyTape(&copied, bytes.NewReader(b)); err != nil && !errors.Is(err, ErrBrokenOff) {
			t.Error(err)
		}
		if told, _ := fuzzTape(t, copied.Bytes()); !bytes.HasPrefix(b, copied.Bytes()) || !isBeginning(told, whole) {
			t.Error("a copy tells something else")
		}
		if again, _ := fuzzTape(t, anew); len(again) != len(whole) || !isBeginning(again, whole) {
			t.Errorf("written anew\n%.2000q\nread\n%.2000q", spellAll(again), spellAll(whole))
		}
	})
}

// fuzzTape gives what a tape tells, and a tape of that.
func fuzzTape(t *testing.T, b []byte) (told []bgp.Input, anew []byte) {
	var again bytes.Buffer
	tape, standing := NewTapeWriter(&again), false
	sink := SinkFunc(func(in bgp.Input) error {
		if !in.Of().Relived || in.When().Year() > 2105 { // no tape; and a record's microseconds may lead beyond what its seconds can tell
			return nil
		}
		told = append(told, in)
		if c, ok := in.(bgp.Change); ok && (!c.Prefix.IsValid() || c.Prefix != c.Prefix.Masked() || c.Announced+c.Withdrawn == 0) {
			t.Errorf("%+v", c)
		}
		s, stood := in.(bgp.Standing)
		if !stood {
			return tape.Put(in)
		}
		if !standing {
			if err := tape.Begin(s.At, "", "", 0); err != nil {
				return err
			}
		}
		if err := tape.Stand(s); err != nil || s.More {
			standing = true
			return err
		}
		standing = false
		return tape.Stood(s.At)
	})
	var stats Stats
	r := &recorder{replay: &replay{ctx: context.Background(), sink: sink, opts: &RecordingOptions{}, stats: &stats}, collector: anyCollector}
	in := newMRTReader(plainFile(b))
	err := readAll(in, func() error { return in.tell(r) }, func(error) {}, r.ignored)
	var read *Error
	if err != nil && !errors.As(err, &read) && !errors.Is(err, errSeveral) {
		t.Error(err)
	}
	r.endDeck()
	return told, again.Bytes()
}
