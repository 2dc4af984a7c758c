package join

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"peervane/probe/stats"
)

// What is kept of a sample is all of it.
func TestSeriesKeepsAll(t *testing.T) {
	full := stats.Sample{
		Started: at(0), Ended: at(3), Sent: 10, Received: 1, Late: 2, Refused: 3, Unreachable: 4, Lost: 5, LocalDrop: 6, Recovered: 7, Duplicate: 8, Foreign: 9,
		RTTs: []time.Duration{1, 2}, TSSource: stats.SourceUser, Offender: par1.Addr, FirstLost: at(1), LastLost: at(2),
	}
	v := reflect.ValueOf(full)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("%s is not held to anything", v.Type().Field(i).Name)
		}
	}
	var s series
	want := []stats.Sample{full, batch(10, 12), batch(20, 0)}
	for _, x := range want {
		s.add(x)
	}
	if got := slices.Collect(s.from(0)); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
	if i := s.since(at(11)); i != 1 {
		t.Errorf("from %d on", i)
	}
}
