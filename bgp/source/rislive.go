package source

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/coder/websocket"
	"go.uber.org/zap"

	"peervane/bgp/rib"
)

const (
	risDial   = 20 * time.Second // to connect, or to write
	risPing   = 30 * time.Second // so often is asked whether the server is still there
	risFirst  = time.Second      // before the second attempt
	risLast   = 2 * time.Minute  // between two, at most
	risAnswer = 30 * time.Second // until which a subscription must be acknowledged
	risWell   = time.Minute      // a connection that lasted so long was a good one: the next attempt comes soon
)

// risLive is the stream of RIPE RIS, or of a server that speaks as it does (https://ris-live.ripe.net/manual/): JSON messages over a
// web socket. It has no memory: what the peers hold already is not shown, only what they change from now on.
type risLive struct {
	*feed
	kick   chan struct{} // what is watched changed
	client *http.Client
	answer time.Duration // see risAnswer
	asked  risAsked      // under the feed's lock
	last   []byte        // message: one that several subscriptions match may come more than once
}

// risAsked is what a connection's server says to our subscriptions. Not every server knows how to acknowledge: one that sends
// what was asked for has understood.
type risAsked struct {
	open  int  // not acknowledged
	knows bool // how to
}

func newRISLive(f *feed) *risLive {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: risDial}
	return &risLive{feed: f, kick: make(chan struct{}, 1), answer: risAnswer, client: &http.Client{Transport: transport}}
}

// SetWatched implements Feed: the subscriptions follow.
func (r *risLive) SetWatched(w *rib.Watched) {
	r.setWatched(w, time.Now())
	select {
	case r.kick <- struct{}{}:
	default:
	}
}

// Run implements Feed.
func (r *risLive) Run(ctx context.Context) error {
	defer r.client.CloseIdleConnections()
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = risFirst, risLast
	for {
		began := time.Now()
		err := r.session(ctx)
		if ctx.Err() != nil {
			return nil
		}
		now := time.Now()
		r.down(err.Error(), now)
		if now.Sub(began) > risWell {
			wait.Reset()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait.NextBackOff()):
		}
	}
}

// session is one connection. Its error says why it ended.
func (r *risLive) session(ctx context.Context) error {
	conn, err := r.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	r.locked(func() { r.last, r.asked = nil, risAsked{} })
	ctx, cancel := context.WithCancelCause(ctx)
	var writer sync.WaitGroup
	writer.Go(func() { cancel(r.write(ctx, conn)) })
	defer writer.Wait()
	defer cancel(nil)
	for {
		_, text, err := conn.Read(ctx)
		if err != nil {
			if cause := context.Cause(ctx); cause != nil {
				err = cause
			}
			return fmt.Errorf("the connection ended: %w", plainly(err))
		}
		if err := r.message(text, time.Now()); err != nil {
			return err
		}
	}
}

func (r *risLive) dial(ctx context.Context) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, risDial)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, withClient(r.cfg.URL), &websocket.DialOptions{HTTPClient: r.client})
	if err != nil {
		return nil, fmt.Errorf("cannot connect: %w", plainly(err))
	}
	conn.SetReadLimit(maxRISLine)
	return conn, nil
}

// withClient says who we are, as RIS Live asks its clients to.
func withClient(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Query().Has("client") {
		return address
	}
	q := u.Query()
	q.Set("client", "peervane")
	u.RawQuery = q.Encode()
	return u.String()
}

// plainly leaves the address out of an error: it may hold a secret.
func plainly(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// write subscribes, follows what is watched, and asks now and then whether anybody is there.
func (r *risLive) write(ctx context.Context, conn *websocket.Conn) error {
	ping := time.NewTicker(risPing)
	defer ping.Stop()
	var due <-chan time.Time
	for have := (subscriptions{}); ; {
		asked, err := r.subscribe(ctx, conn, have)
		if err != nil {
			return err
		}
		if asked {
			due = time.After(r.answer)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.kick:
		case <-due:
			if err := r.unanswered(); err != nil {
				return err
			}
		case now := <-ping.C:
			r.locked(func() { r.tidy(now) }) // also while the server has nothing to say
			if err := timely(ctx, conn.Ping); err != nil {
				return fmt.Errorf("no answer to a ping: %w", err)
			}
		}
	}
}

func (r *risLive) locked(do func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	do()
}

// unanswered says whether the server has let a subscription be.
func (r *risLive) unanswered() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asked.open == 0 || r.status.State == FeedUp && !r.asked.knows {
		return nil
	}
	return fmt.Errorf("the server has not acknowledged a subscription within %s, nor sent anything: see whether url is that of a RIS Live server", r.answer)
}

// timely does what must not take long.
func timely(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, risDial)
	defer cancel()
	return do(ctx)
}

// risHost matches the collectors' names, which stand in those of our vantages.
var risHost = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,30}(\.[A-Za-z0-9-]{1,30}){0,4}$`)

// message takes in one message of the server. An error ends the connection.
func (r *risLive) message(text []byte, now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.read(now)
	r.tidy(now)
	if bytes.Equal(text, r.last) {
		return nil
	}
	m, err := parseRIS(text)
	if errors.Is(err, errNotRIS) {
		return r.reply(text, now)
	}
	r.last = append(r.last[:0], text...)
	if err == nil {
		r.is(FeedUp, now, "")
	}
	switch {
	case err == nil && m.typ != risUpdate && m.typ != risPeerState:
		return nil
	case err == nil && !risHost.MatchString(m.host):
		err = fmt.Errorf("host %.40q is no collector's name", m.host)
	}
	if err != nil {
		r.bad(err, now)
		return nil
	}
	if !r.admits(m.host, m.peer) {
		return nil
	}
	m.at = r.clock(m.at, now)
	to := r.recorderOf(m.host)
	if err := to.ris(m); err != nil {
		r.bad(err, now)
	}
	return nil
}

// reply takes in what the server says of our own requests. The lock is held.
func (r *risLive) reply(text []byte, now time.Time) error {
	var a struct {
		Type string `json:"type"`
		Data struct {
			Message string `json:"message"`
		} `json:"data"`
	}
	_ = json.Unmarshal(text, &a) // it was JSON when it was parsed; what is of another shape is no error message
	switch a.Type {
	case "ris_subscribe_ok":
		r.asked.knows = true
		r.asked.open = max(r.asked.open-1, 0)
		r.is(FeedUp, now, "")
	case "ris_error":
		said := fmt.Errorf("the server says: %.200q", cmp.Or(a.Data.Message, "an error"))
		if r.asked.open > 0 { // it does not say what of, and part of what is watched would not be seen
			return said
		}
		r.status.LastError, r.status.LastErrorAt = said.Error(), now
		if r.logRate.AllowN(now, 1) {
			r.log.Warn("the server of a feed refuses something", zap.Error(said))
		}
	}
	return nil
}
