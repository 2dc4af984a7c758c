package rpki

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.uber.org/zap"
)

const (
	dialTimeout   = 10 * time.Second
	noDataPause   = time.Minute // after "no data available" (8210bis section 8.4)
	steady        = time.Minute // a transport that lasted so long takes the back-off to its beginning
	unansweredMax = 4           // queries in a row before a lower version is tried: a cache that starts up closes too
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
			c.log.Warn("rtr session ended", zap.Error(err), zap.Duration("retry", wait.Round(time.Millisecond)))
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
