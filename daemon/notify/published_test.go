package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What the services publish for programs, beside the prose that the shapes are written from: Slack the types of its blocks,
// PagerDuty those of its own client, Microsoft the parser of its cards. Both sets of types are for the TypeScript compiler.
// (Alertmanager itself is asked in TestAlertmanagerTakesEverySample.)
var published = []string{"@slack/types@3.2.0", "@pagerduty/pdjs@2.2.4", "adaptivecards@3.0.6", "typescript@5.9.3"}

const typesConfig = `{
  "compilerOptions": {"strict": true, "noEmit": true, "skipLibCheck": true, "types": [], "lib": ["ES2020", "DOM"], "module": "commonjs"},
  "files": ["bodies.ts"]
}`

// The client of PagerDuty does not know what its documentation does: where the event comes from, and that only a trigger has
// a payload.
const typesOfBodies = `import type { KnownBlock } from "@slack/types";
import type { EventPayloadV2 } from "@pagerduty/pdjs/build/src/events";
type Slack = { text: string; blocks: KnownBlock[] };
type Trigger = EventPayloadV2 & { event_action: "trigger"; client?: string; client_url?: string };
type Others = Omit<EventPayloadV2, "payload"> & { event_action: "acknowledge" | "resolve"; dedup_key: string };
`

// Every body is good by what its service publishes, and one that is spoiled is not.
func TestBodiesByWhatIsPublished(t *testing.T) {
	if testing.Short() {
		t.Skip("fetches a compiler")
	}
	node, dir := installed(t, "node", "nodejs"), t.TempDir()
	npmInstall(t, dir, published...)
	t.Run("types", func(t *testing.T) {
		source := typesOfBodies + typed(t, "slack", "mrkdwn") + typed(t, "pagerduty", "trigger")
		file(t, dir, "bodies.ts", source)
		file(t, dir, "tsconfig.json", typesConfig)
		compiler := exec.CommandContext(t.Context(), node, filepath.Join(dir, "node_modules", "typescript", "bin", "tsc"), "--project", dir)
		if out, err := compiler.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s\nof\n%s", err, out, source)
		}
	})
	t.Run("cards", func(t *testing.T) {
		bodies := goldensOf(t, "teams")
		if wrong := wrongCards(t, node, dir, bodies); wrong != "" {
			t.Errorf("by the number of the file in testdata/teams:\n%s", wrong)
		}
		for i := range bodies {
			bodies[i] = bytes.Replace(bodies[i], []byte(`"Bolder"`), []byte(`"Boldest"`), 1)
		}
		wrong := wrongCards(t, node, dir, bodies)
		for i := range bodies {
			if !strings.Contains("\n"+wrong, fmt.Sprintf("\n%d: ", i)) {
				t.Errorf("a weight that does not exist was taken:\n%s", bodies[i])
			}
		}
	})
}

// typed declares each body of a kind to be of its type, and one in which a word is wrong to be none.
func typed(t *testing.T, kind, needed string) string {
	t.Helper()
	var b strings.Builder
	for i, body := range goldensOf(t, kind) {
		var line bytes.Buffer
		if err := json.Compact(&line, body); err != nil {
			t.Fatal(err)
		}
		is := map[bool]string{true: "Trigger", false: "Others"}[bytes.Contains(body, []byte(`"trigger"`))]
		if kind == "slack" {
			is = "Slack"
		}
		fmt.Fprintf(&b, "export const %s%d: %s = %s;\n", kind, i, is, &line)
		if spoiled := strings.Replace(line.String(), `"`+needed+`"`, `"spoiled"`, 1); spoiled != line.String() {
			fmt.Fprintf(&b, "// @ts-expect-error\nexport const %sSpoiled%d: %s = %s;\n", kind, i, is, spoiled)
		}
	}
	return b.String()
}

func goldensOf(t *testing.T, kind string) (bodies [][]byte) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", kind, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, body)
	}
	return bodies
}

// wrongCards gives what the parser says of messages.
func wrongCards(t *testing.T, node, dir string, bodies [][]byte) string {
	t.Helper()
	var said, complaints bytes.Buffer
	parser := exec.CommandContext(t.Context(), node, filepath.Join("testdata", "published", "cards.js"), dir)
	parser.Stdin = strings.NewReader("[" + string(bytes.Join(bodies, []byte(","))) + "]")
	parser.Stdout, parser.Stderr = &said, &complaints
	if err := parser.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &complaints)
	}
	return said.String()
}

// npmInstall fetches packages, just these versions, without running anything of theirs.
func npmInstall(t *testing.T, dir string, packages ...string) {
	t.Helper()
	npm := installed(t, "npm", "npm")
	ctx, cancel := context.WithTimeout(t.Context(), 8*patience)
	defer cancel()
	args := append([]string{"install", "--prefix", dir, "--no-save", "--no-audit", "--no-fund", "--ignore-scripts"}, packages...)
	if out, err := exec.CommandContext(ctx, npm, args...).CombinedOutput(); err != nil {
		lacking(t, fmt.Sprintf("%v cannot be fetched: %s", packages, out))
	}
}
