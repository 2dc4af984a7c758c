package source

import (
	"bufio"
	"bytes"
	"context"
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
