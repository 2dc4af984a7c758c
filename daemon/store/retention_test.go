package store

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"peervane/daemon/notice"
)

// tidied waits, on the bubble's clock, until the store has tidied up.
func (r *running) tidied() {
	time.Sleep(10 * time.Minute)
	synctest.Wait()
}

func (r *running) count(t *testing.T, table string) (n int) {
	t.Helper()
	if err := r.database().read.QueryRow("SELECT count(*) FROM " + table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// onDisk is what the database takes of the disk.
func (r *running) onDisk(t *testing.T) (bytes int64) {
	t.Helper()
	for _, suffix := range []string{"", "-wal"} {
		info, err := os.Stat(r.opts.Path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		bytes += info.Size()
	}
	return bytes
}

// dawn is before a bubble begins.
var dawn = time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)

// ended is an incident that is over since then.
func ended(id string, at time.Time) Incident {
	i := incident(id)
	i.Status, i.Updated, i.Resolved = notice.Resolved, at, at
	return i
}

// latencyAt is a roll-up that began then.
func latencyAt(at time.Time) Latency {
	l := hour()
	l.Start, l.End = at, at
	return l
}

// What is older than the retention goes; what is open, or not delivered, stays however old it is.
func TestWhatIsTooOldGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Options{Path: path(t)})
		now := time.Now()
		old, young := now.Add(-91*24*time.Hour), now.Add(-89*24*time.Hour)
		var b Batch
		for i := range 3 * tidyRows {
			b.Events = append(b.Events, Event{At: old, Type: "old"}, Event{At: young, Type: "young"})
			b.Latency = append(b.Latency, latencyAt(old.Add(time.Duration(i)*time.Microsecond)))
			b.Incidents = append(b.Incidents, ended(fmt.Sprint("old", i), old))
		}
		b.Latency = append(b.Latency, latencyAt(now))
		open := incident("open")
		open.Updated = old
		b.Incidents = append(b.Incidents, open, ended("young", young), ended("undelivered", old), ended("dead", old))
		pending, dead := delivery(1, "noc"), delivery(2, "noc")
		pending.Incident, dead.Incident, dead.State = "undelivered", "dead", notice.Dead
		b.Outbox = []notice.Delivery{pending, dead}
		s.mustPut(t, b)
		s.tidied()
		if n := s.count(t, "incidents"); n != 3*tidyRows+4 {
			t.Fatalf("%d incidents without a retention", n)
		}
		s.Retain(Retention{Events: 90 * 24 * time.Hour, Latency: 30 * 24 * time.Hour})
		s.tidied()
		for table, want := range map[string]int{
			"incidents": 4, "incidents WHERE id IN ('open', 'young', 'undelivered', 'dead')": 4, "outbox": 2,
			"events": 3 * tidyRows, "events WHERE type = 'young'": 3 * tidyRows, "latency": 1,
		} {
			if got := s.count(t, table); got != want {
				t.Errorf("%d rows of %s, want %d", got, table, want)
			}
		}
		b.Outbox[0].State = notice.Delivered
		s.Record(b.Outbox[0])
		s.put(Batch{Forget: b.Outbox[1:]})
		s.tidied()
		if n := s.count(t, "incidents"); n != 2 {
			t.Errorf("%d incidents once all is delivered or dropped, want 2", n)
		}
	})
}

// flood writes so many events of a kilobyte, a second apart, as they would come; all are over an hour old.
func flood(t *testing.T, s *running, from, n int) {
	t.Helper()
	for ; n > 0; n -= 100 {
		var b Batch
		for i := range 100 {
			b.Events = append(b.Events, Event{At: dawn.Add(time.Duration(from+i) * time.Second), Type: "x", Detail: make([]byte, 1000)})
		}
		from += 100
		s.mustPut(t, b)
	}
}

