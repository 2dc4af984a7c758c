package notify

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"peervane/config"
)

const alertingPage = "../../docs/alerting.md"

// block is a fenced block of the page, and the comment above it that says what it is: check, golden, file or run.
type block struct{ purpose, name, text string }

var fence = regexp.MustCompile("(?ms)^<!-- (check|golden|file|run)(?:: (\\S+))? -->\n```([a-z]*)\n(.*?)^```$")

func alertingBlocks(t *testing.T, purpose string) []block {
	t.Helper()
	text, err := os.ReadFile(alertingPage)
	if err != nil {
		t.Fatal(err)
	}
	if n, all := len(fence.FindAll(text, -1)), bytes.Count(text, []byte("\n```"))/2; n != all {
		t.Errorf("%d of %d blocks say what they are", n, all)
	}
	var blocks []block
	for _, m := range fence.FindAllStringSubmatch(string(text), -1) {
		if m[1] == purpose {
			blocks = append(blocks, block{m[1], m[2], m[4]})
		}
	}
	return blocks
}

// Every configuration of the page is good as it stands, and opens.
func TestAlertingConfigurations(t *testing.T) {
	a := newAuthority(t)
	dir := t.TempDir()
	key, _ := whsec(1)
	cert, private := a.issue("host")
	for name, content := range map[string]string{
		"noc.key": key, "pagerduty.key": strings.Repeat("0a", 16), "mail.password": "hunter2", "slack.url": "https://hooks.slack.com/services/T0/B0/x",
		"teams.url": "https://example.net/workflows/x", "mattermost.url": "https://chat.example.net/hooks/x", "ca.pem": a.pem, "host.pem": cert, "host.key": private,
	} {
		file(t, dir, name, content)
	}
	for _, b := range alertingBlocks(t, "file") {
		file(t, dir, b.name, b.text)
	}
	seen := map[string]bool{}
	for _, b := range alertingBlocks(t, "check") {
		path := file(t, dir, "peervane.toml", "[daemon]\nasn = 64512\nrouter_id = \"192.0.2.10\"\n\n"+b.text)
		if _, problems := (config.Loader{Recording: true}).Load(file(t, t.TempDir(), "peervane.toml", b.text)); len(problems) > 0 {
			t.Errorf("for a replay, where no secret is read: %v", problems)
		}
		cfg, problems := config.Load(nil, path)
		for _, p := range append(problems, notInEffect(cfg)...) {
			t.Errorf("%s\n%s", p, b.text)
		}
		if cfg == nil {
			continue
		}
		for _, c := range cfg.Channels {
			seen[c.Kind] = true
			k, err := kindOf(c.Kind)
			if err != nil {
				t.Fatal(err)
			}
			n, err := k.open(c, "1.2.3")
			if err != nil {
				t.Fatal(err)
			}
			n.Close()
		}
	}
	for _, k := range kinds {
		if !seen[k.name] {
			t.Errorf("the page has no example of kind %s", k.name)
		}
	}
}

func notInEffect(cfg *config.Config) []config.Problem {
	if cfg == nil {
		return nil
	}
	return cfg.NotInEffect
}

