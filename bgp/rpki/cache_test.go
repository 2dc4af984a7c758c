package rpki

import (
	"io"
	"testing"
	"time"

	"go.uber.org/zap"
)

// TestJitter spreads what many clients of one cache would do at the same moment.
func TestJitter(t *testing.T) {
	for _, row := range []struct {
		about       string
		err         error
		least, most time.Duration
	}{
		{"a lost transport", io.ErrUnexpectedEOF, 1400 * time.Millisecond, 2600 * time.Millisecond},
		{"no data available", &cacheError{code: noDataAvailable}, noDataPause, noDataPause + noDataPause/4},
		{"cache shutdown", &cacheError{code: cacheShutdown}, defaultTiming.retry, defaultTiming.retry + defaultTiming.retry/4},
	} {
		waits := map[time.Duration]bool{}
		for range 20 {
			wait := newCache(first, Config{}, zap.NewNop(), nil).after(row.err)
			if wait < row.least || wait > row.most {
				t.Errorf("%s: %v, want %v to %v", row.about, wait, row.least, row.most)
			}
			waits[wait] = true
		}
		if len(waits) < 2 {
			t.Errorf("%s: all wait as long", row.about)
		}
	}
}
