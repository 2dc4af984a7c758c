package rpki

import (
	"io"
	"net"
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

// TestPollsBeforeStale confirms the data before it counts as stale, however rarely the cache wishes to be asked.
func TestPollsBeforeStale(t *testing.T) {
	const stale = 20 * time.Minute
	inLab(t, Config{RTR: []string{first}, StaleAfter: stale}, map[string]script{first: only(func(c *fakeCache) {
		c.expect(reset(2))
		c.send(load(2, 7, 1, a(vrpA))) // which asks for a refresh every hour
		for c.expect(serial(2, 7, 1)) && c.send(load(2, 7, 1)) {
		}
	})}, func(l *lab) {
		for range 8 {
			if s := l.after(stale / 2); s.VRPs.Stale(time.Now(), stale) {
				t.Fatalf("last confirmed at %v, now it is %v", s.VRPs.Fetched, time.Now())
			}
		}
	})
}

// TestRetryInterval comes back as often as the cache has asked for.
func TestRetryInterval(t *testing.T) {
	inLab(t, Config{RTR: []string{first}}, map[string]script{first: only(func(c *fakeCache) {
		c.expect(reset(2))
		c.send(encode(2, cacheResponse, 7), a(vrpA), encode(2, endOfData, 7, u32(1), u32(3600), u32(1), u32(7200)))
	})}, func(l *lab) {
		l.after(time.Minute)
		if n := l.count(l.dials, first); n < 30 || n > 90 {
			t.Errorf("%d attempts in a minute, with a retry interval of a second", n)
		}
	})
}

// What is read at 3 a.m. says who ended what.
func TestClosedByTheCache(t *testing.T) {
	near, far := net.Pipe()
	far.Close()
	s := &rtrSession{conn: near, in: newPDUReader(near), talk: conversation{version: newestVersion}}
	s.talk.query()
	s.talk.open = true
	if _, err := s.step(); s.explain(err).Error() != "connection closed by the cache" {
		t.Errorf("%v", err)
	}
}
