package store

import (
	"bytes"
	"reflect"
	"testing"

	"peervane/daemon/notice"
)

func TestRowsOfARecord(t *testing.T) {
	args := []any{nil, int64(-5), 7, true, false, "text", "", []byte("blob"), []byte{}, []byte(nil), notice.SubPrefix}
	b, err := appendRow(nil, putEvent, args)
	if err != nil {
		t.Fatal(err)
	}
	want := []any{nil, int64(-5), int64(7), int64(1), int64(0), "text", "", []byte("blob"), []byte{}, nil, notice.SubPrefix}
	if err := eachRow(b, func(s statement, got ...any) error {
		if s != putEvent || !reflect.DeepEqual(got, want) {
			t.Errorf("got %v %#v", s, got)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if _, err := appendRow(nil, putEvent, []any{1.5}); err == nil {
		t.Error("there is no column for a fraction, and yet it was taken")
	}
}

// Whatever a log holds, reading it ends, and gives records without a gap.
func FuzzRedo(f *testing.F) {
	row, _ := appendRow(make([]byte, headSize), putKV, []any{"settled", "k", []byte("v")})
	log := encodeHeader(1)
	for lsn := range uint64(3) {
		log = append(log, seal(bytes.Clone(row), 1, lsn+1)...)
	}
	f.Add(log, uint64(1), uint64(1))
	f.Add([]byte{}, uint64(0), uint64(0))
	f.Fuzz(func(t *testing.T, log []byte, id, lsn uint64) {
		_, records := readRedo(log, mark{id, lsn})
		for i, r := range records {
			if r.lsn != lsn+uint64(i)+1 {
				t.Fatalf("record %d behind %d", r.lsn, lsn+uint64(i))
			}
			eachRow(r.body, func(statement, ...any) error { return nil })
		}
		eachRow(log, func(statement, ...any) error { return nil })
	})
}
