package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"peervane/daemon/notice"
)

// manual is the README, taken apart.
type manual struct {
	text     string
	files    map[string]string // by name, what stands below <!-- file: NAME -->
	commands []string          // the lines of ```sh blocks
	samples  []string          // the lines of ```text blocks
}

var fence = regexp.MustCompile("(?ms)^(?:<!-- file: (\\S+) -->\n)?```([a-z]*)\n(.*?)^```$")

func readme(t *testing.T) manual {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	m := manual{text: string(text), files: map[string]string{}}
	for _, block := range fence.FindAllStringSubmatch(m.text, -1) {
		name, language, body := block[1], block[2], block[3]
		switch {
		case name != "":
			m.files[name] = body
		case language == "sh":
			m.commands = append(m.commands, strings.Split(strings.TrimSpace(body), "\n")...)
		case language == "text":
			m.samples = append(m.samples, strings.Split(strings.TrimSpace(body), "\n")...)
		default:
			t.Errorf("a block is neither a file, nor commands, nor text:\n%s", body)
		}
	}
	if rest := fence.ReplaceAllString(m.text, ""); strings.Contains(rest, "\n    ") || strings.Contains(rest, "```") {
		t.Error("a block is indented or not fenced: no test would find it")
	}
	return m
}

// TestReadmeFiles gives each configuration to the program that it is for. TestInterop runs them.
func TestReadmeFiles(t *testing.T) {
	for name, text := range readme(t).files {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			switch {
			case strings.HasSuffix(name, ".toml"):
				file := put(t, dir, name, text)
				var out, complaints bytes.Buffer
				code := run(t.Context(), &env{&out, &complaints}, []string{"check", "-c", file})
				wrong := slices.DeleteFunc(strings.Split(strings.TrimSpace(complaints.String()), "\n"), func(line string) bool {
					return line == "" || strings.Contains(line, "is the only one and has no heartbeat") // as the first one is
				})
				if code != 0 || len(wrong) > 0 {
					t.Errorf("exit code %d\n%s", code, &complaints)
				}
			case name == "bird.conf":
				file := put(t, dir, name, "router id 192.0.2.1;\nprotocol device {}\n"+text) // it is a part of one
				accepts(t, "bird", "-p", "-c", file)
			case name == "frr.conf":
				accepts(t, "vtysh", "-C", "-f", put(t, dir, name, text))
			default:
				t.Error("no test knows what it is for")
			}
		})
	}
}

func put(t *testing.T, dir, name, text string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func accepts(t *testing.T, program string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		skip(t, program+" is not installed")
	}
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		t.Errorf("%s %v: %v\n%s", program, args, err, out)
	}
}

// TestReadmeSample holds the alert at the top to what the demo tells: all but the milliseconds, which are measured.
func TestReadmeSample(t *testing.T) {
	if testing.Short() {
		t.Skip("the demo takes a few seconds")
	}
	samples := readme(t).samples
	if len(samples) != 1 {
		t.Fatalf("%d lines of text, and one is known", len(samples))
	}
	cmd := exec.Command("peervane", "demo", "--json", "--pace", "fast")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	measured := regexp.MustCompile(`[+-][0-9.]+ ms`)
	want := measured.ReplaceAllString(samples[0], "N ms")
	var told []string
	for line := range bytes.Lines(out) {
		var n notice.Notice
		if err := json.Unmarshal(line, &n); err != nil {
			t.Fatal(err)
		}
		told = append(told, measured.ReplaceAllString(n.Summary, "N ms"))
	}
	if !slices.ContainsFunc(told, func(s string) bool { return strings.Contains(s, " ms to POP") }) {
		skip(t, "the demo measures no latency here: it cannot make network namespaces")
	}
	if !slices.Contains(told, want) {
		t.Errorf("nothing of what the demo told is like the sample:\n%s\n\n%s", want, strings.Join(told, "\n"))
	}
}

// TestReadmeTypes holds the table to the detectors, in both directions, and to their severities.
func TestReadmeTypes(t *testing.T) {
	listed := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`.*`) \\| .* \\| (\\w+)[^|]* \\|$").FindAllStringSubmatch(readme(t).text, -1) {
		for _, name := range strings.Split(row[1], ", ") {
			listed[strings.Trim(name, "`")] = row[2]
		}
	}
	for name, severity := range listed {
		if want, known := notice.DefaultSeverity(name); !known || want.String() != severity {
			t.Errorf("%s is told as %s, and is %s (known: %v)", name, severity, want, known)
		}
	}
	table, err := os.ReadFile(filepath.Join("..", "..", "bgp", "detect", "all.go"))
	if err != nil {
		t.Fatal(err)
	}
	detectors := regexp.MustCompile(`\{name: "(\w+)"`).FindAllSubmatch(table, -1)
	if len(detectors) == 0 {
		t.Error("no detectors")
	}
	for _, d := range detectors {
		if listed[string(d[1])] == "" {
			t.Errorf("%s is detected, and not in the table", d[1])
		}
	}
}

// TestReadmeNames: whatever files it names are there.
func TestReadmeNames(t *testing.T) {
	m := readme(t)
	for _, pattern := range []string{`\]\(([^)]+)\)`, "`((?:systemd|config|docs|cmd)/[^`]+)`"} {
		for _, name := range regexp.MustCompile(pattern).FindAllStringSubmatch(m.text, -1) {
			if strings.Contains(name[1], "://") {
				continue
			}
			file, _, _ := strings.Cut(name[1], "#")
			if _, err := os.Stat(filepath.Join("..", "..", file)); err != nil {
				t.Errorf("%s: %v", name[0], err)
			}
		}
	}
}
