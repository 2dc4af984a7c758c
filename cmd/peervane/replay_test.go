package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// much is registered to one origin, so that most routes in it are told.
const much = `
prefixes = ["62.0.0.0/8", "177.0.0.0/8", "193.0.0.0/8", "203.0.0.0/8", "2a00::/12"]

[defaults.prefix]
origins = [64496]
`

// TestReplayIsDeterministic replays real recordings twice, each with a map order of its own, and compares every byte.
func TestReplayIsDeterministic(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a few seconds")
	}
	data := testdata(t)
	conf := filepath.Join(t.TempDir(), "c.toml")
	if err := os.WriteFile(conf, []byte(much), 0o600); err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, file := range recordings(t, data) {
		name, _ := filepath.Rel(data, file)
		t.Run(name, func(t *testing.T) {
			first, code := replayed(t, conf, file)
			again, codeAgain := replayed(t, conf, file)
			if code != codeAgain {
				t.Errorf("exit code %d, then %d", code, codeAgain)
			}
			if !bytes.Equal(first, again) {
				t.Errorf("the second time differs at byte %d of %d", differsAt(first, again), len(first))
			}
			told += bytes.Count(first, []byte("\n"))
		})
	}
	if told < 1000 {
		t.Errorf("only %d notices in all: too few to compare", told)
	}
}

// The clock of a replay is that of all records: what is due before the last one is told, though nobody watches its route.
func TestReplayGoesOnToTheLastRecord(t *testing.T) {
	dir := t.TempDir()
	conf, file := filepath.Join(dir, "c.toml"), filepath.Join(dir, "ris.jsonl")
	if err := os.WriteFile(conf, []byte("[[prefix]]\nprefix = \"203.0.113.0/24\"\norigins = [64496]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const line = `{"type":"ris_message","data":{"timestamp":%d,"peer":"192.0.2.1","peer_asn":"64500","host":"rrc00","type":"UPDATE",%s}}` + "\n"
	const route = `"path":[64500,64496],"announcements":[{"next_hop":"192.0.2.1","prefixes":[%q]}]`
	lines := fmt.Sprintf(line, 1700000000, fmt.Sprintf(route, "203.0.113.0/24")) +
		fmt.Sprintf(line, 1700000010, `"withdrawals":["203.0.113.0/24"]`)
	for _, c := range []struct {
		last    int64
		notices int
	}{{1700000039, 0}, {1700000040, 1}} {
		text := lines + fmt.Sprintf(line, c.last, fmt.Sprintf(route, "198.51.100.0/24"))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if told, _ := replayed(t, conf, file); bytes.Count(told, []byte("\n")) != c.notices || c.notices > 0 && !bytes.Contains(told, []byte(`"withdrawn"`)) {
			t.Errorf("the last record %d s after the withdrawal: told %q", c.last-1700000010, told)
		}
	}
}

// recordings are the smaller ones: of each kind there are enough.
func recordings(t *testing.T, data string) []string {
	t.Helper()
	var files []string
	for _, folder := range []string{"incidents", "ris", "mrt"} {
		err := filepath.WalkDir(filepath.Join(data, folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && d.Name() == "expect" {
				return fs.SkipDir
			}
			info, err := d.Info()
			if err == nil && d.Type().IsRegular() && info.Size() < 512<<10 && !strings.HasSuffix(path, "truth.json") {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(files) < 20 {
		t.Fatalf("only %d recordings", len(files))
	}
	return files
}

func replayed(t *testing.T, conf, file string, flags ...string) ([]byte, int) {
	t.Helper()
	var out, complaints bytes.Buffer
	code := run(t.Context(), &env{&out, &complaints}, append([]string{"replay", "-c", conf, file}, flags...))
	if code != 0 && code != exitFailed {
		t.Fatalf("exit code %d\n%s", code, &complaints)
	}
	if code == exitFailed && !strings.Contains(complaints.String(), filepath.Base(file)) {
		t.Errorf("which file is at fault is not told:\n%s", &complaints)
	}
	return out.Bytes(), code
}

func differsAt(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}
