package stats

import (
	"testing"
	"time"
)

// epoch is where the tests' time begins.
var epoch = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

const interval = 10 * time.Second

// at is the start of the n-th batch.
func at(n int) time.Time { return epoch.Add(time.Duration(n) * interval) }

func ms(values ...float64) []time.Duration {
	var out []time.Duration
	for _, v := range values {
		out = append(out, time.Duration(v*float64(time.Millisecond)))
	}
	return out
}

// answered is the n-th batch, all of it answered.
func answered(n int, rtts ...time.Duration) Sample {
	return Sample{Started: at(n), Ended: at(n).Add(time.Second), Sent: len(rtts), Received: len(rtts), RTTs: rtts}
}

// lossy is the n-th batch, with lost probes besides the answered ones.
func lossy(n, lost int, rtts ...time.Duration) Sample {
	s := answered(n, rtts...)
	s.Sent += lost
	s.Lost = lost
	return s
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
