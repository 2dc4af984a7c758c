package source

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"peervane/bgp"
	"peervane/bgp/wire"
)

// linesByKind counts A, W, B and STATE.
func linesByKind(dump []byte) map[string]int {
	n := map[string]int{}
	for line := range bytes.Lines(dump) {
		n[string(bytes.Split(line, []byte("|"))[2])]++
	}
	return n
}

func TestReplayCountsWhatBgpdumpPrints(t *testing.T) {
	for _, want := range testData(t, "mrt/expect/*.bgp.gz") {
		name := strings.TrimSuffix(filepath.Base(want), ".bgp.gz")
		r := replayFiles(t, nil, testData(t, "mrt/*/"+name)[0])
		n := linesByKind(gunzip(t, want))
		s := r.stats
		if s.Announced+s.OtherAnnounced != n["A"] || s.Withdrawn+s.OtherWithdrawn != n["W"] || s.Routes != n["B"] || s.States != n["STATE"] {
			t.Errorf("%s: %+v, want %v", name, s, n)
		}
	}
}

// UPDATEs that RFC 7606 makes a withdrawal are counted as such; all others as they are dumped.
func TestReplayCountsWhatIsDumped(t *testing.T) {
	for _, file := range append(testData(t, "mrt/updates/*"), testData(t, "mrt/rib/*")...) {
		lines, _, _ := dumped(t, file)
		n, s := linesByKind(lines), replayFiles(t, nil, file).stats
		turned := 0
		if filepath.Base(file) == "updates.et-header.2015.gz" {
			turned = 4 // routes with AS 0 in their path (RFC 7607)
		}
		if s.Announced+s.OtherAnnounced != n["A"]-turned || s.Withdrawn+s.OtherWithdrawn != n["W"]+turned || s.Routes != n["B"] || s.States != n["STATE"] {
			t.Errorf("%s: %+v, want %v", file, s, n)
		}
	}
}

