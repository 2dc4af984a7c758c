package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"peervane/config"
	"peervane/daemon/notice"
)

// preset is a kind that posts a body of its own making to an address.
type preset struct {
	*poster
	body func(n *notice.Notice) any
}

func newPreset(c config.Channel, version string, body func(n *notice.Notice) any) (Notifier, error) {
	p, err := newPoster(c, version)
	if err != nil {
		return nil, err
	}
	if len(c.Secrets) > 0 {
		p.inBody = c.Secrets[0]
	}
	return preset{p, body}, nil
}

func (p preset) Send(ctx context.Context, d notice.Delivery) Result {
	n, err := notice.Parse(d.Body)
	if err != nil {
		return Result{Outcome: Permanent, Err: err}
	}
	body, err := encode(p.body(&n))
	if err != nil {
		return Result{Outcome: Permanent, Err: err}
	}
	return p.post(ctx, body, nil)
}

// encode writes JSON with "<", ">" and "&" as they are.
func encode(body any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		return nil, fmt.Errorf("encode the body: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
