package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDetectionExamples replays each example of docs/detection.md: what stands there is what is told.
func TestDetectionExamples(t *testing.T) {
	data := testdata(t)
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "detection.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "<!-- example: ")
	for found {
		var title string
		title, rest, _ = strings.Cut(rest, " -->")
		typ, recording, _ := strings.Cut(title, " ")
		example := rest
		t.Run(title, func(t *testing.T) {
			want := block(t, example, "text")
			if !strings.Contains(want, typ) {
				t.Errorf("no %s in the example", typ)
			}
			if got := replayExample(t, data, block(t, example, "toml"), recordingOf(data, recording)); got != want {
				t.Errorf("told\n%sthe page says\n%s", got, want)
			}
		})
		_, rest, found = strings.Cut(rest, "<!-- example: ")
	}
}

// block is the first block of a language.
func block(t *testing.T, page, language string) string {
	t.Helper()
	_, rest, _ := strings.Cut(page, "```"+language+"\n")
	text, _, found := strings.Cut(rest, "```\n")
	if !found {
		t.Fatalf("no block of %s", language)
	}
	return text
}

// recordingOf finds a recording by its name in the example: that of an incident, or of ordinary minutes.
func recordingOf(data, name string) string {
	if strings.Contains(name, "updates.") {
		return filepath.Join(data, "mrt", "updates", name)
	}
	return filepath.Join(data, "incidents", name+".ris.jsonl.gz")
}

// replayExample knows the file of relationships, and that of VRPs, by their names in the example.
func replayExample(t *testing.T, data, conf, recording string) string {
	t.Helper()
	relationships, err := filepath.Abs(filepath.Join(data, "topology", "toposcope_asrel_201806.txt.gz"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if strings.Contains(conf, "vrps.json") {
		writeVRPs(t, filepath.Join(data, "rpki", "anssi_tabi_roa.csv"), filepath.Join(dir, "vrps.json"))
	}
	file := filepath.Join(dir, "c.toml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(conf, "asrel.txt.gz", relationships)), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, complaints bytes.Buffer
	if code := run(context.Background(), &env{&out, &complaints}, []string{"replay", "-c", file, "--format", "text", recording}); code != 0 {
		t.Fatalf("exit code %d\n%s", code, &complaints)
	}
	return out.String()
}

// writeVRPs makes the JSON of a relying party of a table of ROAs: ASN, prefix, maximum length. A host that stands in it
// without a length is left out.
func writeVRPs(t *testing.T, table, file string) {
	t.Helper()
	text, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	var roas []string
	for line := range strings.Lines(string(text)) {
		f := strings.Split(line, ",")
		if len(f) < 3 || !strings.Contains(f[1], "/") {
			continue
		}
		roas = append(roas, fmt.Sprintf(`{"asn": %s, "prefix": %q, "maxLength": %s}`, f[0], f[1], f[2]))
	}
	if err := os.WriteFile(file, []byte(`{"roas": [`+strings.Join(roas, ",\n")+"]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}
