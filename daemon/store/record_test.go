package store

import (
	"bytes"
	"reflect"
	"testing"

	"peervane/daemon/notice"
)

func TestRowsOfARecord(t *testing.T) {
	want := []value{
		{}, intValue(-5), intValue(7), boolValue(true), boolValue(false), textValue("text"), textValue(""), blobValue([]byte("blob")),
		blobValue([]byte{}), blobValue(nil), textValue(notice.Firing),
	}
	b := appendRow(nil, putEvent, want)
	if err := eachRow(b, func(s statement, got []value) error {
		if s != putEvent || !reflect.DeepEqual(got, want) {
			t.Errorf("got %v %#v", s, got)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// Whatever a log holds, reading it ends, and gives records without a gap.
func FuzzRedo(f *testing.F) {
	row := appendRow(make([]byte, headSize), putKV, []value{textValue("settled"), textValue("k"), blobValue([]byte("v"))})
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
			eachRow(r.body, func(statement, []value) error { return nil })
		}
		eachRow(log, func(statement, []value) error { return nil })
	})
}
