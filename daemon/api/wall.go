package api

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"peervane/daemon/notice"
)

// The wall is the page at /, which an engineer leaves open: what is wrong, and whether the daemon sees enough to know. It is made
// here, whole, and its script only takes a new one every few seconds, and says so when none comes.

//go:embed page
var pageFiles embed.FS

var wallTemplate = template.Must(template.ParseFS(pageFiles, "page/wall.html"))

// How old what is shown may be, however many look, and how long is waited for it: less than the script waits for the page.
const (
	wallRate    = time.Second
	endedRate   = 5 * time.Second
	chartRate   = 10 * time.Second // a batch is as long
	prefixRate  = 5 * time.Second
	prefixLoad  = 20               // or so many times as old as they took to be looked at,
	prefixPause = 10 * time.Minute // or as old as this, where they took too long
	prefixBound = 2 * time.Second
	wallBound   = time.Second

	chartWindow = time.Hour
	mostCharted = 100 // POPs
)

// wallPolicy lets the page hold what comes from here alone, whatever a neighbour's words say.
const wallPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

// wallPage makes the wall. One request at a time gathers what the others are shown, too.
type wallPage struct {
	source Source
	log    *zap.Logger

	mu   sync.Mutex
	body []byte
	made time.Time

	prefixes kept[prefixStates]
	ended    kept[[]Incident]
	charts   kept[[]Latency]
}

// kept is an answer of the daemon that is shown until it is old.
type kept[T any] struct {
	answer T
	err    error
	until  time.Time
}

// ask asks again where the answer is old. rate says how long an answer is shown that took so long.
func (k *kept[T]) ask(ctx context.Context, bound time.Duration, rate func(took time.Duration, err error) time.Duration, get func(context.Context) (T, error)) {
	began := time.Now()
	if began.Before(k.until) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	k.answer, k.err = get(ctx)
	k.until = time.Now().Add(rate(time.Since(began), k.err))
}

func every(d time.Duration) func(time.Duration, error) time.Duration {
	return func(time.Duration, error) time.Duration { return d }
}

// prefixPace leaves the engine alone for most of the time, and for long where there are too many.
func prefixPace(took time.Duration, err error) time.Duration {
	if err != nil && took >= prefixBound {
		return prefixPause
	}
	return max(prefixRate, prefixLoad*took)
}

func (p *wallPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// What is gathered is for all, so that one who goes away does not spoil it.
	body, err := p.page(context.WithoutCancel(r.Context()), time.Now())
	if err != nil {
		p.log.Error("page cannot be made", zap.Error(err))
		http.Error(w, "the page cannot be made: "+err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", wallPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	_, _ = w.Write(body) // the reader is gone: nobody is left to tell
}

// page is the latest one, or a new one.
func (p *wallPage) page(ctx context.Context, now time.Time) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.body != nil && now.Sub(p.made) < wallRate {
		return p.body, nil
	}
	var out bytes.Buffer
	if err := wallTemplate.Execute(&out, p.gather(ctx, now)); err != nil {
		return nil, err
	}
	p.body, p.made = out.Bytes(), now
	return p.body, nil
}

// gather asks for what the wall shows.
func (p *wallPage) gather(ctx context.Context, now time.Time) *wall {
	s := p.source.Snapshot()
	p.prefixes.ask(ctx, prefixBound, prefixPace, p.countPrefixes)
	p.ended.ask(ctx, wallBound, every(endedRate), p.source.Ended)
	if len(s.POPs) > 0 && len(s.POPs) <= mostCharted {
		p.charts.ask(ctx, wallBound, every(chartRate), func(ctx context.Context) ([]Latency, error) {
			return p.source.Latency(ctx, "", chartWindow)
		})
	}
	return newWall(s, wallMore{
		prefixes: p.prefixes.answer, prefixesErr: p.prefixes.err,
		ended: p.ended.answer, endedErr: p.ended.err,
		charts: p.charts.answer,
	}, notice.At(now))
}

// countPrefixes goes through all that is registered, and keeps what is not as it should be.
func (p *wallPage) countPrefixes(ctx context.Context) (prefixStates, error) {
	states := prefixStates{}
	err := p.source.Prefixes(ctx, func(some []Prefix) error {
		states.add(some)
		return ctx.Err()
	})
	states.gravest()
	if errors.Is(err, context.DeadlineExceeded) {
		err = errTooManyPrefixes
	}
	return states, err
}

var errTooManyPrefixes = errors.New("more are registered than can be looked at for a page: ask peervane prefixes")

// wallFile serves what the wall is made of beside its text.
func wallFile(w http.ResponseWriter, r *http.Request) {
	mediaType, known := map[string]string{
		".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
	}[path.Ext(r.URL.Path)]
	body, err := pageFiles.ReadFile(strings.TrimPrefix(r.URL.Path, "/"))
	if err != nil || !known {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(body) // the reader is gone: nobody is left to tell
}
