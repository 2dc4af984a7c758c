package notify

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"go.uber.org/zap"

	"peervane/config"
	"peervane/daemon/notice"
)

// A test notice right after the start waits until its channel is up; one for a channel that is none is refused then.
func TestATestWaitsForTheStart(t *testing.T) {
	got := make(chan string, 1)
	o := newOutbox()
	d := New(Options{Journal: o, Log: zap.NewNop()})
	if _, err := d.Try(t.Context(), notice.Delivery{Channel: "noc"}, nil); !errors.Is(err, ErrNoChannel) {
		t.Errorf("before there are any: %v", err)
	}
	channel := config.Channel{Name: "noc", Kind: "webhook", URL: config.NewURL(serve(t, func(_ http.ResponseWriter, r *http.Request) { got <- r.Header.Get("webhook-id") }), false), AllowPrivate: true}
	d.SetChannels([]config.Channel{channel})

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Try(gone, notice.Delivery{Channel: "noc"}, nil); err == nil || errors.Is(err, ErrNoChannel) {
		t.Errorf("while it is not up: %v", err)
	}
	d.SetChannels([]config.Channel{channel}) // who waits waits on
	type answer struct {
		result Result
		err    error
	}
	answers := map[string]chan answer{"noc": make(chan answer, 1), "nobody": make(chan answer, 1)}
	for name, to := range answers {
		n := Test(config.Channel{Name: name}, "host", time.Now())
		n.Delivery = "test-" + name
		body, err := n.Body()
		if err != nil {
			t.Fatal(err)
		}
		row := Deliveries(&n, body, []string{name}, time.Now())[0]
		go func() {
			result, err := d.Try(t.Context(), row, func(d notice.Delivery) notice.Delivery {
				o.mu.Lock()
				defer o.mu.Unlock()
				o.seq++
				d.Seq = o.seq
				o.rows[d.Seq] = d
				return d
			})
			to <- answer{result, err}
		}()
	}
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	defer func() { end(); <-ended }()
	if a := <-answers["nobody"]; !errors.Is(a.err, ErrNoChannel) {
		t.Errorf("of nobody: %+v", a)
	}
	if a := <-answers["noc"]; a.err != nil || a.result.Outcome != Delivered || <-got != "test-noc" {
		t.Errorf("of noc: %+v", a)
	}
}
