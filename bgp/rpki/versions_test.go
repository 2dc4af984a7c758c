package rpki

import (
	"io"
	"testing"
	"time"
)

// TestVersions steps down to what a cache speaks, in each way that caches refuse.
func TestVersions(t *testing.T) {
	for _, row := range []struct {
		about  string
		speaks uint8
		refuse func(c *fakeCache)
	}{
		{"names its version", 1, func(c *fakeCache) { c.send(encodeReport(1, unsupportedVersion, "")) }},
		{"names its version 0", 0, func(c *fakeCache) { c.send(encodeReport(0, unsupportedVersion, "")) }},
		{"says 0 and speaks 1", 1, func(c *fakeCache) { c.send(encodeReport(0, unsupportedVersion, "")) }},
		{"echoes the version", 1, func(c *fakeCache) { c.send(encodeReport(2, unsupportedVersion, "")) }},
		{"closes", 0, func(*fakeCache) {}},
	} {
		inLab(t, Config{RTR: []string{first}}, map[string]script{first: func(c *fakeCache, n int) {
			header := make([]byte, pduHeader)
			if c.Read(header); header[0] > row.speaks {
				row.refuse(c)
				return
			}
			c.send(load(row.speaks, 7, 1, encodeVRP(row.speaks, vrpA, true)))
			c.hold()
		}}, func(l *lab) {
			s := l.after(time.Hour)
			l.holds(row.about, s, vrpA)
			if s.VRPs.Epoch.Version != row.speaks || s.ASPAs.Offered {
				t.Errorf("%s: %+v, %+v", row.about, s.VRPs, s.ASPAs)
			}
		})
	}
}

// TestVersionGuessed is a cache that closes every connection while it starts up, for so long that a lower version is tried.
// At the next poll the newest is tried again, and the data stays in between.
func TestVersionGuessed(t *testing.T) {
	inLab(t, Config{RTR: []string{first}}, map[string]script{first: func(c *fakeCache, n int) {
		header := make([]byte, pduHeader)
		if c.Read(header); n < unansweredMax {
			return
		}
		version := header[0]
		c.send(load(version, 7, 1, encodeVRP(version, vrpA, true)))
		for c.expect(serial(version, 7, 1)) && c.send(load(version, 7, 1)) {
		}
	}}, func(l *lab) {
		if s := l.after(time.Hour); s.VRPs.Epoch.Version != 1 {
			t.Errorf("while it guesses, the version is %d", s.VRPs.Epoch.Version)
		}
		s := l.after(time.Hour)
		l.holds("at last", s, vrpA)
		if s.VRPs.Epoch.Version != 2 {
			t.Errorf("the version stays %d", s.VRPs.Epoch.Version)
		}
		if n := len(l.published()); n != 3 {
			t.Errorf("%d sets: data must stay in between", n)
		}
	})
}

// TestVersionsInTurn is a cache that closes every connection until each version has been tried: the newest comes next again.
func TestVersionsInTurn(t *testing.T) {
	inLab(t, Config{RTR: []string{first}}, map[string]script{first: func(c *fakeCache, n int) {
		query := reset(2)
		if _, err := io.ReadFull(c, query); err == nil && n >= unansweredMax*(newestVersion+1) && query[0] == 2 {
			c.send(load(2, 7, 1, a(vrpA)))
			c.hold()
		}
	}}, func(l *lab) { l.holds("the newest in the end", l.after(6*time.Hour), vrpA) })
}

// TestVersionDropped is a cache that comes back with a lower version: its serials mean nothing there, so all is loaded
// anew, and what was held stays until it has come.
func TestVersionDropped(t *testing.T) {
	inLab(t, Config{RTR: []string{first}}, map[string]script{first: func(c *fakeCache, n int) {
		switch n {
		case 0:
			c.expect(reset(2))
			c.send(load(2, 7, 1, a(vrpA)))
		case 1:
			c.expect(serial(2, 7, 1))
			c.send(load(1, 7, 1))
		case 2:
			c.expect(reset(1))
			c.send(load(1, 7, 1, encodeVRP(1, vrpB, true)))
			c.hold()
		}
	}}, func(l *lab) {
		l.holds("version 1", l.after(time.Minute), vrpB)
		l.oneOnTheWay()
	})
}
