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

// FuzzPlainIPv4 holds what is read quickly to what is read with care: it is the
// same, and all that is written as a prefix usually is.
func FuzzPlainIPv4(f *testing.F) {
	for _, s := range []string{"203.0.113.0/24", "0.0.0.0/0", "10.0.0.0/8", "192.0.2.1/32", "192.0.2.1/24", "224.0.0.0/4", "010.0.0.0/8", "10.0.0/8", "256.0.0.0/8", "10.0.0.0/08", "10.0.0.0/33", "10.0.0.0/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, plain := plainIPv4(s)
		careful, mend := parseRegistrable(s)
		if plain && (mend != "" || p != careful) {
			t.Errorf("%q is read as %v, want %v %s", s, p, careful, mend)
		}
		if usual := mend == "" && careful.Addr().Is4() && s == careful.String(); usual && !plain {
			t.Errorf("%q is not read", s)
		}
	})
}
