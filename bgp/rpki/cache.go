package rpki

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.uber.org/zap"
)

const (
	dialTimeout     = 10 * time.Second
	writeTimeout    = 10 * time.Second
	answerTimeout   = time.Minute      // for the next whole PDU while an answer is outstanding
	exchangeTimeout = 10 * time.Minute // from query to End of Data (8210bis section 11.4)
	notifyPause     = time.Second      // between two exchanges, however often the cache notifies
	noDataPause     = time.Minute      // after "no data available" (8210bis section 8.4)
	steady          = time.Minute      // a transport that lasted so long takes the back-off to its beginning
	unansweredMax   = 4                // queries in a row before a lower version is tried: a cache that starts up closes too
)

// cache keeps a session with one RTR cache for as long as it runs. Its goroutine is the caller's.
type cache struct {
	url     string
	dial    func(ctx context.Context, url string) (net.Conn, error)
	poll    time.Duration // at least so often, so that data that is current never counts as stale
	log     *zap.Logger
	report  func(ctx context.Context, r cacheReport)
	version uint8    // to begin the next transport with
	silent  int      // how many transports in a row ended without an answer
	guessed bool     // the version to begin with is lower only because the cache was silent
	anew    bool     // the session cannot be resumed: ask for everything
	held    *holding // survives the transport, until it expires or an error is fatal
	retry   *backoff.ExponentialBackOff
}

// cacheReport tells the validator what has changed at a cache.
type cacheReport struct {
	held   *holding // nil when there is nothing, or no more
	synced bool     // an End of Data has come on the transport that is up
	err    error    // why the last transport ended
}

func newCache(url string, cfg Config, log *zap.Logger, report func(context.Context, cacheReport)) *cache {
	retry := &backoff.ExponentialBackOff{InitialInterval: 2 * time.Second, Multiplier: 2, RandomizationFactor: 0.3, MaxInterval: defaultTiming.retry}
	retry.Reset()
	return &cache{
		url: url, dial: cfg.Dial, poll: cfg.StaleAfter / 2, log: log.With(zap.String("cache", url)),
		report: report, version: newestVersion, retry: retry,
	}
}

