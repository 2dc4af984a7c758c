package rpki

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestFileBehindCaches takes each kind of data from the first source that is fresh.
func TestFileBehindCaches(t *testing.T) {
	path := tempFile(t, exportOf(synctestEpoch, `{"customer": "AS64496", "providers": ["AS64500"]}`, vrpC))
	inLab(t, Config{RTR: []string{first}, File: path}, map[string]script{first: func(c *fakeCache, n int) {
		if n == 0 && c.expect(reset(2)) {
			c.send(load(1, 7, 1, encodeVRP(1, vrpA, true)))
			time.Sleep(time.Hour / 2)
		}
	}}, func(l *lab) {
		s := l.after(time.Second)
		l.holds("VRPs from the cache", s, vrpA)
		if s.VRPs.Source != first || s.ASPAs.Source != path || s.Authorized(64496, 64500) != Provider {
			t.Errorf("%+v, %+v", s.VRPs, s.ASPAs)
		}
		l.holds("the cache is lost, its data fresh", l.after(time.Hour), vrpA)
		l.holds("it has expired", l.after(time.Hour), vrpC)
		s = l.after(3 * time.Hour)
		l.holds("the file is stale, and all there is", s, vrpC)
		if !s.VRPs.Stale(time.Now(), 4*time.Hour) || !s.ASPAs.Stale(time.Now(), 4*time.Hour) {
			t.Errorf("not stale: %+v", s.VRPs)
		}
		write(t, path, exportOf(time.Now(), "", vrpB))
		s = l.after(filePoll + time.Second)
		l.holds("renewed", s, vrpB)
		if s.VRPs.Stale(time.Now(), 4*time.Hour) || s.ASPAs.Source != "" || !s.ASPAs.Stale(time.Now(), 4*time.Hour) {
			t.Errorf("%+v, %+v", s.VRPs, s.ASPAs)
		}
	})
}

// TestBadFile keeps what was read before, says so, and takes the next good one.
func TestBadFile(t *testing.T) {
	path := tempFile(t, exportOf(synctestEpoch, "", vrpA))
	inLab(t, Config{File: path}, nil, func(l *lab) {
		l.holds("good", l.after(time.Second), vrpA)
		write(t, path, strings.TrimSuffix(exportOf(time.Now(), "", vrpB), "}"))
		l.holds("torn", l.after(time.Minute), vrpA)
		if st := l.Status().File; !strings.Contains(st.Error, "unexpected EOF") || st.VRPs != 1 {
			t.Errorf("status %+v", st)
		}
		write(t, path, exportOf(time.Now(), "", vrpB, vrpC))
		l.holds("mended", l.after(time.Minute), vrpB, vrpC)
		if st := l.Status().File; st.Error != "" || st.VRPs != 2 {
			t.Errorf("status %+v", st)
		}
	})
	inLab(t, Config{File: path + ".none"}, nil, func(l *lab) {
		if s := l.after(time.Minute); s.VRPs.Source != "" || l.Status().File.Error == "" || !s.VRPs.Stale(time.Now(), time.Minute) {
			t.Errorf("%+v, %+v", s.VRPs, l.Status().File)
		}
	})
}

// TestFileExpiry lets records go that expire in a file that is not renewed.
func TestFileExpiry(t *testing.T) {
	soon := synctestEpoch.Add(time.Hour).Unix()
	text := exportOf(synctestEpoch, "", vrpA, vrpB)
	text = strings.Replace(text, `"asn": 64496`, fmt.Sprintf(`"asn": 64496, "expires": %d`, soon), 1)
	path := tempFile(t, text)
	inLab(t, Config{File: path}, nil, func(l *lab) {
		l.holds("both", l.after(time.Hour-time.Minute), vrpA, vrpB)
		l.holds("one has expired", l.after(fileExpiry), vrpB)
	})
}

// TestLocalExceptions applies SLURM on top, reads it again when told, and keeps the old ones when the new file is bad.
func TestLocalExceptions(t *testing.T) {
	slurm := func(filter string) string {
		return `{"slurmVersion": 1, "validationOutputFilters": {"prefixFilters": [` + filter + `], "bgpsecFilters": []}, "locallyAddedAssertions": {"prefixAssertions": [{"asn": 64498, "prefix": "2001:db8::/32", "maxPrefixLength": 48}], "bgpsecAssertions": []}}`
	}
	path := tempFile(t, slurm(`{"asn": 64496}`))
	inLab(t, Config{RTR: []string{first}, SLURM: path}, map[string]script{first: serve(7, a(vrpA), a(vrpB))}, func(l *lab) {
		l.holds("filtered and asserted", l.after(time.Second), vrpB, vrpC)
		write(t, path, slurm(""))
		l.holds("not read yet", l.after(time.Minute), vrpB, vrpC)
		l.Reload()
		l.holds("read again", l.after(time.Second), vrpA, vrpB, vrpC)
		write(t, path, slurm("?"))
		l.Reload()
		l.holds("bad", l.after(time.Second), vrpA, vrpB, vrpC)
		if l.Status().SLURM.Error == "" {
			t.Error("nothing is said of the bad file")
		}
	})
}

// TestReadSet reads both files once.
func TestReadSet(t *testing.T) {
	now := time.Now()
	file := tempFile(t, exportOf(now.Add(time.Hour), `{"customer": 1, "providers": [2]}`, vrpA))
	slurm := tempFile(t, slurmText("1", "", `"prefixAssertions": [{"asn": 64497, "prefix": "198.51.100.0/24", "maxPrefixLength": 26}]`))
	s, err := ReadSet(file, slurm, now)
	if err != nil || !slices.Equal(s.vrps.list(), []VRP{vrpA, vrpB}) || s.Authorized(1, 2) != Provider || s.VRPs.Source != file || !s.VRPs.Fetched.Equal(now) {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err := ReadSet("", slurm, now); err != nil || s.vrps != nil {
		t.Errorf("without a file: %+v, %v", s, err)
	}
	for _, bad := range [][2]string{{file + ".none", ""}, {slurm, ""}, {file, slurm + ".none"}, {file, file}} {
		if _, err := ReadSet(bad[0], bad[1], now); err == nil {
			t.Errorf("%v is read", bad)
		}
	}
}
