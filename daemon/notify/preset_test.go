package notify

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"peervane/config"
	"peervane/daemon/notice"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Each kind's own shape of its bodies.
var presets = map[string]struct {
	shape  shape
	secret string
}{
	"alertmanager": {alertmanagerAlerts, ""},
	"slack":        {slackWebhook, ""},
	"teams":        {teamsWorkflow, ""},
	"pagerduty":    {pagerDutyEnqueue, "0123456789abcdef0123456789abcdef"},
}

// alertmanagerAlerts is postableAlerts of https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml; the
// names of labels as https://prometheus.io/docs/concepts/data_model/ has them.
var alertmanagerAlerts = list(1, 1000, object(
	fields{"labels": labelSet},
	fields{"annotations": labelSet, "startsAt": dateTime, "endsAt": dateTime, "generatorURL": uri},
))

var labelSet = mapOf(matching(`^[a-zA-Z_][a-zA-Z0-9_]*$`), text(1<<16))

// slackWebhook is a message of https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks with the blocks of
// https://docs.slack.dev/reference/block-kit/blocks and the text objects of
// https://docs.slack.dev/reference/block-kit/composition-objects/text-object.
var slackWebhook = object(fields{"text": text(40_000), "blocks": list(1, 50, oneOfType(fields{
	"header": object(fields{"type": anything, "text": object(fields{"type": word("plain_text"), "text": text(150)}, nil)}, nil),
	"section": func(v any) error {
		m := v.(map[string]any)
		if m["text"] == nil && m["fields"] == nil {
			return errNoText
		}
		return object(fields{"type": anything}, fields{"text": slackTextOf(3000), "fields": list(1, 10, slackTextOf(2000))})(v)
	},
}))}, nil)

var errNoText = io.ErrUnexpectedEOF

func slackTextOf(most int) shape {
	return object(fields{"type": word("mrkdwn", "plain_text"), "text": text(most)}, nil)
}

// teamsWorkflow is the message of https://learn.microsoft.com/en-us/power-automate/teams/send-a-message-in-teams with a card of
// https://github.com/microsoft/AdaptiveCards/blob/main/schemas/1.4.0/adaptive-card.json.
var teamsWorkflow = object(fields{"type": word("message"), "attachments": list(1, 10, object(fields{
	"contentType": word("application/vnd.microsoft.card.adaptive"),
	"contentUrl":  word(nil),
	"content": object(
		fields{"type": word("AdaptiveCard"), "version": matching(`^1\.[0-5]$`)},
		fields{"$schema": uri, "msteams": object(nil, fields{"width": word("Full")}), "body": list(1, 200, teamsElements(2))},
	),
}, nil))}, nil)

func teamsElements(depth int) shape {
	if depth == 0 {
		return oneOfType(nil)
	}
	common := fields{"spacing": word("Default", "None", "Small", "Medium", "Large", "ExtraLarge", "Padding")}
	container := fields{"style": word("default", "emphasis", "good", "attention", "warning", "accent"), "bleed": word(true, false)}
	return oneOfType(fields{
		"Container":     object(fields{"type": anything, "items": list(1, 100, func(v any) error { return teamsElements(depth - 1)(v) })}, container),
		"RichTextBlock": object(fields{"type": anything, "inlines": list(1, 100, teamsTextRun)}, common),
	})
}

var teamsTextRun = object(fields{"type": word("TextRun"), "text": text(28_000)}, fields{
	"size": word("Default", "Small", "Medium", "Large", "ExtraLarge"), "weight": word("Default", "Lighter", "Bolder"),
	"fontType": word("Default", "Monospace"),
})

