package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"peervane/config"
	"peervane/daemon/notice"
)

// webhook posts the body with the headers of Standard Webhooks.
type webhook struct {
	url       config.URL
	secret    bool // the URL must not be told
	keys      []config.Secret
	userAgent string
	client    *http.Client
}

func newWebhook(c config.Channel, version string) (Notifier, error) {
	w := &webhook{
		url: c.URL, secret: c.URL.String() != c.URL.Reveal(), keys: c.Secrets,
		userAgent: "peervane/" + version, client: newClient(c.AllowPrivate),
	}
	if _, err := w.request(context.Background(), notice.Delivery{}, time.Time{}); err != nil {
		return nil, err
	}
	return w, nil
}

// Send posts the delivery, and judges the answer by its status alone: a receiver that says 200 has taken it.
func (w *webhook) Send(ctx context.Context, d notice.Delivery) Result {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	request, err := w.request(ctx, d, time.Now())
	if err != nil {
		return Result{Outcome: Permanent, Err: err}
	}
	response, err := w.client.Do(request)
	if err != nil {
		return Result{Outcome: Retry, Err: reason(err, w.secret)}
	}
	defer response.Body.Close()
	defer time.AfterFunc(bodyTimeout, cancel).Stop()
	body, _ := io.ReadAll(io.LimitReader(response.Body, bodyLimit)) // read to the end, it leaves the connection for the next
	result := judge(response, time.Now())
	if result.Err != nil && !w.secret {
		result.Err = withAnswer(result.Err, body)
	}
	return result
}

func (w *webhook) request(ctx context.Context, d notice.Delivery, now time.Time) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url.Reveal(), bytes.NewReader(d.Body))
	if err != nil {
		return nil, errors.New("the channel's address is not a URL that can be posted to") // err would tell it
	}
	timestamp := strconv.FormatInt(now.Unix(), 10)
	h := request.Header
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", w.userAgent)
	h.Set("webhook-id", d.ID)
	h.Set("webhook-timestamp", timestamp)
	if len(w.keys) > 0 {
		h.Set("webhook-signature", sign(w.keys, d.ID, timestamp, d.Body))
	}
	return request, nil
}

func (w *webhook) Close() { w.client.CloseIdleConnections() }

const (
	bodyLimit   = 4 << 10     // of an answer that is read
	bodyTimeout = time.Second // so long an answer may drip once its status is known
	shownLimit  = 200         // of an answer that is shown
)

// judge says what the status of an answer means.
func judge(r *http.Response, now time.Time) Result {
	err := fmt.Errorf("answered %d %s", r.StatusCode, http.StatusText(r.StatusCode))
	switch {
	case r.StatusCode >= 200 && r.StatusCode < 300:
		return Result{Outcome: Delivered}
	case r.StatusCode == http.StatusGone:
		return Result{Outcome: Gone, Err: err}
	case asksForTime(r.StatusCode):
		return Result{Outcome: Retry, Err: err, After: retryAfter(r.Header.Get("Retry-After"), now)}
	case r.StatusCode >= 400 && r.StatusCode < 500:
		return Result{Outcome: Permanent, Err: err}
	}
	return Result{Outcome: Retry, Err: err} // 3xx, which is never followed, 5xx, and what no standard knows
}

func asksForTime(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return true
	}
	return false
}

// withAnswer adds the beginning of the receiver's own words.
func withAnswer(err error, body []byte) error {
	body = bytes.TrimSpace(body[:min(len(body), shownLimit)])
	if len(body) == 0 {
		return err
	}
	return fmt.Errorf("%w: %q", err, body)
}
