package config

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// everythingFiles is a configuration that sets each key, and the files that
// it names.
func everythingFiles() fstest.MapFS {
	return files("a.toml", everything, "pw", "hunter2\n", "url", "https://hooks.example.net/hunter2\n",
		"keys", "whsec_"+base64.StdEncoding.EncodeToString([]byte("hunter2-hunter2-hunter2-hunter2"))+"\n\n",
		"rel", "# IXP ASes: 64498\n1|2|-1\n1|3|0\n", "roas", "{}", "slurm", "{}", "tmpl", `{"text": "{{.summary}}"}`,
		"ca", certificatePEM, "cert", certificatePEM, "key", keyPEM)
}

func TestSecretsAreRead(t *testing.T) {
	cfg := mustLoad(t, everythingFiles())
	c := cfg.Channels[0]
	if cfg.Peers[0].Password.Reveal() != "hunter2" || c.URL.Reveal() != "https://hooks.example.net/hunter2" || c.Template != `{"text": "{{.summary}}"}` {
		t.Errorf("%+v", c)
	}
	if len(c.Secrets) != 1 || c.Secrets[0].Reveal() != "hunter2-hunter2-hunter2-hunter2" {
		t.Errorf("secrets: %d", len(c.Secrets))
	}
}

// Whatever prints a configuration prints no secret.
func TestSecretsStayHidden(t *testing.T) {
	cfg := mustLoad(t, everythingFiles())
	encoded, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	printed := []string{string(encoded)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		printed = append(printed, fmt.Sprintf(verb, cfg.Channels), fmt.Sprintf(verb, cfg.Peers), fmt.Sprintf(verb, cfg.Peers[0].Password))
	}
	for _, text := range printed {
		if strings.Contains(text, "hunter2") || strings.Contains(text, fmt.Sprintf("%x", "hunter2")) || strings.Contains(text, "PRIVATE") {
			t.Errorf("a secret in %s", text)
		}
	}
	if url := NewURL("https://user:hunter2@example.net/x", false).String(); url != "https://user:xxxxx@example.net/x" {
		t.Error(url)
	}
}

func TestSecretsThatOthersCanRead(t *testing.T) {
	fsys := files("a.toml", daemonTable+peerTable("a", "192.0.2.1")+"password_file = \"pw\"\n", "pw", "x")
	for mode, want := range map[fs.FileMode]int{0o600: 0, 0o640: 0, 0o604: 1, 0o644: 1} {
		fsys["pw"].Mode = mode
		cfg, problems := Load(fsys, "a.toml")
		if cfg == nil || len(problems) != want {
			t.Errorf("%o: %v", mode, problems)
		}
		for _, p := range problems {
			if p.Severity != Warning || p.Line != 10 || !strings.Contains(p.String(), "10:17: warning: password_file names pw,") {
				t.Errorf("%o: %s", mode, p)
			}
		}
	}
}

func TestSystemdCredentials(t *testing.T) {
	fsys := files("d/a.toml", daemonTable+peerTable("a", "192.0.2.1")+"password_file = \"pw\"\n"+
		peerTable("b", "192.0.2.2")+"password_file = \"./pw\"\n",
		"d/pw", "file", "credentials/pw", "credential")
	cfg, problems := Loader{Files: fsys, Credentials: "credentials"}.Load("d/a.toml")
	if cfg == nil {
		t.Fatal(problems)
	}
	if a, b := cfg.Peers[0].Password.Reveal(), cfg.Peers[1].Password.Reveal(); a != "credential" || b != "file" {
		t.Errorf("%q %q", a, b)
	}
}

// A recording is judged without secrets, peers and [daemon].
func TestRecording(t *testing.T) {
	fsys := files("a.toml", `
[[connection]]
name = "paris-1"
primary = ["edge1"]
[[prefix]]
prefix = "203.0.113.0/24"
connection = "paris-1"
origins = [64496]
[[channel]]
name = "noc"
kind = "webhook"
url_file = "nowhere"
secret_file = "nowhere"
template = "nowhere"
`)
	if cfg, problems := (Loader{Files: fsys, Recording: true}).Load("a.toml"); cfg == nil {
		t.Error(problems)
	}
	if _, problems := Load(fsys, "a.toml"); len(problems) != 6 {
		t.Error(problems)
	}
}

// That others can read a file hides nothing else that is wrong with it.
func TestAddressThatOthersCanRead(t *testing.T) {
	const channel = "[[channel]]\nname = \"noc\"\nkind = \"webhook\"\nurl_file = \"url\"\n"
	for _, c := range []struct{ text, address, want string }{
		{channel, "hooks.example.net", "a.toml:8:12: url_file names url, and what it holds is no http or https address;"},
		{channel + "url = \"https://hooks.example.net/\"\n", "https://hooks.example.net/", "a.toml:9:7: url and url_file exclude each other;"},
	} {
		fsys := files("a.toml", daemonTable+c.text, "url", c.address)
		fsys["url"].Mode = 0o644
		_, problems := Load(fsys, "a.toml")
		errors := slices.DeleteFunc(problems, func(p Problem) bool { return p.Severity != Error })
		if len(errors) != 1 || !strings.HasPrefix(errors[0].String(), c.want) {
			t.Errorf("%v, want %s", errors, c.want)
		}
	}
}