// pagerDutyEnqueue is the request of https://github.com/PagerDuty/api-schema/blob/main/reference/events-v2/openapiv3.json; the
// length of a summary and of a key as https://developer.pagerduty.com/docs/events-api-v2/trigger-events has them.
var pagerDutyEnqueue = func(v any) error {
	common := fields{"routing_key": matching(`^[0-9a-zA-Z]{32}$`), "event_action": word("trigger", "acknowledge", "resolve")}
	if m, _ := v.(map[string]any); m["event_action"] != "trigger" {
		common["dedup_key"] = text(255)
		return object(common, nil)(v)
	}
	common["payload"] = object(
		fields{"summary": text(1024), "severity": word("critical", "error", "warning", "info"), "source": text(1024)},
		fields{"timestamp": dateTime, "component": text(255), "group": text(255), "class": text(255), "custom_details": anything},
	)
	return object(common, fields{"dedup_key": text(255), "client": text(255), "client_url": uri})(v)
}

// postedBy gives the body that a kind posts of a notice.
func postedBy(t *testing.T, name string, notice []byte) []byte {
	t.Helper()
	var posted []byte
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		posted, _ = io.ReadAll(r.Body)
		if got := r.Header.Get("Content-Type"); got != "application/json" {
			t.Errorf("Content-Type is %q", got)
		}
		if want := "/in/api/v2/alerts"; name == "alertmanager" && r.URL.Path != want {
			t.Errorf("posted to %s, want %s", r.URL.Path, want)
		}
		w.WriteHeader(http.StatusAccepted)
	})
	c := to(url + "/in")
	c.Kind = name
	if secret := presets[name].secret; secret != "" {
		c.Secrets = []config.Secret{config.NewSecret(secret)}
	}
	k, err := kindOf(name)
	if err != nil {
		t.Fatal(err)
	}
	n, err := k.open(c, "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if result := n.Send(t.Context(), deliveryOf(notice)); result.Outcome != Delivered {
		t.Fatalf("got %+v", result)
	}
	return posted
}

func deliveryOf(body []byte) notice.Delivery {
	var n struct{ Delivery, Incident string }
	if err := json.Unmarshal(body, &n); err != nil {
		panic(err)
	}
	return notice.Delivery{ID: n.Delivery, Incident: n.Incident, Channel: "noc", Body: body}
}

func TestPresetsOnSamples(t *testing.T) {
	for name, p := range presets {
		for sample, body := range config.Samples() {
			t.Run(name+" "+sample, func(t *testing.T) {
				posted := postedBy(t, name, body)
				if err := conforms(posted, p.shape); err != nil {
					t.Errorf("%v:\n%s", err, posted)
				}
				golden(t, filepath.Join("testdata", name, sample+".json"), steady(t, posted))
			})
		}
	}
}

// steady indents a body, and takes the time of the attempt out of it.
func steady(t *testing.T, body []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, body, "", "  "); err != nil {
		t.Fatalf("%v:\n%s", err, body)
	}
	lines := strings.Split(b.String(), "\n")
	for i, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		if at, err := time.Parse(`"`+time.RFC3339Nano+`"`, value); strings.TrimSpace(name) == `"endsAt"` && err == nil && time.Until(at) > 3*time.Minute {
			lines[i] = name + `: "in ` + time.Until(at).Round(time.Minute).String() + `"`
		}
	}
	return []byte(strings.Join(lines, "\n") + "\n")
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; run with -update and look at the difference\ngot:\n%s", file, got)
	}
}