// The disk never holds more than the limit, log included, once the writer has had its time; the oldest goes first, and the
// file shrinks without being taken for one that was cut.
func TestTheSizeIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Options{Path: path(t)})
		open := incident("open")
		open.Notice = make([]byte, 50_000)
		s.mustPut(t, Batch{Incidents: []Incident{open}, Outbox: []notice.Delivery{delivery(1, "noc")}})
		flood(t, s, 0, 6000)
		if s.onDisk(t) < 6_000_000 {
			t.Fatalf("only %d bytes: too few to prove anything", s.onDisk(t))
		}
		const limit = 2_000_000
		s.Retain(Retention{Size: limit})
		for round := range 5 {
			s.tidied()
			if n := s.onDisk(t); n > limit {
				t.Errorf("round %d: %d bytes on the disk, limit %d", round, n, limit)
			}
			flood(t, s, 6000+500*round, 500)
		}
		s.tidied()
		events, err := s.Events(t.Context(), netip.Prefix{}, dawn, 10_000)
		if err != nil || len(events) < 500 || len(events) > 2000 || !events[len(events)-1].At.Equal(dawn.Add(8499*time.Second)) {
			t.Fatalf("%d events are left, %v", len(events), err)
		}
		if span := events[len(events)-1].At.Sub(events[0].At); span != time.Duration(len(events)-1)*time.Second {
			t.Errorf("of %v only %d events are left: it was not the oldest that went", span, len(events))
		}
		if s.count(t, "incidents") != 1 || len(s.pending(t, "noc")) != 1 || s.Trouble() != nil || len(asides(t, s.opts.Path)) > 0 {
			t.Errorf("open: %d, pending %v, trouble %v, set aside %v", s.count(t, "incidents"), s.pending(t, "noc"), s.Trouble(), asides(t, s.opts.Path))
		}
		if err := check(t.Context(), s.database().write); err != nil {
			t.Error(err)
		}
	})
}

// What is needed stays, whatever the limit: that is said once, and once more after it has been mended.
func TestWhatIsNeededIsKeptOverTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Options{Path: path(t)})
		s.Retain(Retention{Size: 1_000_000})
		big := delivery(1, "noc")
		big.Body = make([]byte, 2_000_000)
		s.mustPut(t, Batch{Outbox: []notice.Delivery{big}, Incidents: []Incident{ended("i1", epoch)}})
		for range 3 {
			s.tidied()
		}
		if n := s.logs.FilterMessageSnippet("larger than [retention] size").Len(); n != 1 {
			t.Errorf("said %d times", n)
		}
		if len(s.pending(t, "noc")) != 1 || s.count(t, "incidents") != 1 {
			t.Error("what was needed is gone")
		}
	})
}

// holdOldState reads, and goes on seeing what there was, until it is told to release it.
func (r *running) holdOldState(t *testing.T) (release func()) {
	t.Helper()
	conn, err := r.database().read.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	do := func(text string) {
		t.Helper()
		if _, err := conn.ExecContext(context.Background(), text); err != nil {
			t.Fatal(err)
		}
	}
	do("BEGIN")
	do("SELECT count(*) FROM events")
	return func() {
		do("ROLLBACK")
		conn.Close()
	}
}

// A reader that holds on to an old state keeps space from being freed. That must not cost the history.
func TestAReaderCostsNoHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Options{Path: path(t)})
		flood(t, s, 0, 3000)
		release := s.holdOldState(t)
		const limit = 2_000_000
		s.Retain(Retention{Size: limit})
		s.tidied()
		if n := s.count(t, "events"); n < 1000 {
			t.Errorf("%d events are left while a reader reads", n)
		}
		release()
		s.tidied()
		if n, bytes := s.count(t, "events"), s.onDisk(t); n < 1000 || bytes > limit {
			t.Errorf("%d events and %d bytes are left", n, bytes)
		}
	})
}

// While much is deleted, each promise waits for a step at most, not for all of it.
func TestTidyingIsDoneInSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Options{Path: path(t)})
		flood(t, s, 0, 20*tidyRows)
		s.Retain(Retention{Events: time.Hour})
		time.Sleep(tidyEvery)
		for left := s.count(t, "events"); left > 0; left = s.count(t, "events") {
			s.mustPut(t, one(1))
			if now := s.count(t, "events"); left-now > tidyRows {
				t.Fatalf("a promise waited while %d rows were deleted", left-now)
			}
			time.Sleep(tidyRest)
			synctest.Wait()
		}
	})
}
