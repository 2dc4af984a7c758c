package main

import (
	"bytes"
	"context"
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
			file := filepath.Join(data, "incidents", recording+".ris.jsonl.gz")
			if got := replayExample(t, data, block(t, example, "toml"), file); got != want {
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

// replayExample knows the file of relationships by its name in the example.
func replayExample(t *testing.T, data, conf, recording string) string {
	t.Helper()
	relationships, err := filepath.Abs(filepath.Join(data, "topology", "toposcope_asrel_201806.txt.gz"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "c.toml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(conf, "asrel.txt.gz", relationships)), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, complaints bytes.Buffer
	if code := run(context.Background(), &env{&out, &complaints}, []string{"replay", "-c", file, "--format", "text", recording}); code != 0 {
		t.Fatalf("exit code %d\n%s", code, &complaints)
	}
	return out.String()
}
