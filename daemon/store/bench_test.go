package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"peervane/daemon/notice"
)

// benchRound is how many notices are taken to disk between two looks at the disk alone.
const benchRound = 500

// launched opens a store in a folder, and has it write until the benchmark ends.
func launched(b *testing.B, dir string) *Store {
	b.Helper()
	s, err := Open(Options{Path: filepath.Join(dir, "peervane.db"), Log: zap.NewNop()})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	b.Cleanup(func() { cancel(); <-ended })
	return s
}

// BenchmarkDurable takes notices to disk at a steady 1,000 a second, each submitted alone as the engine does, and
// compares the time until each is promised with what the disk alone takes in the same run, in turns, so that both find it
// as busy. The disk alone is measured twice: each fdatasync by itself, and, as notices do not wait for the disk before
// they come, with what comes every millisecond, where one fdatasync takes all that waits.
//
//	go test ./daemon/store -run '^$' -bench Durable -benchtime 10000x
func BenchmarkDurable(b *testing.B) {
	dir := b.TempDir()
	s := launched(b, dir)
	bare, err := os.Create(filepath.Join(dir, "bare"))
	if err != nil {
		b.Fatal(err)
	}
	defer bare.Close()
	var durable, alone, arriving []time.Duration
	b.ResetTimer()
	for done := 0; done < b.N; done += benchRound {
		n := min(benchRound, b.N-done)
		alone = append(alone, syncTimes(b, bare, n)...)
		durable = append(durable, promiseTimes(b, s, done, n)...)
		arriving = append(arriving, arrivalTimes(b, bare, n)...)
	}
	b.StopTimer()
	for name, times := range map[string][]time.Duration{"": durable, "fdatasync-": alone, "arriving-": arriving} {
		b.ReportMetric(percentile(times, 50), name+"p50-µs")
		b.ReportMetric(percentile(times, 99), name+"p99-µs")
	}
	b.ReportMetric(percentile(durable, 99)/percentile(alone, 99), "p99-ratio")
	b.ReportMetric(percentile(durable, 99)/percentile(arriving, 99), "arriving-p99-ratio")
}

// promiseTimes submits a notice every millisecond, whether the last is on disk or not.
func promiseTimes(b *testing.B, s *Store, first, n int) []time.Duration {
	took := make(chan time.Duration, n)
	pace := time.NewTicker(time.Millisecond)
	defer pace.Stop()
	for i := range n {
		<-pace.C
		began := time.Now()
		s.Submit(Batch{
			Incidents: []Incident{incident(string(rune('a' + (first+i)%26)))},
			Outbox:    []notice.Delivery{delivery(first+i, "noc")},
		}, func(err error) {
			if err != nil {
				b.Error(err)
			}
			took <- time.Since(began)
		})
	}
	all := make([]time.Duration, n)
	for i := range all {
		all[i] = <-took
	}
	return all
}

// syncTimes measures the disk alone: every millisecond 4 KiB appended, then fdatasync.
func syncTimes(b *testing.B, f *os.File, n int) []time.Duration {
	b.Helper()
	page := make([]byte, 4096)
	times := make([]time.Duration, n)
	pace := time.NewTicker(time.Millisecond)
	defer pace.Stop()
	for i := range times {
		<-pace.C
		began := time.Now()
		if _, err := f.Write(page); err != nil {
			b.Fatal(err)
		}
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			b.Fatal(err)
		}
		times[i] = time.Since(began)
	}
	return times
}

// arrivalTimes measures the disk alone as the store finds it: every millisecond 4 KiB arrive, whether the last are on disk or
// not, and each fdatasync takes all that have.
func arrivalTimes(b *testing.B, f *os.File, n int) []time.Duration {
	b.Helper()
	arrived := make(chan time.Time, n)
	go func() {
		defer close(arrived)
		pace := time.NewTicker(time.Millisecond)
		defer pace.Stop()
		for range n {
			<-pace.C
			arrived <- time.Now()
		}
	}()
	page := make([]byte, 4096)
	var times []time.Duration
	for at := range arrived {
		group := []time.Time{at}
		for range len(arrived) {
			group = append(group, <-arrived)
		}
		for range group {
			if _, err := f.Write(page); err != nil {
				b.Fatal(err)
			}
		}
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			b.Fatal(err)
		}
		for _, at := range group {
			times = append(times, time.Since(at))
		}
	}
	return times
}

func percentile(all []time.Duration, p int) float64 {
	slices.Sort(all)
	return float64(all[min(len(all)-1, len(all)*p/100)].Nanoseconds()) / 1e3
}

// members is what some incidents of a storm come to: three events and one piece of state each.
func members(first, n int) Batch {
	var b Batch
	for i := first; i < first+n; i++ {
		in := incident(fmt.Sprint("i", i))
		in.Notice, in.State = make([]byte, 1500), make([]byte, 300)
		b.Incidents = append(b.Incidents, in)
		for _, event := range [...]string{"began", "grew", "told"} {
			b.Events = append(b.Events, Event{
				At: epoch, Type: event, Severity: notice.Critical, Prefix: prefix, Peer: "edge1", Detail: []byte(`{"incident":"i"}`),
			})
		}
		b.KV = append(b.KV, KV{"settled", in.ID, make([]byte, 100)})
	}
	return b
}

// BenchmarkCommit writes transactions of one row and of a storm to a database in memory: what they take without the disk.
//
//	go test ./daemon/store -run '^$' -bench 'Commit|Submit' -benchmem
func BenchmarkCommit(b *testing.B) {
	storm, row := members(0, 250), Batch{KV: []KV{{"settled", "k", []byte("v")}}}
	for name, batch := range map[string]*Batch{"row": &row, "storm": &storm} {
		b.Run(name, func(b *testing.B) {
			d, err := openDatabase(b.Context(), memory, false)
			if err != nil {
				b.Fatal(err)
			}
			defer d.close()
			p := newPending()
			p.add(batch)
			b.ReportAllocs()
			for b.Loop() {
				if err := d.commit(p, mark{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSubmit takes incidents of a storm through all of the store, each in a batch of its own: into the redo log, and from there
// into the database.
func BenchmarkSubmit(b *testing.B) {
	s := launched(b, b.TempDir())
	batches := make([]Batch, 2000)
	for i := range batches {
		batches[i] = members(i, 1)
	}
	waiting := make(chan struct{}, 64)
	told := func(err error) {
		if err != nil {
			b.Error(err)
		}
		<-waiting
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		batch := batches[i%len(batches)]
		batch.Urgent = i == b.N-1 // what is left waits for no company
		waiting <- struct{}{}
		s.Submit(batch, told)
	}
	for range cap(waiting) {
		waiting <- struct{}{}
	}
	s.catchUp(b.Context())
}
