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

// BenchmarkDurable takes notices to disk at a steady 1,000 a second, each submitted alone as the engine does, and
// compares the time until each is promised with what fdatasync alone takes on the same disk in the same run.
//
//	go test ./daemon/store -run '^$' -bench Durable -benchtime 5000x
func BenchmarkDurable(b *testing.B) {
	dir := b.TempDir()
	bare := syncTimes(b, filepath.Join(dir, "bare"), max(b.N, 200))
	s, err := Open(Options{Path: filepath.Join(dir, "peervane.db"), Log: zap.NewNop()})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	defer func() { cancel(); <-ended }()

	took := make(chan time.Duration, b.N)
	pace := time.NewTicker(time.Millisecond)
	defer pace.Stop()
	b.ResetTimer()
	for i := range b.N {
		<-pace.C
		began := time.Now()
		s.Submit(Batch{
			Incidents: []Incident{incident(string(rune('a' + i%26)))},
			Outbox:    []notice.Delivery{delivery(i, "noc")},
		}, func(err error) {
			if err != nil {
				b.Error(err)
			}
			took <- time.Since(began)
		})
	}
	all := make([]time.Duration, b.N)
	for i := range all {
		all[i] = <-took
	}
	b.StopTimer()
	b.ReportMetric(percentile(all, 50), "p50-µs")
	b.ReportMetric(percentile(all, 99), "p99-µs")
	b.ReportMetric(percentile(bare, 50), "fdatasync-p50-µs")
	b.ReportMetric(percentile(bare, 99), "fdatasync-p99-µs")
	b.ReportMetric(0, "ns/op") // the pace of the ticker
}

// syncTimes measures the disk alone: 4 KiB appended, then fdatasync.
func syncTimes(b *testing.B, file string, n int) []time.Duration {
	b.Helper()
	f, err := os.Create(file)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	page := make([]byte, 4096)
	times := make([]time.Duration, n)
	for i := range times {
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

func percentile(all []time.Duration, p int) float64 {
	slices.Sort(all)
	return float64(all[min(len(all)-1, len(all)*p/100)].Nanoseconds()) / 1e3
}
