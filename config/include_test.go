package config

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func peerTable(name, address string) string {
	return "[[peer]]\nname = \"" + name + "\"\naddress = \"" + address + "\"\nasn = 64500\nrelationship = \"peer\"\n"
}

func peerNames(cfg *Config) []string {
	var names []string
	for _, p := range cfg.Peers {
		names = append(names, p.Name)
	}
	return names
}

func TestIncludesAppendInFileNameOrder(t *testing.T) {
	cfg := mustLoad(t, files(
		"a.toml", "include = [\"d/2*.toml\", \"d/*.toml\", \"none/*.toml\"]\nprefixes = [\"203.0.113.0/24\"]\n"+daemonTable+peerTable("main", "192.0.2.1"),
		"d/20.toml", peerTable("twenty", "192.0.2.20"),
		"d/10.toml", peerTable("ten", "192.0.2.10")+"[defaults.prefix]\norigins = [64496]\n",
		"d/30.toml", "prefixes = [\"198.51.100.0/24\"]\n[log]\nlevel = \"debug\"\n",
		"d/other.txt", "not read",
	))
	if got := peerNames(cfg); !slices.Equal(got, []string{"main", "ten", "twenty"}) {
		t.Errorf("peers: %v", got)
	}
	if cfg.Log.Level != "debug" || len(cfg.Prefixes) != 2 || cfg.Prefixes[1].Pos.File != "d/30.toml" {
		t.Errorf("log: %+v, prefixes: %+v", cfg.Log, cfg.Prefixes)
	}
}

// Relative paths start at the folder of the file that names them.
func TestPathsStartAtTheirFile(t *testing.T) {
	cfg := mustLoad(t, files(
		"a.toml", "include = [\"d/*.toml\"]\n"+daemonTable+"state_dir = \"state\"\n",
		"d/b.toml", "prefix_file = \"list.txt\"\n[defaults.prefix]\norigins = [64496]\n[[feed]]\nname = \"x\"\nkind = \"mrt-dir\"\npath = \"/var/mrt\"\n",
		"d/list.txt", "203.0.113.0/24\n",
	))
	if cfg.Daemon.StateDir != "state" || len(cfg.Prefixes) != 1 || cfg.Feeds[0].Path != "/var/mrt" {
		t.Errorf("%+v", cfg)
	}
}

// A glob for the whole folder matches the main file, which is not read twice.
func TestIncludeSkipsTheMainFile(t *testing.T) {
	cfg := mustLoad(t, files("a.toml", "include = [\"*.toml\"]\n"+daemonTable, "b.toml", peerTable("b", "192.0.2.1")))
	if len(cfg.Peers) != 1 {
		t.Errorf("peers: %v", peerNames(cfg))
	}
}

func TestMainFileMissing(t *testing.T) {
	cfg, problems := Load(files(), "a.toml")
	if cfg != nil || len(problems) != 1 || problems[0].String() != "a.toml:1:1: cannot read it: file does not exist" {
		t.Errorf("%v", problems)
	}
}

func TestHostFiles(t *testing.T) {
	cfg, problems := Load(nil, "reference.toml")
	if cfg == nil {
		t.Fatal(problems)
	}
	if _, problems := Load(Host(), "testdata/nowhere.toml"); problems[0].String() != "testdata/nowhere.toml:1:1: cannot read it: no such file or directory" {
		t.Error(problems)
	}
}

// On the host, paths may be absolute, and a folder's name may hold what is
// special in a glob.
func TestHostIncludes(t *testing.T) {
	root := filepath.Join(t.TempDir(), "a[b]*")
	for name, text := range map[string]string{
		"peervane.toml":   "include = [\"conf.d/*.toml\"]\n" + daemonTable,
		"conf.d/b.toml":   peerTable("b", "192.0.2.2"),
		"conf.d/a.toml":   peerTable("a", "192.0.2.1") + "password_file = \"../pw\"\n",
		"conf.d/d.toml/x": "",
		"pw":              "secret\n",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, problems := Load(nil, filepath.Join(root, "peervane.toml"))
	if cfg == nil || len(problems) > 0 {
		t.Fatal(problems)
	}
	if got := peerNames(cfg); !slices.Equal(got, []string{"a", "b"}) || cfg.Peers[0].Password.Reveal() != "secret" {
		t.Errorf("peers: %v", got)
	}
}
