package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"peervane/daemon/notice"
)

// truth is what must be found in a recorded incident.
type truth struct {
	File       string
	Registered string
	Origins    []uint32
	Offending  string
	Culprit    uint32
	FirstBad   time.Time `json:"first_bad"`
	Types      []string
	InPath     bool `json:"culprit_in_path"` // the culprit may stand anywhere in the evidence
}

// risRow is a line of a recording, as far as the test looks at it.
type risRow struct {
	Data struct {
		Timestamp     float64
		Peer, Host    string
		Path          []any
		Announcements []struct{ Prefixes []netip.Prefix }
		Withdrawals   []netip.Prefix
	}
}

// TestTruth replays recorded hijacks and leaks and compares what is told with what is known of them.
func TestTruth(t *testing.T) {
	if testing.Short() {
		t.Skip("replays whole days")
	}
	data := testdata(t)
	var cases []truth
	b, err := os.ReadFile(filepath.Join(data, "incidents", "truth.json"))
	if err == nil {
		err = json.Unmarshal(b, &cases)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) < 16 {
		t.Errorf("only %d cases in truth.json", len(cases))
	}
	for _, c := range cases {
		t.Run(c.File, func(t *testing.T) {
			t.Parallel()
			checkTruth(t, c, data)
		})
	}
}

