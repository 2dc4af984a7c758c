package notify

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"peervane/config"
	"peervane/daemon/notice"
)

// webhook posts the body, or what a template makes of it, with the headers of Standard Webhooks.
type webhook struct {
	*poster
	keys     []config.Secret
	template *config.Template // nil: the body as it is
}

func newWebhook(c config.Channel, version string) (Notifier, error) {
	p, err := newPoster(c, version)
	if err != nil {
		return nil, err
	}
	w := &webhook{poster: p, keys: c.Secrets}
	if c.Template != "" {
		if w.template, err = config.CompileTemplate(c.Template); err != nil {
			return nil, err
		}
	}
	return w, nil
}

func (w *webhook) Send(ctx context.Context, d notice.Delivery) Result {
	body := d.Body
	if w.template != nil {
		var err error
		if body, err = w.template.Execute(d.Body); err != nil {
			return Result{Outcome: Permanent, Err: fmt.Errorf("the template makes nothing of this notice: %w", err)}
		}
	}
	return w.post(ctx, body, w.header(d.ID, body, time.Now()))
}

// header has the canonical names of Go, which are equal to those of the standard: names of fields know no case.
func (w *webhook) header(id string, body []byte, now time.Time) http.Header {
	timestamp := strconv.FormatInt(now.Unix(), 10)
	h := http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {timestamp}}
	if len(w.keys) > 0 {
		h.Set("Webhook-Signature", sign(w.keys, id, timestamp, body))
	}
	return h
}
