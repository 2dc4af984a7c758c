package rpki

import (
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const first, second = "tcp://first:323", "tcp://second:323"

func TestSynchronize(t *testing.T) {
	inLab(t, Config{RTR: []string{first}}, map[string]script{first: only(func(c *fakeCache) {
		c.expect(reset(2))
		c.send(load(2, 7, 1, a(vrpA), encodeASPA(ASPA{64496, []uint32{64500}}, true)))
		c.expect(serial(2, 7, 1)) // after the refresh interval
		c.send(load(2, 7, 2, a(vrpB), encodeVRP(2, vrpA, false)))
		time.Sleep(time.Minute)
		c.send(encode(2, serialNotify, 7, u32(3)))
		c.expect(serial(2, 7, 2)) // at once
		c.send(load(2, 7, 3))
		c.hold()
	})}, func(l *lab) {
		start := time.Now()
		s := l.after(time.Second)
		l.holds("loaded", s, vrpA)
		want := Provenance{Source: first, Epoch: Epoch{2, 7, 1}, Offered: true}
		if got := s.VRPs; got.Source != want.Source || got.Epoch != want.Epoch || !got.Fetched.Equal(start) || s.ASPAs != got {
			t.Errorf("provenance %+v and %+v, want %+v", s.VRPs, s.ASPAs, want)
		}
		if st := l.Status().Caches[0]; st.State != "synced" || st.VRPs != 1 || st.ASPAs != 1 || !st.Expires.Equal(start.Add(2*time.Hour)) {
			t.Errorf("status %+v", st)
		}
		l.holds("before the refresh", l.after(time.Hour-2*time.Second), vrpA)
		s = l.after(2 * time.Second)
		l.holds("after the refresh", s, vrpB)
		if d := Compare(l.published()[len(l.published())-2], s); !slices.Equal(d.Added, []VRP{vrpB}) || !slices.Equal(d.Removed, []VRP{vrpA}) || d.Customers != nil || d.AllPrefixes {
			t.Errorf("difference %+v", d)
		}
		before := l.published()
		s = l.after(2 * time.Minute)
		last, n := before[len(before)-1], len(l.published())-len(before)
		if s.VRPs.Epoch.Serial != 3 || n != 1 || !Compare(last, s).Empty() || s.vrps != last.vrps {
			t.Errorf("%d sets after a notify without changes, the last %+v", n, s.VRPs)
		}
	})
}

// TestReconnect keeps the data through a lost transport, resumes the session by its serial, and lets the data go when it expires.
func TestReconnect(t *testing.T) {
	inLab(t, Config{RTR: []string{first}}, map[string]script{first: func(c *fakeCache, n int) {
		switch n {
		case 0:
			c.expect(reset(2))
			c.send(load(2, 7, 1, a(vrpA)))
		case 1:
			c.expect(serial(2, 7, 1))
			c.send(load(2, 7, 2, a(vrpB)))
		default: // closes without an answer, whatever the version
		}
	}}, func(l *lab) {
		l.holds("loaded", l.after(0), vrpA)
		confirmed := time.Now().Add(4 * time.Second)
		s := l.after(5 * time.Second)
		l.holds("resumed", s, vrpA, vrpB)
		l.holds("kept", l.after(2*time.Hour-10*time.Second), vrpA, vrpB)
		if st := l.Status().Caches[0]; st.State != "failing" || st.Error == "" || st.Expires.IsZero() {
			t.Errorf("status %+v", st)
		}
		s = l.after(10 * time.Second)
		if v := s.VerifyOrigin(vrpA.Prefix, vrpA.ASN); v.State != Unknown || s.VRPs.Source != "" || s.VRPs.Fetched.IsZero() || s.VRPs.Fetched.After(confirmed) {
			t.Errorf("after it expired: %v, %+v", v.State, s.VRPs)
		}
		if d := Compare(l.published()[len(l.published())-2], s); !d.AllPrefixes || !d.TouchesPrefix(prefix("10.0.0.0/8")) {
			t.Errorf("the loss of all data gives %+v", d)
		}
		if !s.VRPs.Stale(s.VRPs.Fetched.Add(4*time.Hour), 4*time.Hour) || s.VRPs.Stale(time.Now(), 4*time.Hour) || s.ASPAs.Stale(time.Now().Add(9*time.Hour), time.Hour) {
			t.Errorf("stale: %+v, %+v", s.VRPs, s.ASPAs)
		}
	})
}

// TestNotResumed keeps the data of a cache that has restarted and knows nothing of our session, until the new load has come:
// at once, whether the cache says so or only closes.
func TestNotResumed(t *testing.T) {
	for about, refuse := range map[string]func(c *fakeCache){
		"says so": func(c *fakeCache) { c.send(encodeReport(2, corruptData, "session ID mismatch")) },
		"closes":  func(*fakeCache) {},
	} {
		inLab(t, Config{RTR: []string{first}}, map[string]script{first: func(c *fakeCache, n int) {
			switch n {
			case 0:
				c.expect(reset(2))
				c.send(load(2, 7, 1, a(vrpA)))
			case 1:
				c.expect(serial(2, 7, 1))
				refuse(c)
			case 2:
				c.expect(reset(2))
				c.send(load(2, 8, 1, a(vrpB)))
				c.hold()
			}
		}}, func(l *lab) {
			l.holds(about, l.after(3*time.Second), vrpB) // the first attempt comes after 2.6 s at most
			l.oneOnTheWay()
		})
	}
}

// TestExpiredSerial asks for everything anew once the data has expired.
func TestExpiredSerial(t *testing.T) {
	inLab(t, Config{RTR: []string{first}}, map[string]script{first: func(c *fakeCache, n int) {
		if n == 0 {
			c.expect(reset(2))
			c.send(load(2, 7, 1, a(vrpA)))
			return
		}
		if time.Since(synctestEpoch) < 3*time.Hour {
			c.hold() // silent
			return
		}
		if c.expect(reset(2)) {
			c.send(load(2, 7, 9, a(vrpB)))
			c.hold()
		}
	}}, func(l *lab) { l.holds("loaded anew", l.after(4*time.Hour), vrpB) })
}

var synctestEpoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// TestFailover takes the caches in order, and returns to the preferred one when it has a full set.
func TestFailover(t *testing.T) {
	var back atomic.Bool
	inLab(t, Config{RTR: []string{first, second}}, map[string]script{
		first: func(c *fakeCache, n int) {
			if !back.Load() {
				c.expect(reset(2))
				c.send(encodeReport(2, noDataAvailable, ""))
				return
			}
			serve(9, a(vrpA))(c, n)
		},
		second: serve(7, a(vrpB)),
	}, func(l *lab) {
		s := l.after(time.Second)
		l.holds("from the second", s, vrpB)
		if s.VRPs.Source != second {
			t.Errorf("the source is %q", s.VRPs.Source)
		}
		back.Store(true)
		s = l.after(20 * time.Minute)
		l.holds("from the first", s, vrpA)
		if st := l.Status().Caches; st[0].State != "synced" || st[1].State != "idle" || st[1].VRPs != 0 || l.count(l.closed, second) != 1 {
			t.Errorf("caches %+v", st)
		}
		for _, set := range l.published()[2:] {
			if n, _ := set.Size(); n != 1 {
				t.Errorf("a set of %d VRPs between the two caches", n)
			}
		}
	})
}

// TestPatience asks the next cache when the first takes too long, and a short loss of the first asks nobody.
func TestPatience(t *testing.T) {
	inLab(t, Config{RTR: []string{first, second}}, map[string]script{
		first: func(c *fakeCache, n int) {
			switch n {
			case 0:
				c.hold() // silent
			case 1:
				serve(9, a(vrpA))(c, n)
			}
		},
		second: serve(7, a(vrpB)),
	}, func(l *lab) {
		if s := l.after(patience - time.Second); s.VRPs.Source != "" || l.count(l.dials, second) > 0 {
			t.Error("the second is asked too early")
		}
		l.holds("from the second", l.after(2*time.Second), vrpB)
		l.holds("from the first", l.after(2*time.Minute), vrpA)
	})
	inLab(t, Config{RTR: []string{first, second}}, map[string]script{first: func(c *fakeCache, n int) {
		query := reset(2)
		if n > 0 {
			query = serial(2, 9, uint32(n-1))
		}
		if c.expect(query) && c.send(load(2, 9, uint32(n))) && n > 0 {
			c.hold()
		}
	}}, func(l *lab) {
		l.after(time.Minute)
		if asked, opened := l.count(l.dials, second), l.count(l.opened, first); asked > 0 || opened != 2 {
			t.Errorf("%d connections to the first, %d attempts at the second", opened, asked)
		}
	})
}

// TestMisbehaviour plays caches that break the protocol after a good load. Nothing that they send half is ever published;
// what is fatal flushes and is told to the cache; and the client comes back.
func TestMisbehaviour(t *testing.T) {
	for _, row := range []struct {
		about   string
		play    func(c *fakeCache)
		flushes bool
	}{
		{"wrong version", func(c *fakeCache) { c.send(load(3, 7, 2)[:8]); c.report(unsupportedVersion) }, true},
		{"another session", func(c *fakeCache) { c.send(encode(2, cacheResponse, 8)); c.report(corruptData) }, true},
		{"a huge length", func(c *fakeCache) {
			c.send(encode(2, cacheResponse, 7), []byte{2, 4, 0, 0, 0xff, 0xff, 0xff, 0xf0})
			c.report(corruptData)
		}, true},
		{"a tiny length", func(c *fakeCache) { c.send([]byte{2, 4, 0, 0, 0, 0, 0, 3}); c.report(corruptData) }, true},
		{"a duplicate", func(c *fakeCache) { c.send(load(2, 7, 2, a(vrpA))); c.report(duplicateAnnouncement) }, true},
		{"an unknown withdrawal", func(c *fakeCache) { c.send(load(2, 7, 2, encodeVRP(2, vrpB, false))); c.report(withdrawalOfUnknown) }, true},
		{"an ASPA without providers", func(c *fakeCache) {
			c.send(encode(2, cacheResponse, 7), encodeASPA(ASPA{Customer: 1}, true))
			c.report(aspaProviderListError)
		}, true},
		{"cache shutdown", func(c *fakeCache) { c.send(encodeReport(2, cacheShutdown, "for good")) }, true},
		{"an internal error of its own", func(c *fakeCache) { c.send(encodeReport(2, internalError, "")) }, true},
		{"a broken error report", func(c *fakeCache) { c.send(encode(2, errorReport, 2, u32(99))) }, true},

		{"a torn PDU", func(c *fakeCache) { c.send(encode(2, cacheResponse, 7), a(vrpB), a(vrpC)[:9]) }, false},
		{"no End of Data", func(c *fakeCache) { c.send(encode(2, cacheResponse, 7), a(vrpB), encodeVRP(2, vrpA, false)) }, false},
		{"no End of Data, and silence", func(c *fakeCache) { c.send(encode(2, cacheResponse, 7), a(vrpB)); c.hold() }, false},
		{"silence", (*fakeCache).hold, false},
		{"one byte at a time", func(c *fakeCache) {
			for _, b := range encode(2, routerKey, 0, make([]byte, 1000)) {
				time.Sleep(time.Second)
				if !c.send([]byte{b}) {
					return
				}
			}
			c.t.Error("the client waits for ever")
		}, false},
		{"one record at a time", func(c *fakeCache) {
			for c.send(encode(2, cacheResponse, 7)); ; time.Sleep(30 * time.Second) {
				if !c.send(encodeKey(2)) {
					return
				}
				if time.Since(synctestEpoch) > 4*time.Hour {
					c.t.Error("the client waits for ever")
					return
				}
			}
		}, false},
		{"cache restart", func(c *fakeCache) { c.send(encodeReport(2, cacheRestart, "")) }, false},
		{"no data available", func(c *fakeCache) { c.send(encodeReport(2, noDataAvailable, "")) }, false},
	} {
		inLab(t, Config{RTR: []string{first}}, map[string]script{first: func(c *fakeCache, n int) {
			switch {
			case n == 0:
				c.expect(reset(2))
				c.send(load(2, 7, 1, a(vrpA)))
				c.expect(serial(2, 7, 1))
				row.play(c)
			case row.flushes:
				c.expect(reset(2))
				c.send(load(2, 7, 9, a(vrpC)))
				c.hold()
			default:
				c.expect(serial(2, 7, 1))
				c.send(load(2, 7, 9, a(vrpC)))
				c.hold()
			}
		}}, func(l *lab) {
			s := l.after(90 * time.Minute)
			if row.flushes {
				l.holds(row.about, s, vrpC)
			} else {
				l.holds(row.about, s, vrpA, vrpC)
			}
			flushed := false
			for _, s := range l.published()[1:] {
				flushed = flushed || s.vrps == nil
				if s.vrps != nil && slices.Contains(s.vrps.sorted, vrpB) {
					t.Errorf("%s: half an answer was published: %v", row.about, s.vrps.sorted)
				}
			}
			if flushed != row.flushes {
				t.Errorf("%s: flushed: %v, want %v", row.about, flushed, row.flushes)
			}
		})
	}
}

// TestBackOff shows that a cache which breaks each session after a good load is not hammered.
func TestBackOff(t *testing.T) {
	inLab(t, Config{RTR: []string{first}}, map[string]script{first: func(c *fakeCache, n int) {
		c.expect(reset(2))
		c.send(load(2, 7, 1, a(vrpA)), encodeEnd(2, 7, 1))
		c.report(corruptData)
	}}, func(l *lab) {
		l.after(24 * time.Hour)
		if n := l.count(l.opened, first); n < 24*5 || n > 24*8+10 {
			t.Errorf("%d connections in a day", n)
		}
	})
}

// TestNotifyFlood shows that a cache cannot make us query without end.
func TestNotifyFlood(t *testing.T) {
	var queries atomic.Int32
	inLab(t, Config{RTR: []string{first}}, map[string]script{first: only(func(c *fakeCache) {
		c.expect(reset(2))
		c.send(load(2, 7, 1))
		for c.send(encode(2, serialNotify, 7, u32(2)), encode(2, serialNotify, 7, u32(2))) && c.expect(serial(2, 7, 1)) {
			queries.Add(1)
			c.send(load(2, 7, 1))
		}
	})}, func(l *lab) {
		l.after(time.Minute)
		if n := queries.Load(); n < 50 || n > 60 {
			t.Errorf("%d queries in a minute", n)
		}
	})
}

// TestPrevious lets the data of an earlier configuration stand in until the new sources have some, or a minute has passed.
func TestPrevious(t *testing.T) {
	before := NewSet([]VRP{vrpA}, []ASPA{{1, []uint32{2}}})
	before.VRPs = Provenance{Source: second, Fetched: synctestEpoch, Offered: true}
	slow := func(c *fakeCache, n int) {
		time.Sleep(5 * time.Second)
		serve(7, a(vrpB))(c, n)
	}
	inLab(t, Config{RTR: []string{first}, Previous: before}, map[string]script{first: slow}, func(l *lab) {
		l.holds("at the start", l.after(0), vrpA)
		s := l.after(11 * time.Second)
		l.holds("loaded", s, vrpB)
		if len(l.published()) != 2 || s.VRPs.Source != first || s.Authorized(1, 2) != Provider {
			t.Errorf("%d sets, the last %+v", len(l.published()), s.VRPs)
		}
		if s = l.after(takeover); s.Authorized(1, 2) != NoAttestation {
			t.Error("ASPAs that no source has stay for ever")
		}
	})
	inLab(t, Config{RTR: []string{first}, Previous: before}, nil, func(l *lab) {
		l.holds("none serves", l.after(takeover-time.Second), vrpA)
		l.holds("none serves for long", l.after(2*time.Second))
	})
}

// TestStop ends Run while caches are in every state.
func TestStop(t *testing.T) {
	for _, play := range []script{nil, func(c *fakeCache, _ int) { c.hold() }, serve(7, a(vrpA)), func(c *fakeCache, _ int) { c.send(encode(2, cacheResponse, 7)); c.hold() }} {
		inLab(t, Config{RTR: []string{first, second}, File: "none"}, map[string]script{first: play, second: play}, func(l *lab) {
			synctest.Wait()
			time.Sleep(20 * time.Second)
		})
	}
}

// TestInert shows that New starts nothing.
func TestInert(t *testing.T) {
	v := New(Config{RTR: []string{first}, File: "none", SLURM: "none"}, nil, func(*Set) { t.Error("published") })
	if st := v.Status(); st.Set.VRPs.Source != "" || st.Caches != nil {
		t.Errorf("status %+v", st)
	}
}