func checkTruth(t *testing.T, c truth, data string) {
	file := filepath.Join(data, "incidents", c.File+".ris.jsonl.gz")
	rows := readRows(t, file)
	registered, config := registration(c, rows)
	if slices.Contains(c.Types, notice.RouteLeak) {
		relationships, err := filepath.Abs(filepath.Join(data, "topology", "toposcope_asrel_201806.txt.gz"))
		if err != nil {
			t.Fatal(err)
		}
		registered, config = c.Offending, leakConfig(c, relationships)
	}
	var out, stderr bytes.Buffer
	conf := filepath.Join(t.TempDir(), "c.toml")
	if err := os.WriteFile(conf, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	if code := run(context.Background(), &env{&out, &stderr}, []string{"replay", "-c", conf, file}); code != 0 {
		t.Fatalf("exit code %d\n%s", code, stderr.String())
	}
	notices := parseNotices(t, out.Bytes())
	i := slices.IndexFunc(notices, func(n notice.Notice) bool { return isThe(c, n) })
	if i < 0 {
		t.Fatalf("%s registered, and %v of %s by AS%d was not told:\n%s", registered, c.Types, c.Offending, c.Culprit, short(notices))
	}
	first := notices[i]
	if first.Status != notice.Firing || first.UpdatedAt.After(c.FirstBad) {
		t.Errorf("first told as %s at %s, want firing at %s at the latest", first.Status, first.UpdatedAt, c.FirstBad)
	}
	resolved := slices.ContainsFunc(notices, func(n notice.Notice) bool { return n.Incident == first.Incident && n.Status == notice.Resolved })
	if gone := lastBadGoes(rows, first); resolved != gone {
		t.Errorf("resolved: %v, but the last bad route goes: %v\n%s", resolved, gone, short(notices))
	}
	for _, n := range notices {
		if slices.Contains([]string{"origin_change", "subprefix"}, n.Type) && slices.Contains(c.Origins, n.CulpritASN) {
			t.Errorf("the legitimate origin is blamed: %s", n.Summary)
		}
		if n.Type == "withdrawn" || n.Type == "covering_change" {
			t.Errorf("a false alarm: %s", n.Summary)
		}
	}
}

// leakConfig registers a prefix that may be seen nowhere before it is leaked.
func leakConfig(c truth, relationships string) string {
	return fmt.Sprintf("[detect]\nrelationships = %q\n\n[[prefix]]\nprefix = %q\norigins = %s\nexpect = \"optional\"\n",
		relationships, c.Offending, list(c.Origins, nil, 0))
}

// isThe says whether a notice is about the incident that is known.
func isThe(c truth, n notice.Notice) bool {
	if !slices.Contains(c.Types, n.Type) || n.Offending.String() != c.Offending {
		return false
	}
	if n.CulpritASN == c.Culprit {
		return true
	}
	return c.InPath && slices.ContainsFunc(n.Evidence.Routes, func(r notice.Route) bool {
		return slices.Contains(strings.Fields(r.ASPath), fmt.Sprint(c.Culprit))
	})
}

// registration drafts what the network would have registered: what truth says, or else the covering prefix that the table
// before shows, with its origins; and every prefix of a sibling that the same table shows.
func registration(c truth, rows []risRow) (string, string) {
	first := float64(c.FirstBad.Unix())
	offending := netip.MustParsePrefix(c.Offending)
	before := map[netip.Prefix][]uint32{}
	for _, r := range rows {
		origin, ok := originOf(r)
		if r.Data.Timestamp >= first || !ok {
			continue
		}
		for _, a := range r.Data.Announcements {
			for _, p := range a.Prefixes {
				if p.Bits() >= 8 && !slices.Contains(before[p], origin) {
					before[p] = append(before[p], origin)
				}
			}
		}
	}
	prefix := offending
	if c.Registered != "" {
		prefix = netip.MustParsePrefix(c.Registered)
	} else {
		prefix = covering(offending, before, c)
	}
	text := fmt.Sprintf("[[prefix]]\nprefix = %q\norigins = %s\n", prefix, list(c.Origins, before[prefix], c.Culprit))
	for p, origins := range before {
		if p != prefix && prefix.Contains(p.Addr()) && p.Bits() > prefix.Bits() && p != offending {
			text += fmt.Sprintf("\n[[prefix]]\nprefix = %q\norigins = %s\nexpect = \"optional\"\n", p, list(c.Origins, origins, c.Culprit))
		}
	}
	return prefix.String(), text
}

// covering is the longest prefix over the offending one that the table before shows; that one itself where there is none.
func covering(offending netip.Prefix, before map[netip.Prefix][]uint32, c truth) netip.Prefix {
	best := offending
	for p := range before {
		shorter := p.Bits() < offending.Bits() && p.Contains(offending.Addr())
		if shorter && slices.Contains(c.Types, "subprefix") && (best == offending || p.Bits() > best.Bits()) {
			best = p
		}
	}
	return best
}

func list(known, seen []uint32, culprit uint32) string {
	all := slices.Clone(known)
	for _, asn := range seen {
		if asn != culprit && asn != 23456 && !slices.Contains(all, asn) {
			all = append(all, asn)
		}
	}
	return strings.ReplaceAll(fmt.Sprint(all), " ", ", ")
}

// lastBadGoes follows the offending prefix through the rows after the firing, by hand: whether at the end no vantage holds
// it with the origin that was told of.
func lastBadGoes(rows []risRow, fired notice.Notice) bool {
	bad := map[string]bool{}
	isBad := sameOrigin(fired)
	if fired.Type == notice.RouteLeak {
		isBad = sameTurn(fired)
	}
	for _, r := range rows {
		who := r.Data.Host + "/" + r.Data.Peer
		for _, a := range r.Data.Announcements {
			if slices.Contains(a.Prefixes, fired.Offending) {
				bad[who] = isBad(r)
			}
		}
		if slices.Contains(r.Data.Withdrawals, fired.Offending) {
			bad[who] = false
		}
	}
	for _, holds := range bad {
		if holds {
			return false
		}
	}
	return true
}

func sameOrigin(fired notice.Notice) func(risRow) bool {
	return func(r risRow) bool {
		origin, _ := originOf(r)
		return origin == fired.Evidence.Routes[0].Origin
	}
}

// sameTurn looks for the leaker between the same two ASes.
func sameTurn(fired notice.Notice) func(risRow) bool {
	path := strings.Fields(fired.Evidence.Routes[0].ASPath)
	i := slices.Index(path, fmt.Sprint(fired.CulpritASN))
	turn := strings.Join(path[i-1:i+2], " ")
	return func(r risRow) bool {
		var words []string
		for _, as := range r.Data.Path {
			words = append(words, fmt.Sprint(as))
		}
		return strings.Contains(strings.Join(words, " "), turn)
	}
}

func originOf(r risRow) (uint32, bool) {
	if len(r.Data.Path) == 0 {
		return 0, false
	}
	asn, ok := r.Data.Path[len(r.Data.Path)-1].(float64)
	return uint32(asn), ok
}

func readRows(t *testing.T, file string) []risRow {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var rows []risRow
	for dec := json.NewDecoder(z); ; {
		var r risRow
		if err := dec.Decode(&r); err == io.EOF {
			return rows
		} else if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
}

func parseNotices(t *testing.T, lines []byte) []notice.Notice {
	t.Helper()
	var out []notice.Notice
	for line := range bytes.Lines(lines) {
		n, err := notice.Parse(line)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, n)
	}
	return out
}

func short(notices []notice.Notice) string {
	var b strings.Builder
	for _, n := range notices {
		fmt.Fprintf(&b, "%s %s %s\n", n.UpdatedAt, n.Status, n.Summary)
	}
	return b.String()
}
