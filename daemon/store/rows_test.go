package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"peervane/daemon/notice"
)

// Of a transaction of which a row fails nothing is kept, and the next finds the connection as it was.
func TestARowFails(t *testing.T) {
	for _, file := range []string{memory, path(t)} {
		d, err := openDatabase(t.Context(), file, false)
		if err != nil {
			t.Fatal(err)
		}
		defer d.close()
		good, bad := newPending(), newPending()
		first, second := delivery(1, "noc"), delivery(2, "noc")
		first.Seq, second.Seq = 1, 2
		good.add(&Batch{Outbox: []notice.Delivery{second}})
		second.Body = nil // there is none without
		bad.add(&Batch{Incidents: []Incident{incident("i1")}, Outbox: []notice.Delivery{first, second}})
		var e *sqlite.Error
		if err := d.commit(bad, mark{1, 1}); !errors.As(err, &e) || e.Code()&0xff != sqlite3.SQLITE_CONSTRAINT || passing(err) || corrupt(err) {
			t.Errorf("%s: %v", file, err)
		}
		if err := d.commit(good, mark{1, 2}); err != nil {
			t.Fatal(err)
		}
		if found, err := takeCensus(t.Context(), d.read); err != nil || found.depth["noc"] != 1 {
			t.Errorf("%s: %+v, %v", file, found, err)
		}
		if m, _, err := readMark(t.Context(), d.read); err != nil || m != (mark{1, 2}) {
			t.Errorf("%s: %v, %v", file, m, err)
		}
	}
}

// A panic while rows are written ends the process with its stack, and leaves no writer that waits for ever.
func TestPanicWhileRowsAreWritten(t *testing.T) {
	d, err := openDatabase(t.Context(), memory, false)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	p := newPending()
	p.add(&Batch{Incidents: []Incident{{ID: "x", Encode: func() ([]byte, []byte, bool) { panic("boom") }}}})
	why := make(chan any, 1)
	go func() {
		defer func() { why <- recover() }()
		_ = d.commit(p, mark{})
	}()
	select {
	case got := <-why:
		if text := fmt.Sprint(got); !strings.Contains(text, "boom") || !strings.Contains(text, "TestPanicWhileRowsAreWritten") {
			t.Errorf("it says %s", text)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the writer hangs")
	}
}
