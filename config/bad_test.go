package config

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

var update = flag.Bool("update", false, "write the golden messages")

// folder is a copy of a folder in which no file can be read by others,
// whatever mode a checkout has given it.
func folder(t *testing.T, root string) fstest.MapFS {
	t.Helper()
	fsys := fstest.MapFS{}
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(root, path)
		fsys[name] = &fstest.MapFile{Data: data, Mode: 0o600}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return fsys
}

// Each testdata/bad/*.toml has the messages of its .golden file.
func TestBadConfigurations(t *testing.T) {
	const root = "testdata/bad"
	fsys := folder(t, root)
	names, _ := fsys.Glob("*.toml")
	if len(names) < 40 {
		t.Fatalf("only %d files in %s", len(names), root)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			cfg, problems := Load(fsys, name)
			if cfg != nil {
				t.Error("it was accepted")
			}
			var got strings.Builder
			for _, p := range problems {
				got.WriteString(p.String() + "\n")
				checkInFile(t, fsys, p)
			}
			golden := filepath.Join(root, strings.TrimSuffix(name, ".toml")+".golden")
			if *update {
				if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != string(want) {
				t.Errorf("got\n%swant\n%s", got.String(), want)
			}
		})
	}
}

// checkInFile wants a problem to point into its file.
func checkInFile(t *testing.T, fsys fstest.MapFS, p Problem) {
	t.Helper()
	lines := strings.Split(string(fsys[p.File].Data), "\n")
	if p.Line < 1 || int(p.Line) > len(lines) {
		t.Errorf("%s has %d lines, but: %s", p.File, len(lines), p)
		return
	}
	if line := []rune(lines[p.Line-1]); p.Col < 1 || int(p.Col) > len(line)+1 {
		t.Errorf("line %d of %s has %d characters, but: %s", p.Line, p.File, len(line), p)
	}
}
