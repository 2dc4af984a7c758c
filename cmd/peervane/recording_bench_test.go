package main

import (
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// packers make the forms in which collectors publish their files.
var packers = []struct {
	suffix string
	pack   []string
}{{"", nil}, {".gz", []string{"gzip", "-c"}}, {".bz2", []string{"bzip2", "-c"}}}

// longUpdates is a full table that comes in 37 seconds, five times over: 67 MB in 448,430 records.
func longUpdates(b *testing.B, dir string) string {
	packed, err := os.Open(filepath.Join(testdata(b), "mrt/updates/updates.et-header.2015.gz"))
	if err != nil {
		b.Fatal(err)
	}
	defer packed.Close()
	z, err := gzip.NewReader(packed)
	if err != nil {
		b.Fatal(err)
	}
	content, err := io.ReadAll(z)
	if err != nil {
		b.Fatal(err)
	}
	name := filepath.Join(dir, "updates")
	if err := os.WriteFile(name, bytes.Repeat(content, 5), 0o600); err != nil {
		b.Fatal(err)
	}
	return name
}

// BenchmarkRecording compares dump, and replay for one registered prefix, with bgpdump -m: the same file, every element to
// /dev/null, in turns.
func BenchmarkRecording(b *testing.B) {
	dir := b.TempDir()
	config := filepath.Join(dir, "one.toml")
	if err := os.WriteFile(config, []byte("[[prefix]]\nprefix = \"203.0.113.0/24\"\norigins = [64496]\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	us, plain := buildPeervane(b), longUpdates(b, dir)
	for _, p := range packers {
		b.Run("updates"+p.suffix, func(b *testing.B) {
			file := plain + p.suffix
			if p.pack != nil {
				packed, err := exec.CommandContext(b.Context(), p.pack[0], append(p.pack[1:], plain)...).Output()
				if err != nil {
					b.Skipf("%s: %v", p.pack[0], err)
				}
				if err := os.WriteFile(file, packed, 0o600); err != nil {
					b.Fatal(err)
				}
			}
			var theirs, dumps, replays []time.Duration
			for range 5 {
				theirs = append(theirs, took(b, "bgpdump", "-m", file))
				dumps = append(dumps, took(b, us, "dump", file))
				replays = append(replays, took(b, us, "replay", "-c", config, file))
			}
			for b.Loop() { // all is measured by now
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(theirs).Seconds(), "s-bgpdump")
			b.ReportMetric(median(theirs).Seconds()/median(dumps).Seconds(), "x-dump")
			b.ReportMetric(median(theirs).Seconds()/median(replays).Seconds(), "x-replay")
		})
	}
}

// took runs a program whose output goes to /dev/null.
func took(b *testing.B, name string, args ...string) time.Duration {
	b.Helper()
	began := time.Now()
	if err := exec.CommandContext(b.Context(), name, args...).Run(); err != nil {
		b.Skipf("%s: %v", name, err)
	}
	return time.Since(began)
}

func median(of []time.Duration) time.Duration {
	slices.Sort(of)
	return of[len(of)/2]
}

// TestReplayIsTheSameHoweverItIsPacked compares what is printed of one recording in each form, on one core and on several.
func TestReplayIsTheSameHoweverItIsPacked(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(testdata(t), "mrt/updates/updates.20260222.1530.bz2"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	conf := filepath.Join(dir, "c.toml")
	if err := os.WriteFile(conf, []byte(much), 0o600); err != nil {
		t.Fatal(err)
	}
	us, file := buildPeervane(t), filepath.Join(dir, "updates.bz2")
	plain, err := io.ReadAll(bzip2.NewReader(bytes.NewReader(content)))
	if err != nil {
		t.Fatal(err)
	}
	var gz bytes.Buffer
	z := gzip.NewWriter(&gz)
	z.Write(plain)
	z.Close()
	var want []byte
	for _, form := range [][]byte{plain, content, gz.Bytes()} {
		if err := os.WriteFile(file, form, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, cores := range []string{"1", "4"} {
			cmd := exec.CommandContext(t.Context(), us, "replay", "-c", conf, file)
			cmd.Env = append(os.Environ(), "GOMAXPROCS="+cores)
			got, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = got
			}
			if len(got) == 0 || !bytes.Equal(got, want) {
				t.Errorf("on %s cores it differs at byte %d of %d", cores, differsAt(got, want), len(want))
			}
		}
	}
}
