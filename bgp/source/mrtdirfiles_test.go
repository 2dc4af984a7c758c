package source

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// touch sets when a file was written.
func (l *dirLab) touch(name string, at time.Time) {
	l.t.Helper()
	if err := os.Chtimes(filepath.Join(l.dir, name), at, at); err != nil {
		l.t.Fatal(err)
	}
}

// A file that has grown for days is read as any other; its old records are left out.
func TestMRTDirFileOfDays(t *testing.T) {
	l := newDirLab(t)
	m := &mrtFile{at: l.now.Add(-48 * time.Hour)}
	m.update("2001:db8::/32", "", 64500, 64666)
	m.at = l.now.Add(-time.Minute)
	m.update("192.0.2.0/24", "", 64500, 64496)
	l.bytes("updates", m.bytes)
	l.want(l.look(), "64500 up [ipv4 ipv6] due=false; 64500 +192.0.2.0/24 64500 64496 initial")
	m.update("192.0.2.0/24", "", 64500, 64497)
	l.bytes("updates", m.bytes)
	l.want(l.look(), "64500 +192.0.2.0/24 64500 64497*")
}

// What is no record keeps no feed up, however often it comes, and a dump is as old as what it says.
func TestMRTDirSilentByRecords(t *testing.T) {
	l := newDirLab(t)
	l.file("updates.1", 60, func(m *mrtFile) { m.update("192.0.2.0/24", "", 64500, 64496) })
	l.look()
	l.now = l.now.Add(dirSilent)
	for range 2 {
		l.bytes("mirror.log", fmt.Appendf(nil, "at %v nothing was to be done, as all is there", l.now))
		l.now = l.now.Add(time.Minute)
	}
	l.want(l.look(), "64500 down kept=[]")
	l.file("rib", 20*3600, func(m *mrtFile) {
		m.peerIndex("192.0.2.1", 64500)
		m.rib("192.0.2.0/24", 64500, 64666)
	})
	l.want(l.look(), "")
	if s := l.feed.Status(); s.State != FeedDown {
		t.Errorf("the status is %+v", s)
	}
	l.file("updates.2", 60, func(m *mrtFile) { m.update("2001:db8::/32", "", 64500, 64496) })
	l.look()
	if s := l.feed.Status(); s.State != FeedUp {
		t.Errorf("the status is %+v", s)
	}
}

// How long none may come is learnt from how files follow each other, not from outages, and never beyond a bound.
func TestMRTDirLearnsHowOftenFilesCome(t *testing.T) {
	const minute, hour = time.Minute, time.Hour
	for _, c := range []struct {
		after []time.Duration
		want  time.Duration
	}{
		{nil, dirSilent},
		{[]time.Duration{8 * hour}, dirSilent},
		{[]time.Duration{5 * minute, 5 * minute, 5 * minute}, dirSilent},
		{[]time.Duration{5 * minute, 9 * hour, 5 * minute, 9 * hour, 5 * minute}, dirSilent},
		{[]time.Duration{2 * hour, 2 * hour, 9 * hour}, 6 * hour},
		{[]time.Duration{8 * hour, 8 * hour}, 24 * hour},
		{[]time.Duration{11 * hour, 11 * hour}, dirSilentMost},
	} {
		at := time.Now().Add(-24 * time.Hour)
		d := &mrtDir{files: map[string]*dirFile{}, newest: at}
		for i, after := range append([]time.Duration{0}, c.after...) {
			at = at.Add(after)
			name := fmt.Sprint(i)
			d.files[name] = &dirFile{path: name, known: true, dump: true, first: at}
		}
		if d.isSilent(d.newest.Add(c.want)) || !d.isSilent(d.newest.Add(c.want+1)) {
			t.Errorf("after %v: not silent after %v", c.after, c.want)
		}
	}
}

// What is compressed and is never whole is told of.
func TestMRTDirFileIsNeverWhole(t *testing.T) {
	l := newDirLab(t)
	l.look()
	var zip bytes.Buffer
	m := &mrtFile{at: l.now}
	m.update("192.0.2.0/24", "", 64500, 64496)
	z := gzip.NewWriter(&zip)
	for range 30 {
		_, _ = z.Write(m.bytes)
		_ = z.Flush()
		l.bytes("updates.gz", zip.Bytes())
		l.touch("updates.gz", l.now)
		l.want(l.look(), "")
		l.now = l.now.Add(30 * time.Second)
	}
	if n := l.logs.FilterMessageSnippet("written to all the time").Len(); n != 1 {
		t.Errorf("logged %d times", n)
	}
}

