package rpki

import (
	"testing"
	"time"
)

// TestChoose is the order of preference: the first that is fresh and has records; else the freshest that has not expired.
func TestChoose(t *testing.T) {
	now := at
	held := func(source string, age, left time.Duration, vrps ...VRP) *supply {
		s := &supply{source: source, fetched: now.Add(-age), vrps: vrps}
		if left != 0 {
			s.expires = now.Add(left)
		}
		return s
	}
	for _, row := range []struct {
		about    string
		supplies []*supply
		want     string
	}{
		{"nothing", nil, ""},
		{"nothing has come yet", []*supply{nil, nil}, ""},
		{"the first", []*supply{held("a", time.Hour, time.Hour, vrpA), held("b", 0, time.Hour, vrpA)}, "a"},
		{"the first is empty", []*supply{held("a", 0, time.Hour), held("b", 0, time.Hour, vrpA)}, "b"},
		{"the first is stale", []*supply{held("a", 2*time.Hour, time.Hour, vrpA), held("b", time.Hour, time.Hour, vrpA)}, "b"},
		{"the first has expired", []*supply{held("a", time.Hour, -1, vrpA), held("file", time.Hour, 0, vrpA)}, "file"},
		{"all are stale", []*supply{held("a", 5*time.Hour, time.Hour, vrpA), held("b", 3*time.Hour, time.Hour, vrpA), held("c", 4*time.Hour, time.Hour, vrpA)}, "b"},
		{"all have expired", []*supply{held("a", time.Hour, -1, vrpA)}, ""},
	} {
		got := choose(row.supplies, now, 2*time.Hour, func(s *supply) int { return len(s.vrps) })
		if got == nil && row.want != "" || got != nil && got.source != row.want {
			t.Errorf("%s: %+v, want %q", row.about, got, row.want)
		}
	}
}

// TestAssembly makes tables anew only where the records or the exceptions are others.
func TestAssembly(t *testing.T) {
	a := assembly{staleAfter: time.Hour, last: &Set{}}
	one := &supply{source: "a", fetched: at, vrps: []VRP{vrpA}, aspas: []ASPA{{1, []uint32{2}}}}
	s1 := a.set([]*supply{one}, at)
	if s2 := a.set([]*supply{one}, at); s2 != s1 {
		t.Error("the same supply makes another set")
	}
	later := *one
	later.fetched = at.Add(time.Minute)
	s3 := a.set([]*supply{&later}, at)
	if s3 == s1 || s3.vrps != s1.vrps || s3.aspas != s1.aspas || s3.VRPs.Fetched != later.fetched {
		t.Error("a confirmation does not share its tables")
	}
	a.slurm = &SLURM{vrps: []VRP{vrpB}}
	s4 := a.set([]*supply{&later}, at)
	if d := Compare(s3, s4); len(d.Added) != 1 || len(d.Removed) != 0 || len(d.Customers) != 0 {
		t.Errorf("new exceptions change %+v", d)
	}
	a.slurm = &SLURM{customers: []uint32{1}, aspas: []ASPA{{5, []uint32{6}}}}
	if s := a.set([]*supply{&later}, at); s.Authorized(5, 6) != Provider || s.Authorized(1, 2) != NoAttestation {
		t.Error("exceptions about ASPAs do not count")
	}
	s5 := a.set(nil, at)
	if s5.vrps != nil || s5.aspas != nil || s5.VRPs != (Provenance{Fetched: later.fetched, Offered: true}) {
		t.Errorf("without any supply: %+v", s5.VRPs)
	}
}

func TestWake(t *testing.T) {
	cache := &supply{fetched: at, expires: at.Add(time.Hour)}
	for _, row := range []struct {
		now  time.Duration
		want time.Duration
	}{{0, time.Hour}, {time.Hour, 2 * time.Hour}, {2 * time.Hour, 0}} {
		want := time.Time{}
		if row.want != 0 {
			want = at.Add(row.want)
		}
		if got := wake([]*supply{nil, cache}, at.Add(row.now), 2*time.Hour); !got.Equal(want) {
			t.Errorf("after %v it wakes at %v, want %v", row.now, got, want)
		}
	}
}
