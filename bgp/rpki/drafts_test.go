package rpki

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// drafts are the revisions that the code follows.
var drafts = []string{"draft-ietf-sidrops-8210bis-27", "draft-ietf-sidrops-aspa-verification-28", "draft-ietf-sidrops-aspa-slurm-04"}

var draft = regexp.MustCompile(`draft-ietf-sidrops-(8210bis|aspa-verification|aspa-slurm)(-\d\d)?`)

// TestDraftsArePinned names the same revision of each draft in the code and in the docs.
func TestDraftsArePinned(t *testing.T) {
	for file, want := range map[string][]string{
		"doc.go":                      drafts[:2],
		"slurm.go":                    drafts[2:],
		"pdu.go":                      drafts[:1],
		"../detect/leak_aspa.go":      drafts[1:2],
		"../../docs/detection.md":     drafts,
		"../../config/reference.toml": drafts,
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		named := draft.FindAllString(string(text), -1)
		for _, name := range want {
			if !slices.Contains(named, name) {
				t.Errorf("%s does not name %s", file, name)
			}
		}
		for _, name := range named {
			if !slices.Contains(drafts, name) {
				t.Errorf("%s names %s, which is none of %v", file, name, drafts)
			}
		}
	}
}

// TestPageOfRTR holds the figures in docs/detection.md to the code.
func TestPageOfRTR(t *testing.T) {
	text, err := os.ReadFile("../../docs/detection.md")
	if err != nil {
		t.Fatal(err)
	}
	_, page, _ := strings.Cut(string(text), "\n## Where RPKI data comes from\n")
	page, _, _ = strings.Cut(page, "\n## ")
	page = strings.Join(strings.Fields(page), " ")
	for _, row := range []struct {
		is, want time.Duration
		says     string
	}{
		{patience, 15 * time.Second, "within 15 s"},
		{filePoll, 10 * time.Second, "every 10 s"},
		{takeover, time.Minute, "for a minute at most"},
		{defaultTiming.expire, 2 * time.Hour, "2 h in version 0"},
	} {
		if row.is != row.want || !strings.Contains(page, row.says) {
			t.Errorf("%v: the page does not say %q", row.is, row.says)
		}
	}
}
