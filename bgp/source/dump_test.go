package source

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// dumped is what a dump of one file prints, and what it reports.
func dumped(t testing.TB, file string) (lines []byte, bad []error, end error) {
	var out bytes.Buffer
	end = Dump(context.Background(), &out, []string{file}, func(err error) { bad = append(bad, err) })
	return out.Bytes(), bad, end
}

func TestDumpAgainstExpected(t *testing.T) {
	for _, want := range testData(t, "mrt/expect/*.bgp.gz") {
		name := strings.TrimSuffix(filepath.Base(want), ".bgp.gz")
		t.Run(name, func(t *testing.T) {
			got, _, err := dumped(t, testData(t, "mrt/*/"+name)[0])
			if err != nil {
				t.Error(err)
			}
			compareLines(t, got, gunzip(t, want), nil)
		})
	}
}

// What bgpdump 1.6.2 prints otherwise, and why we do not.
var bgpdumpErrs = map[string]func(ours, theirs string) bool{
	// In the format of 1999 it prints the address of the peer in place of a withdrawn prefix, and leaves out the bar between
	// MED and communities.
	"rrc00_1999.12_updates.19991214.1621.gz": func(ours, theirs string) bool {
		a, b := strings.Split(ours, "|"), strings.Split(theirs, "|")
		if a[2] == "W" {
			_, bits, _ := strings.Cut(a[5], "/")
			return slices.Equal(a[:5], b[:5]) && b[5] == a[3]+"/"+bits
		}
		return len(a) == 15 && strings.Join(slices.Concat(a[:10], []string{a[10] + a[11]}, a[12:]), "|") == theirs
	},
	// It prints bits beyond the length of a prefix; later versions do not.
	"updates.nlri_mask_trailing_bits.gz": func(ours, theirs string) bool {
		return strings.Replace(ours, "|11.8.0.0/13|", "|11.13.0.0/13|", 1) == theirs
	},
}

func TestDumpAgainstBgpdump(t *testing.T) {
	for _, file := range append(testData(t, "mrt/updates/*"), testData(t, "mrt/rib/*")...) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			got, _, _ := dumped(t, file)
			compareLines(t, got, bgpdump(t, file), bgpdumpErrs[filepath.Base(file)])
		})
	}
}

func compareLines(t *testing.T, got, want []byte, accept func(ours, theirs string) bool) {
	t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	ours, theirs := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	if len(ours) != len(theirs) {
		t.Errorf("%d lines, want %d", len(ours), len(theirs))
	}
	for i := range min(len(ours), len(theirs)) {
		if ours[i] != theirs[i] && (accept == nil || !accept(ours[i], theirs[i])) {
			t.Fatalf("line %d\n  %s\nwant\n  %s", i+1, ours[i], theirs[i])
		}
	}
}

func gunzip(t testing.TB, name string) []byte {
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Addresses and paths in all shapes, against bgpdump: a RIB dump of our own making.
func TestDumpAddressesAgainstBgpdump(t *testing.T) {
	dump := mrtFile{}
	dump.peerIndex("2001:db8::1", 64500)
	for _, p := range []string{
		"::/0", "::1/128", "::2/128", "::1.2.3.4/128", "::ffff:1.2.3.4/128", "2001:db8:0:1:1:1:1:1/128", "2001:0:0:1:0:0:0:1/128",
		"2001:db8::/32", "2001:db8:0:0:1:0:0:1/128", "fe80::/10", "1:0:1:0:1:0:1:0/128", "0:1::/32", "1:2:3:4:5:6:7::/112",
	} {
		dump.ribIPv6(p)
	}
	got, bad, err := dumped(t, dump.write(t, "rib"))
	if err != nil || len(bad) > 0 {
		t.Fatal(err, bad)
	}
	compareLines(t, got, bgpdump(t, dump.write(t, "rib")), nil)
}

func TestDumpPaths(t *testing.T) {
	for _, test := range []struct {
		name                                     string
		as4                                      bool
		path, as4Path, aggregator, as4Aggregator []byte
		want                                     string
	}{
		{"empty", true, nil, nil, nil, nil, ""},
		{"set", true, []byte{2, 1, 0, 0, 0, 1, 1, 2, 0, 0, 0, 2, 0, 0, 0, 3}, nil, nil, nil, "1 {2,3}"},
		{"confederation", false, []byte{3, 2, 0, 1, 0, 2, 4, 2, 0, 3, 0, 4, 2, 1, 0, 5}, nil, nil, nil, "(1 2) [3,4] 5"},
		{"unknown segment", false, []byte{5, 1, 0, 1}, nil, nil, nil, "! Error !"},
		{"cut short", true, []byte{2, 2, 0, 0, 0, 1}, nil, nil, nil, "! Error !"},
		{"merged", false, []byte{2, 3, 0, 1, 0x5b, 0xa0, 0x5b, 0xa0}, []byte{2, 2, 0, 1, 0, 2, 0, 1, 0, 3}, nil, nil, "1 65538 65539"},
		{"merged after a set", false, []byte{1, 2, 0, 1, 0, 2, 2, 1, 0x5b, 0xa0}, []byte{2, 1, 0, 1, 0, 2}, nil, nil, "{1,2} 65538"},
		{"AS4_PATH is longer", false, []byte{2, 1, 0, 1}, []byte{2, 2, 0, 1, 0, 2, 0, 1, 0, 3}, nil, nil, "1"},
		{"AS4_PATH among 4-octet ASNs", true, []byte{2, 1, 0, 0, 0, 1}, []byte{2, 1, 0, 1, 0, 2}, nil, nil, "1"},
		{"aggregated since", false, []byte{2, 1, 0x5b, 0xa0}, []byte{2, 1, 0, 1, 0, 2}, []byte{0, 7, 192, 0, 2, 1},
			[]byte{0, 1, 0, 2, 192, 0, 2, 2}, "23456"},
	} {
		a := dumpAttrs{width: 2, path: test.path, as4Path: test.as4Path, aggregator: test.aggregator, as4Aggregator: test.as4Aggregator}
		if test.as4 {
			a.width = 4
		}
		if got := string(a.appendPath(nil)); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestDumpStopsWithItsWriter(t *testing.T) {
	broken := errors.New("broken pipe")
	dump := mrtFile{}
	dump.peerIndex("192.0.2.1", 64500)
	for range 2000 {
		dump.ribIPv6("2001:db8::/32")
	}
	err := Dump(context.Background(), writerFunc(func([]byte) (int, error) { return 0, broken }), []string{dump.write(t, "rib")}, nil)
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Dump(ctx, io.Discard, []string{dump.write(t, "rib")}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func BenchmarkDump(b *testing.B) {
	file := os.Getenv("PEERVANE_BENCH_MRT")
	if file == "" {
		b.Skip("name an MRT file in PEERVANE_BENCH_MRT")
	}
	for b.Loop() {
		if err := Dump(context.Background(), io.Discard, []string{file}, func(error) {}); err != nil {
			b.Fatal(err)
		}
	}
}
