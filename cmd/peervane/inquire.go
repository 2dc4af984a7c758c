package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	patient   = 10 * time.Second // with a daemon that says nothing
	maxAnswer = 256 << 20        // of those that are held as a whole
)

// refused is what the daemon says of a question that it does not understand.
type refused struct{ text string }

func (r refused) Error() string { return r.text }

// answer is what the daemon says, as it comes: it may be longer than should be held at once. It must be closed.
type answer struct {
	io.ReadCloser
	host   string
	slow   *time.Timer // gives up
	cancel context.CancelCauseFunc
	ctx    context.Context
}

// inquire begins a question.
func inquire(ctx context.Context, question string) (*answer, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	slow := time.AfterFunc(patient, func() { cancel(fmt.Errorf("nothing came within %v", patient)) })
	give := func(err error) (*answer, error) {
		slow.Stop()
		cancel(nil)
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, question, nil)
	if err != nil {
		return give(err)
	}
	// No proxy stands between this host and itself.
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return give(fmt.Errorf("no daemon answers at %s: %w: is it running, with this address in daemon.http?", req.URL.Host, cmp.Or(context.Cause(ctx), reason(err))))
	}
	a := &answer{resp.Body, req.URL.Host, slow, cancel, ctx}
	if isAnswer(resp) {
		return a, nil
	}
	defer a.Close()
	body, err := a.all()
	if err == nil {
		err = refusal(resp, body)
	}
	return nil, err
}

// Read waits as long as something comes.
func (a *answer) Read(p []byte) (int, error) {
	a.slow.Reset(patient)
	n, err := a.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("the answer of %s broke off: %w", a.host, cmp.Or(context.Cause(a.ctx), err))
	}
	return n, err
}

func (a *answer) Close() error {
	a.slow.Stop()
	defer a.cancel(nil)
	return a.ReadCloser.Close()
}

func (a *answer) all() ([]byte, error) { return io.ReadAll(io.LimitReader(a, maxAnswer)) }

// fetch gives the answer to a question as a whole.
func fetch(ctx context.Context, question string) ([]byte, error) {
	a, err := inquire(ctx, question)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	return a.all()
}

func isAnswer(resp *http.Response) bool {
	return resp.StatusCode == http.StatusOK && resp.Header.Get("Content-Type") == "application/json"
}

// refusal makes an error of an answer that is none.
func refusal(resp *http.Response, body []byte) error {
	var told struct{ Error string }
	switch {
	case json.Unmarshal(body, &told) != nil || told.Error == "":
		return fmt.Errorf("%s answers %s: is this a peervane?", resp.Request.URL.Host, resp.Status)
	case resp.StatusCode == http.StatusBadRequest:
		return refused{told.Error}
	}
	return errors.New(told.Error)
}

// reason leaves out what was asked of whom, which whoever reads it knows.
func reason(err error) error {
	if failed := (*net.OpError)(nil); errors.As(err, &failed) {
		return failed.Err
	}
	if asked := (*url.Error)(nil); errors.As(err, &asked) {
		return asked.Err
	}
	return err
}
