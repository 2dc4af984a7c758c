package store

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"peervane/daemon/notice"
	"peervane/probe/stats"
)

func TestOverlayKeepsTheLatestOfEachKey(t *testing.T) {
	older, newer := newPending(), newPending()
	first, second := incident("i1"), incident("i1")
	second.Status = notice.Resolved
	older.add(&Batch{Incidents: []Incident{first, incident("i2")}, KV: []KV{{"k", "a", []byte("1")}, {"k", "b", []byte("1")}}})
	newer.add(&Batch{Incidents: []Incident{second}, KV: []KV{{"k", "a", nil}}, Events: []Event{{Type: "x"}}})
	older.overlay(newer)
	if len(older.incidents) != 2 || older.incidents["i1"].Status != notice.Resolved {
		t.Errorf("incidents: %+v", older.incidents)
	}
	if v, ok := older.kv[kvKey{"k", "a"}]; !ok || v != nil || string(older.kv[kvKey{"k", "b"}]) != "1" {
		t.Errorf("kv: %+v", older.kv)
	}
	if len(older.events) != 1 {
		t.Errorf("events: %+v", older.events)
	}
}

// What is settled is used again, with nothing of what was in it; of one that was large the room is given up.
func TestTheRoomOfATransactionIsUsedAgain(t *testing.T) {
	s, err := Open(Options{Path: memory, Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	written := func(b Batch) *pending {
		p := s.room()
		told := 0
		s.Submit(b, func(error) { told++ })
		if !s.flush() || told != 1 {
			t.Fatalf("not written, or told %d times", told)
		}
		return p
	}
	b := all(1)
	b.Forget = []notice.Delivery{delivery(7, "noc")}
	first := written(b)
	written(all(2))
	if again := s.room(); again != first {
		t.Error("another was made")
	}
	left := *first
	if left.events = nil; len(first.events) > 0 || !reflect.DeepEqual(&left, newPending()) {
		t.Errorf("left in it: %+v", first)
	}
	large := written(Batch{Events: make([]Event, spareRows+1), Urgent: true})
	if slices.Contains(s.spare, large) {
		t.Error("a large one was kept")
	}
}

func TestMemoryIsBoundedAndWhatIsDroppedIsCounted(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds under the race detector, for which it has one goroutine")
	}
	p, dropped := newPending(), Dropped{}
	total, depth := maxOutbox+maxOutbox/8, map[string]int{}
	for i := range total {
		d := delivery(i, "noc")
		d.Seq = int64(i)
		in := incident(fmt.Sprint(i))
		in.Updated = epoch.Add(time.Duration(i))
		hour := Latency{Rollup: stats.Rollup{Start: epoch.Add(time.Duration(i) * time.Hour)}}
		p.add(&Batch{Outbox: []notice.Delivery{d}, Incidents: []Incident{in}, Events: make([]Event, 1), Latency: []Latency{hour}})
		depth["noc"]++
		p.trim(&dropped, depth, map[string]int{})
	}
	for what, n := range map[string][3]int{
		"outbox": {len(p.outbox), dropped.Outbox, maxOutbox}, "incidents": {len(p.incidents), dropped.Incidents, maxIncidents},
		"events": {len(p.events), dropped.Events, maxEvents}, "latency": {len(p.latency), dropped.Latency, maxLatency},
	} {
		if kept, lost := n[0], n[1]; kept > n[2] || kept+lost != total {
			t.Errorf("%s: %d kept, %d dropped of %d", what, kept, lost, total)
		}
	}
	for i := total; i <= maxIncidents; i++ {
		p.incidents[fmt.Sprint(i)] = &Incident{ID: fmt.Sprint(i), Updated: epoch.Add(time.Duration(i))}
	}
	p.events = append(p.events, make([]Event, maxEvents)...)
	p.trim(&dropped, depth, map[string]int{})
	if _, oldest := p.incidents["0"]; oldest || len(p.incidents)+dropped.Incidents != maxIncidents+1 || dropped.Incidents == 0 {
		t.Errorf("%d incidents kept, the oldest %t, %d dropped", len(p.incidents), oldest, dropped.Incidents)
	}
	if len(p.events) > maxEvents || len(p.events)+dropped.Events != maxEvents+total {
		t.Errorf("%d events kept, %d dropped", len(p.events), dropped.Events)
	}
	if depth["noc"] != len(p.outbox) {
		t.Errorf("depth %d, %d in memory", depth["noc"], len(p.outbox))
	}
	if _, ok := p.outbox[int64(total-1)]; !ok {
		t.Error("the newest delivery was dropped")
	}
	if _, ok := p.outbox[0]; ok {
		t.Error("the oldest delivery was kept")
	}
}

// A flood is written in transactions of a bounded size, each batch whole, and what was promised first is on disk first.
func TestAFloodIsWrittenInParts(t *testing.T) {
	s, err := Open(Options{Path: path(t), Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	s.leaveRedo()
	const batches, each = 50, 100
	var promised []int
	for i := range batches {
		var b Batch
		for j := range each {
			b.Incidents = append(b.Incidents, incident(fmt.Sprint(i, " ", j)))
		}
		b.Outbox = []notice.Delivery{delivery(i, "noc")}
		s.Submit(b, func(err error) {
			if err != nil {
				t.Error(err)
			}
			promised = append(promised, i) // by the writer alone
		})
	}
	const together = (transactionRows + each) / (each + 1) // batches in a transaction
	if want := (batches + together - 1) / together; len(s.next) != want {
		t.Errorf("%d transactions wait, want %d", len(s.next), want)
	}
	for part := 1; s.waits(); part++ {
		if !s.flush() {
			t.Fatal("not written")
		}
		rows, err := s.incidents(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) != each*len(promised) || len(promised) > part*together {
			t.Errorf("after part %d: %d incidents on disk, %d batches promised", part, len(rows), len(promised))
		}
	}
	for i, p := range promised {
		if i != p {
			t.Fatalf("promised in the order %v", promised)
		}
	}
	if len(promised) != batches || s.Depth("noc") != batches {
		t.Errorf("%d promised, %d to send", len(promised), s.Depth("noc"))
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// However many transactions a flood makes, the last is written too, though nobody calls any more.
func TestTheEndOfAFloodIsWritten(t *testing.T) {
	s, err := Open(Options{Path: path(t), Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 3)
	for i := range 3 {
		var b Batch
		for j := range transactionRows {
			b.Incidents = append(b.Incidents, incident(fmt.Sprint(i, " ", j)))
		}
		s.Submit(b, func(err error) { done <- err })
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	for range 3 {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(time.Minute):
			t.Fatal("not all was written")
		}
	}
}

// While the disk does not answer, all that waits is one transaction, the latest of each key.
func TestAFloodIsBoundedInMemory(t *testing.T) {
	s, err := Open(Options{Path: path(t), Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range maxOutbox + transactionRows {
		s.Submit(Batch{Outbox: []notice.Delivery{delivery(i, "noc")}}, nil)
	}
	if waiting := s.Depth("noc"); waiting > maxOutbox || waiting < maxOutbox/2 || s.dropped.Outbox != maxOutbox+transactionRows-waiting {
		t.Errorf("%d wait, %d were dropped", waiting, s.dropped.Outbox)
	}
	s.fail(errSlow)
	n := len(s.next)
	for i := range 2 * transactionRows {
		s.Submit(Batch{Incidents: []Incident{incident(fmt.Sprint(i % 10))}}, nil)
	}
	if len(s.next) != n {
		t.Errorf("%d transactions wait, %d before", len(s.next), n)
	}
}

func TestGroupCommit(t *testing.T) {
	s := start(t, Options{Path: path(t)})
	const n = 1000
	answers := make(chan error, n)
	for i := range n {
		s.Submit(one(i), func(err error) { answers <- err })
	}
	for range n {
		if err := <-answers; err != nil {
			t.Fatal(err)
		}
	}
	if got := len(s.pending(t, "noc")); got != n {
		t.Errorf("%d of %d on disk", got, n)
	}
}

func TestSubmitAfterTheEnd(t *testing.T) {
	s := start(t, Options{Path: path(t)})
	s.stop()
	if err := s.put(one(1)); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
	s.Submit(one(2), nil)
	s.Record(delivery(1, "noc"))
}

func TestWhatIsNotPromisedWaitsForCompany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(Options{Path: path(t), Log: zap.NewNop()})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		began, answers := time.Now(), make(chan time.Duration, 3)
		answer := func(error) { answers <- time.Since(began) }
		event := Batch{Events: []Event{{Type: "session_up", Severity: notice.Info}}}
		s.Submit(event, answer)
		if took := <-answers; took != defaultLaziness {
			t.Errorf("an event alone took %v", took)
		}
		began = time.Now()
		s.Submit(event, answer)
		s.Submit(one(1), answer)
		for range 2 {
			if took := <-answers; took != 0 {
				t.Errorf("beside a promise it took %v", took)
			}
		}
		cancel()
		<-ended
	})
}

// What somebody was told of in trouble is served, also when the trouble ends before it is written.
func TestToldInTroubleAndServed(t *testing.T) {
	s, err := Open(Options{Path: path(t), Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := &running{Store: s}
	s.leaveRedo()
	s.Submit(one(1), nil)
	if n := s.take(true); n != 1 {
		t.Fatalf("%d transactions", n)
	}
	told := make(chan error, 1)
	s.Submit(one(2), func(err error) { told <- err })
	s.fail(errSlow)
	if err := <-told; !errors.Is(err, errSlow) {
		t.Errorf("told %v", err)
	}
	s.Submit(one(3), nil)
	if err := s.write(s.writing[0]); err != nil {
		t.Fatal(err)
	}
	s.settle()
	r.expectPending(t, "d1", "d2")
	if !s.flush() {
		t.Fatal("not written")
	}
	r.expectPending(t, "d1", "d2", "d3")
}

// What is promised behind a flood that nobody waits for comes to the disk, and so does all of the flood.
func TestPromisedBehindAFloodOfRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Options{Path: path(t)})
		for i := range 5 * transactionRows {
			d := delivery(i, "noc")
			d.Seq, d.State, d.Error = int64(i+1), notice.Dead, "410 Gone"
			s.Record(d)
		}
		s.mustPut(t, one(1))
		for i := range 5 * transactionRows {
			d := delivery(i, "noc")
			d.Seq, d.State = int64(i+1), notice.Delivered
			s.Record(d)
		}
		s.settled()
		if s.waits() {
			t.Error("something waits still")
		}
	})
}

// While the disk does not answer no texts are kept: of a storm's incidents there would be too much.
func TestTextsAreNotKept(t *testing.T) {
	p := newPending()
	p.add(&Batch{Incidents: []Incident{{ID: "i1", Encode: func() (body, state []byte, ok bool) { return []byte("{}"), []byte("{}"), true }}}})
	full := errors.New("the disk is full")
	if err := p.eachRow(func(statement, []value) error { return full }); err != full {
		t.Fatal(err)
	}
	if i := p.incidents["i1"]; i.Notice != nil || i.State != nil {
		t.Errorf("kept %s and %s", i.Notice, i.State)
	}
}
