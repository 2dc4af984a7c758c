package store

import (
	"database/sql"
	"errors"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"peervane/probe/stats"
)

// hour is a roll-up as the engine hands it over.
func hour() Latency {
	l := Latency{Way: Way{
		POP: "par1", Address: netip.MustParseAddr("198.51.100.1"), Method: "icmp", Source: netip.MustParseAddr("192.0.2.1"),
	}}
	l.Add(&stats.Sample{
		Started: epoch, Ended: epoch.Add(time.Second), Sent: 10, Received: 3, Late: 1, Refused: 1, Unreachable: 1, Lost: 3, LocalDrop: 1,
		Recovered: 1, Duplicate: 2, Foreign: 1, TSSource: stats.SourceKernel,
		RTTs: []time.Duration{time.Millisecond, 2 * time.Millisecond, 40 * time.Millisecond, 3 * time.Millisecond, 4 * time.Millisecond},
	})
	return l
}

// history reads the rows of a POP.
func (r *running) history(t *testing.T, pop string, since time.Time) (rows []Latency) {
	t.Helper()
	if err := r.Latency(t.Context(), pop, since, func(l Latency) error { rows = append(rows, l); return nil }); err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestLatencyRowsReachIntoTheWindow(t *testing.T) {
	s := start(t, Options{Path: path(t)})
	var rows []Latency
	for n := range 3 {
		l := hour()
		l.Start = epoch.Add(time.Duration(n) * time.Hour)
		l.End = l.Start.Add(time.Hour)
		rows = append(rows, l)
	}
	other := hour()
	other.POP = "lon1"
	s.mustPut(t, Batch{Latency: append(rows[:3:3], other)})
	for _, c := range []struct {
		pop   string
		since time.Time
		want  []Latency
	}{
		{"par1", epoch, rows},
		{"par1", epoch.Add(90 * time.Minute), rows[1:]},
		{"par1", epoch.Add(3 * time.Hour), nil},
		{"", epoch.Add(-time.Hour), append([]Latency{other}, rows...)},
		{"nosuch", epoch, nil},
	} {
		if got := s.history(t, c.pop, c.since); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q since %v: got %+v, want %+v", c.pop, c.since, got, c.want)
		}
	}
	enough := errors.New("enough")
	if err := s.Latency(t.Context(), "", epoch, func(Latency) error { return enough }); !errors.Is(err, enough) {
		t.Error(err)
	}
}

// TestLatencyIsWrittenOverWhileItGrows writes an open hour again and again: on disk there is one row, the latest.
func TestLatencyIsWrittenOverWhileItGrows(t *testing.T) {
	s := start(t, Options{Path: path(t)})
	for n := range 3 {
		l := hour()
		l.Sent += n
		s.mustPut(t, Batch{Latency: []Latency{l}})
	}
	if rows := s.history(t, "par1", epoch); len(rows) != 1 || rows[0].Sent != 12 {
		t.Errorf("rows %+v", rows)
	}
}

// TestLatencyForOtherTools reads the columns that are not read by us.
func TestLatencyForOtherTools(t *testing.T) {
	file := path(t)
	s := start(t, Options{Path: file})
	s.mustPut(t, Batch{Latency: []Latency{hour()}})
	s.stop()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var p50, p95, jitter int
	var loss float64
	if err := db.QueryRow("SELECT p50, p95, jitter, loss FROM latency").Scan(&p50, &p95, &jitter, &loss); err != nil {
		t.Fatal(err)
	}
	l := hour()
	sum := l.Summary()
	if p50 != int(sum.P50.Microseconds()) || p95 != int(sum.P95.Microseconds()) || jitter != p95-p50 || loss != sum.Loss() {
		t.Errorf("p50 %d, p95 %d, jitter %d, loss %v, want those of %+v", p50, p95, jitter, loss, sum)
	}
}