// Every body of the page is what is sent.
func TestAlertingBodies(t *testing.T) {
	for _, b := range alertingBlocks(t, "golden") {
		want, err := os.ReadFile(filepath.Join("testdata", b.name))
		if strings.HasPrefix(b.name, "..") {
			want, err = os.ReadFile(b.name)
		}
		if err != nil {
			t.Fatal(err)
		}
		if string(want) == b.text {
			continue
		}
		if !*update {
			t.Errorf("the block of %s is not what is sent; run with -update", b.name)
			continue
		}
		page, err := os.ReadFile(alertingPage)
		if err != nil {
			t.Fatal(err)
		}
		head := regexp.MustCompile(`(?s)<!-- golden: ` + regexp.QuoteMeta(b.name) + " -->\n```[a-z]*\n")
		at := head.FindIndex(page)[1]
		page = slices.Replace(page, at, at+len(b.text), want...)
		if err := os.WriteFile(alertingPage, page, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// What the page says of retries is what the code does.
func TestAlertingFigures(t *testing.T) {
	page, err := os.ReadFile(alertingPage)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(string(page)), " ")
	var delays []string
	for _, d := range standardSchedule() {
		delays = append(delays, inWordsOf(d))
	}
	for _, figure := range []string{
		"after " + strings.Join(delays, ", "), "for 3 days", "± 20 %", "After 5 failures", "up to 2 min", "heeded up to 2 h",
		"no answer within 10 s", "a mail server: 60 s in all", "again every 60 s", "four minutes ahead", "within 0.1 s", "first ten routes",
	} {
		if !strings.Contains(text, figure) {
			t.Errorf("the page does not say %q", figure)
		}
	}
	if giveUpAfter != 3*24*time.Hour || jitter != 0.2 || pauseAfter != 5 || maxPause != 2*time.Minute || maxAsked != 2*time.Hour ||
		answerTimeout != 10*time.Second || mailTimeout != time.Minute || repeatAlerts != time.Minute || alertLasts != 4 ||
		icmpWait != 100*time.Millisecond || shownRoutes != 10 {
		t.Error("a figure has changed: say so on the page, and here")
	}
}

// inWordsOf is how a person writes a duration: "30 s", "2 min".
func inWordsOf(d time.Duration) string {
	return strings.NewReplacer("h0m0s", " h", "m0s", " min", "s", " s").Replace(d.String())
}

// The configurations of others' programs are good for those.
func TestAlertingConfigurationsOfOthers(t *testing.T) {
	for _, b := range alertingBlocks(t, "file") {
		t.Run(b.name, func(t *testing.T) {
			dir := t.TempDir()
			var cmd *exec.Cmd
			switch b.name {
			case "alertmanager.yml":
				cmd = exec.Command(installed(t, "amtool", "prometheus-alertmanager"), "check-config", file(t, dir, b.name, b.text))
			case "rsyslog.conf":
				cmd = exec.Command(installed(t, "rsyslogd", "rsyslog and rsyslog-gnutls"), "-N1", "-f", file(t, dir, b.name, b.text))
			default:
				return // another test uses it
			}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// standardWebhooks is the version of the reference library that the receivers are tried with.
const standardWebhooks = "standardwebhooks@1.1.1"

// Each receiver of the page takes what is signed by a key that it knows, and nothing else.
func TestAlertingReceivers(t *testing.T) {
	for _, b := range alertingBlocks(t, "run") {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			program := receiverCommand(t, dir, file(t, dir, b.name, b.text))
			old, oldKey := whsec(1)
			_, freshKey := whsec(2)
			_, otherKey := whsec(3)
			port := freePort(t)
			program.Env = append(os.Environ(), "SECRET="+old, "PORT="+port)
			launchCommand(t, program).listens(t, "127.0.0.1:"+port)
			send := func(keys ...config.Secret) Outcome {
				c := to("http://127.0.0.1:" + port + "/")
				c.Secrets = keys
				return open(t, c).Send(t.Context(), firingSample(t)).Outcome
			}
			if got := send(freshKey, oldKey); got != Delivered {
				t.Errorf("signed by both keys: %v", got)
			}
			if got := send(oldKey); got != Delivered {
				t.Errorf("signed by the key: %v", got)
			}
			if got := send(otherKey); got != Permanent {
				t.Errorf("signed by another key: %v", got)
			}
			if got := send(); got != Permanent {
				t.Errorf("not signed: %v", got)
			}
			replayed(t, "http://127.0.0.1:"+port+"/", oldKey)
		})
	}
}

// replayed sends what was signed an hour ago.
func replayed(t *testing.T, url string, key config.Secret) {
	t.Helper()
	w := open(t, func() config.Channel { c := to(url); c.Secrets = []config.Secret{key}; return c }())
	d := firingSample(t)
	if got := w.post(t.Context(), d.Body, w.header(d.ID, d.Body, time.Now().Add(-time.Hour))); got.Outcome != Permanent {
		t.Errorf("signed an hour ago: %+v", got)
	}
}

// receiverCommand is how a receiver is started, by its language.
func receiverCommand(t *testing.T, dir, path string) *exec.Cmd {
	t.Helper()
	switch filepath.Ext(path) {
	case ".js":
		node := installed(t, "node", "nodejs")
		npmInstall(t, dir, standardWebhooks)
		return exec.Command(node, path)
	case ".py":
		return exec.Command(installed(t, "python3", "python3"), path)
	}
	binary := filepath.Join(dir, "receiver")
	if out, err := exec.Command(installed(t, "go", "golang"), "build", "-o", binary, path).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return exec.Command(binary)
}

// The body that the page shows of a webhook is the one that a receiver sees.
func TestAlertingBodyIsPosted(t *testing.T) {
	for name, sample := range config.Samples() {
		var posted []byte
		url := serve(t, func(_ http.ResponseWriter, r *http.Request) { posted, _ = io.ReadAll(r.Body) })
		if got := open(t, to(url)).Send(t.Context(), deliveryOf(sample)); got.Outcome != Delivered || !bytes.Equal(posted, sample) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
