package store

import (
	"context"
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

// BenchmarkDurable takes notices to disk at a steady 1,000 a second, each submitted alone as the engine does, and
// compares the time until each is promised with what the disk alone takes in the same run, in turns, so that both find it
// as busy. The disk alone is measured twice: each fdatasync by itself, and, as notices do not wait for the disk before
// they come, with what comes every millisecond, where one fdatasync takes all that waits.
//
//	go test ./daemon/store -run '^$' -bench Durable -benchtime 10000x
func BenchmarkDurable(b *testing.B) {
	dir := b.TempDir()
	s, err := Open(Options{Path: filepath.Join(dir, "peervane.db"), Log: zap.NewNop()})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	defer func() { cancel(); <-ended }()
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