// Of more files than are kept in mind the youngest are, and it is told once.
func TestMRTDirManyFiles(t *testing.T) {
	l := newDirLab(t)
	l.feed.most = 3
	for i, name := range []string{"a", "b", "c", "d", "e"} {
		l.file(name, 300-i, func(m *mrtFile) { m.update("192.0.2.0/24", "", 64500, uint32(64496+i)) })
		l.touch(name, l.now.Add(time.Duration(i-20)*time.Minute))
	}
	l.want(l.look(), "64500 up [ipv4 ipv6] due=false; 64500 +192.0.2.0/24 64500 64500 initial")
	l.look()
	if l.feed.files["a"] != nil || len(l.feed.files) != 3 || l.logs.FilterMessageSnippet("more files").Len() != 1 {
		t.Errorf("kept %v, logged %v", len(l.feed.files), l.logs.All())
	}
}

// The folder may be a symbolic link, which leads elsewhere later.
func TestMRTDirPathIsLink(t *testing.T) {
	l := newDirLab(t)
	l.file("updates", 60, func(m *mrtFile) { m.update("192.0.2.0/24", "", 64500, 64496) })
	link := filepath.Join(t.TempDir(), "rrc00")
	l.feed.cfg.Path = link
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	l.want(l.look(), "")
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(l.dir, link); err != nil {
		t.Fatal(err)
	}
	l.feed.look(t.Context(), l.now)
	if s := l.feed.Status(); s.Routes != 1 || l.feed.files[filepath.Join(link, "updates")].collector != "rrc00" {
		t.Errorf("the status is %+v", s)
	}
}

// A file that was replaced by another of the same name, and is longer, is not taken for one that grew.
func TestMRTDirFileIsReplaced(t *testing.T) {
	l := newDirLab(t)
	l.file("latest", 100, func(m *mrtFile) { m.update("192.0.2.0/24", "", 64500, 64496) })
	l.look()
	l.file("latest", 50, func(m *mrtFile) {
		m.update("2001:db8::/32", "", 64500, 64496)
		m.update("192.0.2.0/24", "", 64500, 64497)
	})
	l.want(l.look(), "")
	l.want(l.look(), "64500 +2001:db8::/32 64500 64496; 64500 +192.0.2.0/24 64500 64497*")
}

// Records of a file that was replaced are not taken as new where younger ones were read.
func TestMRTDirReplacedFileIsOld(t *testing.T) {
	for _, longer := range []bool{false, true} {
		l := newDirLab(t)
		l.file("latest", 100, func(m *mrtFile) {
			m.update("192.0.2.0/24", "", 64500, 64496)
			m.update("2001:db8::/32", "", 64500, 64496)
		})
		l.look()
		l.file("latest", 300, func(m *mrtFile) {
			m.update("192.0.2.0/24", "", 64500, 64666)
			for range 5 {
				if longer {
					m.update("", "198.51.100.0/24")
				}
			}
		})
		l.want(l.look(), "")
		l.want(l.look(), "")
		if f := l.feed.files[filepath.Join(l.dir, "latest")]; f.taken == 0 {
			t.Error("it is not read")
		}
	}
}

// A plain file that grows is read on from where that ended, not from its beginning.
func TestMRTDirSeeks(t *testing.T) {
	l := newDirLab(t)
	m := &mrtFile{at: l.now.Add(-time.Minute)}
	m.update("192.0.2.0/24", "", 64500, 64496)
	l.bytes("updates", m.bytes)
	l.look()
	const huge = 1 << 30
	out, err := os.OpenFile(filepath.Join(l.dir, "updates"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	m.bytes = nil
	m.update("192.0.2.0/24", "", 64500, 64497)
	if _, err := out.WriteAt(m.bytes, huge); err != nil {
		t.Fatal(err)
	}
	l.feed.files[filepath.Join(l.dir, "updates")].taken = huge // as if there were records all the way
	before := bytesRead(t)
	l.want(l.look(), "64500 +192.0.2.0/24 64500 64497*")
	if read := bytesRead(t) - before; read > huge/10 {
		t.Errorf("%d bytes were read", read)
	}
}

// bytesRead is how much this process has read so far.
func bytesRead(t *testing.T) (n int64) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(string(text), "rchar: %d", &n); err != nil {
		t.Fatal(err)
	}
	return n
}
