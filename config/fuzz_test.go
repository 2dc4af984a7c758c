package config

import (
	"os"
	"strings"
	"testing"
)

// FuzzLoad loads any bytes as the configuration, as an included file and as a
// prefix list: it never panics, every problem is in a file that there is, and
// there is a configuration exactly if no problem is an error.
func FuzzLoad(f *testing.F) {
	f.Add(everything, "203.0.113.0/24 64496\n")
	f.Add("include = [\"a.toml\", \"list\"]\nprefix_file = \"a.toml\"\n"+daemonTable, "[[peer]]\n")
	f.Add("\ufeff[defaults]\npeer = 1\n[[prefix]]\nprefix = []\n", "\ufeff\r\n0.0.0.0/0 AS 0 # x\n")
	if reference, err := os.ReadFile("reference.toml"); err == nil {
		f.Add(string(reference), "")
	}
	f.Fuzz(func(t *testing.T, config, list string) {
		fsys := files("a.toml", config, "list", list, "d/b.toml", list)
		cfg, problems := Load(fsys, "a.toml")
		for _, p := range problems {
			if strings.HasSuffix(p.String(), "\n") || p.Text == "" {
				t.Errorf("%q", p)
			}
			checkInFile(t, fsys, p)
		}
		if (cfg == nil) != Refused(problems) {
			t.Errorf("a configuration: %t, refused: %t", cfg != nil, Refused(problems))
		}
	})
}
