package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"peervane/config"
)

const (
	bodyLimit   = 4 << 10     // of an answer that is read
	bodyTimeout = time.Second // so long an answer may drip once its status is known
	shownLimit  = 200         // of an answer that is shown
)

// poster posts JSON to one address, once, and judges the answer.
type poster struct {
	url       config.URL
	secret    bool          // the URL must not be told
	inBody    config.Secret // must not be told either, should the receiver repeat the body
	userAgent string
	client    *http.Client
}

func newPoster(c config.Channel, version string) (*poster, error) {
	client, err := newClient(c)
	if err != nil {
		return nil, err
	}
	p := &poster{url: c.URL, secret: c.URL.String() != c.URL.Reveal(), userAgent: "peervane/" + version, client: client}
	_, err = p.request(context.Background(), nil, nil)
	return p, err
}

// post judges the answer by its status alone: a receiver that says 200 has taken it.
func (p *poster) post(ctx context.Context, body []byte, header http.Header) Result {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	request, err := p.request(ctx, body, header)
	if err != nil {
		return Result{Outcome: Permanent, Err: err}
	}
	response, err := p.client.Do(request)
	if err != nil {
		return Result{Outcome: Retry, Err: reason(err, p.secret)}
	}
	defer response.Body.Close()
	defer time.AfterFunc(bodyTimeout, cancel).Stop()
	answer, _ := io.ReadAll(io.LimitReader(response.Body, bodyLimit)) // read to the end, it leaves the connection for the next
	result := judge(response, time.Now())
	if result.Err != nil && !p.secret {
		result.Err = withAnswer(result.Err, p.redact(answer))
	}
	return result
}

func (p *poster) request(ctx context.Context, body []byte, header http.Header) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url.Reveal(), bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the channel's address is not a URL that can be posted to") // err would tell it
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", p.userAgent)
	for name, values := range header {
		request.Header[name] = values
	}
	return request, nil
}

// redact takes the secret of the body out of an answer. More of that is read than shown, so that no part of it is left.
func (p *poster) redact(answer []byte) []byte {
	if p.inBody.IsZero() {
		return answer
	}
	return bytes.ReplaceAll(answer, []byte(p.inBody.Reveal()), []byte(p.inBody.String()))
}

func (p *poster) Close() { p.client.CloseIdleConnections() }

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
func withAnswer(err error, answer []byte) error {
	answer = bytes.TrimSpace(answer[:min(len(answer), shownLimit)])
	if len(answer) == 0 {
		return err
	}
	return fmt.Errorf("%w: %q", err, answer)
}