// run connects again and again until ctx ends.
func (c *cache) run(ctx context.Context) {
	for ctx.Err() == nil {
		began := time.Now()
		err := c.transport(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) >= steady {
			c.retry.Reset()
		}
		if wait := c.after(err); wait > 0 {
			c.log.Info("rtr session ended", zap.Error(err), zap.Duration("retry", wait))
			c.report(ctx, cacheReport{held: c.held, err: err})
			sleep(ctx, wait)
		}
	}
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// errNotResumed is a cache that knows nothing of our session: it has restarted. It should answer with a Cache Reset
// (8210bis section 5.3); StayRTR reports corrupt data. Nothing that we hold is wrong by that, so it is kept.
var errNotResumed = errors.New("the cache does not resume the session")

// errGuessed ends a session whose version we lowered without being told to, when the next poll is due: the cache may
// have been starting up, and now speak a newer one.
var errGuessed = errors.New("the newest version is tried again")

// errUnanswered is a transport that ended before the cache said anything: older caches answer an unknown version so.
var errUnanswered = errors.New("the cache closes without an answer")

// transport connects once and converses until that ends.
func (c *cache) transport(ctx context.Context) error {
	dialing, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := c.dial(dialing, c.url)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if c.held != nil && !time.Now().Before(c.held.expires()) {
		c.held = nil
	}
	s := &rtrSession{conn: conn, in: newPDUReader(conn), poll: c.poll, guessed: c.guessed, talk: conversation{version: c.version, held: c.held}}
	if c.anew {
		s.talk.held = nil
	}
	for err = s.send(s.talk.query()); err == nil; {
		var done *holding
		if done, err = s.step(); done != nil {
			c.complete(ctx, done)
		}
	}
	return s.explain(err)
}

// complete takes over what an End of Data has made whole.
func (c *cache) complete(ctx context.Context, done *holding) {
	if c.held == nil || c.held.epoch != done.epoch {
		c.log.Info("rpki data updated", zap.Uint8("version", done.epoch.Version), zap.Uint16("session", done.epoch.Session),
			zap.Uint32("serial", done.epoch.Serial), zap.Int("vrps", len(done.vrps)), zap.Int("aspas", len(done.united)))
	}
	c.held, c.version, c.silent, c.guessed, c.anew = done, newestVersion, 0, false, false
	c.retry.MaxInterval = done.timing.retry
	c.report(ctx, cacheReport{held: done, synced: true})
}

// after draws the consequences of an error: what is flushed, which version comes next, and when; 0 is at once. What is
// fatal flushes (8210bis section 12); a transport that is lost does not.
func (c *cache) after(err error) time.Duration {
	var fault *protocolError
	var said *cacheError
	var lower *downgradeError
	switch {
	case errors.As(err, &fault):
		c.held = nil
	case errors.As(err, &lower):
		c.version = lower.version
		return 0
	case errors.Is(err, errNotResumed):
		c.anew = true
		return 0
	case errors.Is(err, errGuessed):
		return 0
	case errors.As(err, &said):
		return c.afterReport(said)
	case errors.Is(err, errUnanswered):
		c.afterSilence()
	}
	return c.retry.NextBackOff()
}

// afterSilence tries one version lower, and behind 0 the newest again, unless the cache has shown that it speaks this one.
func (c *cache) afterSilence() {
	if c.silent++; c.silent < unansweredMax || c.held != nil && c.held.epoch.Version >= c.version {
		return
	}
	c.silent, c.version = 0, (c.version+newestVersion)%(newestVersion+1)
	c.guessed = c.version != newestVersion
}

// afterReport is the same for an Error Report of the cache. A cache that knows no such version names its highest, but
// some always say 0: so each version is tried in turn, which passes by the one that it names.
func (c *cache) afterReport(said *cacheError) time.Duration {
	switch said.code {
	case unsupportedVersion:
		if c.version > version0 && said.version <= c.version {
			c.version--
			return 0
		}
		c.version = newestVersion
	case noDataAvailable:
		return max(c.retry.NextBackOff(), noDataPause+rand.N(noDataPause/4))
	case cacheRestart:
	case cacheShutdown:
		c.held = nil
		return defaultTiming.retry + rand.N(defaultTiming.retry/4)
	default:
		c.held = nil
	}
	return c.retry.NextBackOff()
}

// rtrSession is one conversation over one transport.
type rtrSession struct {
	conn    net.Conn
	in      *pduReader
	poll    time.Duration
	guessed bool // as in cache
	talk    conversation
	asked   time.Time // when the outstanding query went out
	heard   time.Time // when the last whole PDU came, or the query went out
}

// step waits for one PDU or the next poll. It gives a holding when one became complete.
func (s *rtrSession) step() (*holding, error) {
	s.conn.SetReadDeadline(s.deadline()) // fails on a closed connection only, as the read will once its buffer is empty
	p, err := s.in.next()
	now := time.Now()
	var done *holding
	var answer []byte
	switch {
	case err == nil:
		s.heard = now
		answer, done, err = s.talk.receive(&p, now)
	case errors.Is(err, os.ErrDeadlineExceeded) && s.talk.idle() && s.guessed:
		err = errGuessed
	case errors.Is(err, os.ErrDeadlineExceeded) && s.talk.idle():
		answer, err = s.talk.query(), nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = fmt.Errorf("no whole answer within %v: %w", now.Sub(s.asked).Round(time.Second), err)
	}
	var fault *protocolError
	if errors.As(err, &fault) {
		s.send(appendReport(nil, s.talk.version, fault)) // best effort: the transport ends either way
	}
	if err == nil && answer != nil {
		err = s.send(answer)
	}
	return done, err
}

func (s *rtrSession) deadline() time.Time {
	if !s.talk.idle() {
		return earlier(s.heard.Add(answerTimeout), s.asked.Add(exchangeTimeout))
	}
	pause := min(s.talk.held.timing.refresh, s.poll)
	if s.talk.moved {
		pause = notifyPause
	}
	return s.talk.held.confirmed.Add(pause)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func (s *rtrSession) send(b []byte) error {
	s.asked = time.Now()
	s.heard = s.asked
	if err := s.conn.SetWriteDeadline(s.asked.Add(writeTimeout)); err != nil {
		return err
	}
	_, err := s.conn.Write(b)
	return err
}

// explain tells the ways apart in which a transport ends before the cache has answered at all.
func (s *rtrSession) explain(err error) error {
	var said *cacheError
	refused := errors.As(err, &said) && (said.code == corruptData || said.code == invalidRequest)
	switch {
	case s.talk.open:
	case refused && s.talk.asked == serialQuery:
		return fmt.Errorf("%w: %w", errNotResumed, err)
	case transportEnded(err):
		return fmt.Errorf("%w in version %d: %w", errUnanswered, s.talk.version, err)
	}
	return err
}

// transportEnded says whether err is of the transport, and not of what was said over it.
func transportEnded(err error) bool {
	var fault *protocolError
	var said *cacheError
	var lower *downgradeError
	return !errors.As(err, &fault) && !errors.As(err, &said) && !errors.As(err, &lower) && !errors.Is(err, os.ErrDeadlineExceeded)
}
