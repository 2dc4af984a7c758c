package notify

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"peervane/config"
)

const chatTemplate = `{"text": "[{{.severity}}] {{.summary}}"
	{{- with .evidence.latency}}{{with .shift_ms}}, "shift_ms": {{.}}{{end}}{{end}}, "labels": {{json .labels}}}`

// What a template makes is what is signed and sent.
func TestWebhookTemplate(t *testing.T) {
	secret, key := whsec(1)
	var posted []byte
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		posted, _ = io.ReadAll(r.Body)
		if err := verify(secret, r.Header, posted, time.Now()); err != nil {
			t.Error(err)
		}
	})
	c := to(url)
	c.Template, c.Secrets = chatTemplate, []config.Secret{key}
	w := open(t, c)
	for name, sample := range config.Samples() {
		if result := w.Send(t.Context(), deliveryOf(sample)); result.Outcome != Delivered {
			t.Errorf("%s: got %+v", name, result)
		}
		golden(t, "testdata/webhook/"+name+".json", append(posted, '\n'))
	}
}

func TestWebhookTemplateThatDoesNotWork(t *testing.T) {
	c := to("https://example.net/")
	c.Template = `{"n": "{{index .evidence.routes 7}}"}`
	if got := open(t, c).Send(t.Context(), sample); got.Outcome != Permanent || !strings.Contains(got.Err.Error(), "template") {
		t.Errorf("got %+v", got)
	}
	c.Template = `{{`
	if _, err := newWebhook(c, ""); err == nil {
		t.Error("it was opened with a template that does not compile")
	}
}