// The statistics count messages: those with path attributes, and those that withdraw. (One that withdraws by
// MP_UNREACH_NLRI alone has an attribute too.)
func TestReplayAgainstStatistics(t *testing.T) {
	var want struct {
		Updates    int `json:"total_upd"`
		Attributes int `json:"total_advt"`
		Withdrawal int `json:"total_withd"`
	}
	b, err := os.ReadFile(testData(t, "mrt/expect/rrc23.updates.20220421.0200.gz.json")[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	f, err := openFile(testData(t, "mrt/updates/rrc23.updates.20220421.0200.gz")[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got := messageCounter{}
	in := newMRTReader(f)
	if err := readAll(in, func() error { return in.decode(&got) }, func(err error) { t.Error(err) }, nil); err != nil {
		t.Error(err)
	}
	if got.updates != want.Updates || got.attributes != want.Attributes || got.withdrawing != want.Withdrawal {
		t.Errorf("%d updates, %d with attributes, %d withdrawing; want %+v", got.updates, got.attributes, got.withdrawing, want)
	}
}

type messageCounter struct {
	dumper
	u                                wire.Update
	updates, attributes, withdrawing int
}

func (c *messageCounter) state(*mrtState) error { return nil }

func (c *messageCounter) message(m *mrtMessage) error {
	if m.update == nil {
		return nil
	}
	c.updates++
	recordedParams(m.as4, m.addPath, m.peer).Scan(m.update, &c.u)
	if withdrawn := int(m.update[0])<<8 | int(m.update[1]); m.update[2+withdrawn] != 0 || m.update[3+withdrawn] != 0 {
		c.attributes++
	}
	for range c.u.Withdrawn {
		c.withdrawing++
		break
	}
	return nil
}

func TestReplayOfTornFiles(t *testing.T) {
	whole := func() *mrtFile {
		m := &mrtFile{}
		m.peerIndex("192.0.2.1", 64500)
		for i := range 50 {
			m.rib(fmt.Sprintf("10.%d.0.0/16", i), 64500, 64496)
		}
		return m
	}
	m := whole()
	for cut := range len(m.bytes) {
		file := writeFile(t, "rib", m.bytes[:cut])
		r := replayFiles(t, nil, file)
		var at *Error
		switch {
		case isBorder(m.bytes, cut):
			if r.end != nil {
				t.Fatalf("cut between records at %d: %v", cut, r.end)
			}
		case !errors.Is(r.end, ErrTruncated) || !errors.As(r.end, &at) || at.File != file || at.Offset > int64(cut):
			t.Fatalf("cut at %d: %v", cut, r.end)
		case slices.ContainsFunc(r.inputs, func(in bgp.Input) bool { _, ok := in.(bgp.EndOfRIB); return ok }):
			t.Fatalf("cut at %d: the vantage is told to be in sync", cut)
		}
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(m.bytes)
	z.Close()
	for cut := 2; cut < packed.Len(); cut++ {
		if r := replayFiles(t, nil, writeFile(t, "rib.gz", packed.Bytes()[:cut])); !errors.Is(r.end, ErrTruncated) {
			t.Fatalf("gzip cut at %d: %v", cut, r.end)
		}
	}
	packed.Bytes()[packed.Len()-6]++ // its checksum
	if r := replayFiles(t, nil, writeFile(t, "rib.gz", packed.Bytes())); !errors.Is(r.end, ErrCorrupt) {
		t.Errorf("bad checksum: %v", r.end)
	}
}

// isBorder says whether a record ends at this offset.
func isBorder(b []byte, at int) bool {
	for o := 0; o <= at; o += mrtHeaderLen + int(b[o+10])<<8 + int(b[o+11]) {
		if o == at {
			return true
		}
	}
	return false
}

func TestReplayOfTornData(t *testing.T) {
	file := testData(t, "mrt/rib/rib.20140523.0600_firstMB.bz2")[0]
	r := replayFiles(t, nil, file)
	if !errors.Is(r.end, ErrTruncated) || !strings.Contains(r.end.Error(), file) || r.stats.Routes != 270005 {
		t.Errorf("%v after %d routes", r.end, r.stats.Routes)
	}
}

func TestReplayReportsBadRecords(t *testing.T) {
	m := mrtFile{}
	m.rib("192.0.2.0/24", 64500) // without a PEER_INDEX_TABLE
	m.record(mrtBGP4MP, subMessageAS4, []byte{1, 2, 3})
	m.record(mrtBGP4MP, subStateChangeAS4, []byte{1, 2, 3})
	m.record(mrtTableDumpV2, subPeerIndexTable, []byte{1, 2, 3})
	m.record(mrtTableDump, tableIPv4, []byte{1, 2, 3})
	m.record(mrtOldBGP, oldUpdate, []byte{1, 2, 3})
	m.record(11, 0, []byte{1, 2, 3}) // OSPF
	m.update("192.0.2.0/24", "", 64500)
	r := replayFiles(t, nil, m.write(t, "updates"))
	if len(r.bad) != 6 || r.stats.Bad != 6 || r.stats.Announced != 1 || r.end != nil || r.stats.Ignored["type 11"] != 1 {
		t.Errorf("%v %v %+v", r.bad, r.end, r.stats)
	}
	var second *Error
	if !errors.As(r.bad[1], &second) || second.Offset != 50 {
		t.Errorf("the second is at %+v", second)
	}
	for range 100 {
		m.record(mrtBGP4MP, subMessageAS4, []byte{1})
	}
	if r := replayFiles(t, nil, m.write(t, "updates")); r.stats.Bad != 106 || len(r.bad) != reportedErrors+1 {
		t.Errorf("%d reports of %d bad records", len(r.bad), r.stats.Bad)
	}
}

func TestReplayOfWhatIsNoRecording(t *testing.T) {
	for _, content := range []string{"TABLE_DUMP2|1|B|192.0.2.1|64500|", "<html>not found</html>", "\x1f\x8bno gzip"} {
		r := replayFiles(t, nil, writeFile(t, "x", []byte(content)))
		if want := map[bool]error{true: ErrTruncated, false: ErrForeign}[content[0] == 0x1f]; !errors.Is(r.end, want) {
			t.Errorf("%q: %v", content, r.end)
		}
	}
	if r := replayFiles(t, nil, filepath.Join(t.TempDir(), "missing")); !errors.Is(r.end, os.ErrNotExist) {
		t.Errorf("missing file: %v", r.end)
	}
	if r := replayFiles(t, nil, writeFile(t, "empty", nil)); r.end != nil || len(r.inputs) != 0 {
		t.Errorf("empty file: %v", r.end)
	}
}
