package store

import (
	"context"
	"errors"
	"fmt"
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

func TestMemoryIsBoundedAndWhatIsDroppedIsCounted(t *testing.T) {
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
	for what, n := range map[string][2]int{
		"outbox": {len(p.outbox), dropped.Outbox}, "incidents": {len(p.incidents), dropped.Incidents},
		"events": {len(p.events), dropped.Events}, "latency": {len(p.latency), dropped.Latency},
	} {
		if kept, lost := n[0], n[1]; kept > maxOutbox || kept+lost != total {
			t.Errorf("%s: %d kept, %d dropped of %d", what, kept, lost, total)
		}
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