// The samples that templates are tried on, and these goldens are made of, are notices to the byte.
func TestSamplesAreNotices(t *testing.T) {
	for name, sample := range config.Samples() {
		n, err := notice.Parse(sample)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		body, err := n.Body()
		if err != nil {
			t.Fatal(err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, sample); err != nil || !bytes.Equal(compact.Bytes(), body) {
			t.Errorf("%s is not what a notice would be:\n%s", name, body)
		}
	}
}

// monster is a notice in which everything is as long, as many and as strange as it may get.
func monster(t *testing.T, status notice.Status) []byte {
	t.Helper()
	strange := strings.Repeat("<!channel> *a* _b_ [c](d) `e` & \" \\ é \u2028 \r\n", 200)
	n := notice.Notice{
		Delivery: "d", Incident: "i", Fingerprint: strings.Repeat("f", 32), Status: status, Type: notice.NewMoreSpecific,
		Severity: notice.Warning, Summary: strange, Connection: strange, Peer: strange, POP: strange, CulpritASN: 4294967294,
		Prefix: netip.MustParsePrefix("2001:db8::/32"), Offending: netip.MustParsePrefix("2001:db8:ffff:ffff:ffff:ffff::/96"),
		Labels: map[string]string{"": "empty", "9": "nine", "severity": "mine", "é-x": strange, "none": ""}, Source: "host7",
		StartedAt: notice.At(epoch), UpdatedAt: notice.At(epoch), Reason: strange,
	}
	if status == notice.Resolved {
		n.ResolvedAt = n.UpdatedAt
	}
	for range 1000 {
		n.Evidence.Routes = append(n.Evidence.Routes, notice.Route{Vantage: clip(strange, 64), ASPath: strings.Repeat("4294967294 ", 500)})
	}
	n.Connection, n.Peer, n.POP = clip(strange, 64), clip(strange, 64), clip(strange, 64) // as the configuration bounds them
	body, err := n.Body()
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestPresetsOnAMonster(t *testing.T) {
	most := map[string]int{"teams": 28 << 10, "pagerduty": 512 << 10}
	for name, p := range presets {
		for _, status := range []notice.Status{notice.Firing, notice.Resolved} {
			posted := postedBy(t, name, monster(t, status))
			if err := conforms(posted, p.shape); err != nil {
				t.Errorf("%s: %v:\n%.500s", name, err, posted)
			}
			if limit := most[name]; limit > 0 && len(posted) > limit {
				t.Errorf("%s: %d bytes", name, len(posted))
			}
			if name == "slack" && bytes.Contains(posted, []byte("<!")) {
				t.Error("a mention came through")
			}
		}
	}
}

func TestPresetsRefuseWhatIsNoNotice(t *testing.T) {
	for name, p := range presets {
		c := to("https://example.net/")
		c.Kind, c.Secrets = name, []config.Secret{config.NewSecret(p.secret)}
		k, _ := kindOf(name)
		n, err := k.open(c, "1.2.3")
		if err != nil {
			t.Fatal(err)
		}
		if got := n.Send(t.Context(), notice.Delivery{Body: []byte("{}")}); got.Outcome != Permanent || got.Err == nil {
			t.Errorf("%s: got %+v", name, got)
		}
		n.Close()
	}
}

// A receiver that repeats what it was sent makes no secret known.
func TestPresetsTellNoSecret(t *testing.T) {
	for _, padding := range []int{0, 120, 150} { // the answer is cut behind, before and in the middle of the key
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			http.Error(w, strings.Repeat("x", padding)+string(body), http.StatusBadRequest)
		})
		c := to(url)
		c.Secrets = []config.Secret{config.NewSecret(presets["pagerduty"].secret)}
		n, err := newPagerDuty(c, "")
		if err != nil {
			t.Fatal(err)
		}
		got := n.Send(t.Context(), firingSample(t))
		if got.Outcome != Permanent || !strings.Contains(got.Err.Error(), "answered 400") || strings.Contains(got.Err.Error(), "0123") {
			t.Errorf("got %+v", got)
		}
		n.Close()
	}
}

// A channel that may be told one message a second gets one message a second.
func TestPace(t *testing.T) {
	inBubble(t, func(b *bench) {
		r := newReceiver(takes)
		b.startWith(b.ctx, config.Channel{Name: "chat", Kind: "slack"}, r, b.opts.Log)
		b.outbox.put("chat", "i1", 30)
		b.outbox.put("chat", "i2", 30)
		b.Reread()
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(r.ids()); n != 60 {
			t.Errorf("%d of 60 were sent within a minute", n)
		}
		for i, at := range r.at {
			if want := time.Duration(i) * time.Second; at != want {
				t.Fatalf("message %d was sent after %v, want %v", i, at, want)
			}
		}
	})
}
