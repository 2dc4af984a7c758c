package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"peervane/daemon/notice"
)

// The wall is the page at /, which an engineer leaves open: what is wrong, and whether the daemon sees enough to know. It is made
// here, whole, and its script only takes a new one every few seconds, and says so when none comes.

//go:embed page
var pageFiles embed.FS

var (
	wallTemplate = template.Must(template.ParseFS(pageFiles, "page/wall.html"))
	wallEdition  = editionOf(pageFiles)
)

// editionOf tells one edition of the page and its script from another.
func editionOf(files embed.FS) string {
	sum := sha256.New()
	for _, name := range []string{"wall.html", "wall.css", "wall.js"} {
		body, _ := files.ReadFile("page/" + name) // they are compiled in
		sum.Write(body)
	}
	return hex.EncodeToString(sum.Sum(nil)[:6])
}

// wallRate is how old a page may be, however many look, and wallOld how old one that is shown while the next one takes its time.
const (
	wallRate = time.Second
	wallOld  = 15 * time.Second
)

// wallPolicy lets the page hold what comes from here alone, whatever a neighbour's words say.
const wallPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

// wallPage makes the wall. One request at a time asks what the others are shown, too.
type wallPage struct {
	asked  *wallAsked
	log    *zap.Logger
	turn   chan struct{} // held by the one that asks
	latest atomic.Pointer[madePage]
}

type madePage struct {
	body []byte
	at   time.Time
}

func newWallPage(source Source, log *zap.Logger) *wallPage {
	return &wallPage{asked: &wallAsked{source: source}, log: log, turn: make(chan struct{}, 1)}
}

func (p *wallPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := p.page(r.Context(), time.Now())
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", wallPolicy)
	if err != nil {
		if !errors.Is(err, errWallBusy) && r.Context().Err() == nil {
			p.log.Error("page cannot be made", zap.Error(err))
		}
		h.Set("Refresh", "5") // it has no script that would
		http.Error(w, "there is no page: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(body) // the reader is gone: nobody is left to tell
}

var errWallBusy = errors.New("the daemon takes its time to answer")

// page is the latest one, or a new one. While another request makes one, there is the one before, for a while.
func (p *wallPage) page(ctx context.Context, now time.Time) ([]byte, error) {
	younger := func(age time.Duration) []byte {
		if made := p.latest.Load(); made != nil && now.Sub(made.at) < age {
			return made.body
		}
		return nil
	}
	if body := younger(wallRate); body != nil {
		return body, nil
	}
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	default:
		if body := younger(wallOld); body != nil {
			return body, nil
		}
		return nil, errWallBusy
	}
	if body := younger(wallRate); body != nil {
		return body, nil // another one made it just now
	}
	var out bytes.Buffer
	if err := wallTemplate.Execute(&out, p.asked.wall(ctx, now)); err != nil {
		return nil, fmt.Errorf("lay it out: %w", err)
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err // what was asked last was not answered
	}
	p.latest.Store(&madePage{out.Bytes(), now})
	return out.Bytes(), nil
}

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

// wallAsked keeps what is shown beside the snapshot. One goroutine at a time uses it.
type wallAsked struct {
	source   Source
	prefixes kept[prefixStates]
	ended    kept[[]Incident]
	charts   kept[[]Latency]
}

// How long an answer is shown, and how long is waited for a new one: all together less than the script waits for the page.
const (
	endedRate   = 5 * time.Second
	chartRate   = 10 * time.Second // a batch is as long
	prefixRate  = 5 * time.Second
	prefixLoad  = 20 // or so many times as long as they took to be looked at
	prefixBound = 2 * time.Second
	wallBound   = time.Second

	chartWindow = time.Hour
	mostCharted = 100 // POPs
)

// wall asks for what is old.
func (a *wallAsked) wall(ctx context.Context, now time.Time) *wall {
	s := a.source.Snapshot()
	a.prefixes.ask(ctx, prefixBound, prefixRate, a.countPrefixes)
	a.ended.ask(ctx, wallBound, endedRate, func(ctx context.Context) ([]Incident, error) { return a.source.Ended(ctx, mostEnded) })
	if n := len(s.POPs); n > mostCharted {
		a.charts.err = fmt.Errorf("%d POPs are too many for charts: ask peervane latency", n)
	} else if n > 0 {
		a.charts.ask(ctx, wallBound, chartRate, func(ctx context.Context) ([]Latency, error) {
			return a.source.Latency(ctx, "", chartWindow)
		})
	}
	return newWall(s, a, now)
}

// countPrefixes goes through all that is registered, and keeps what is not as it should be.
func (a *wallAsked) countPrefixes(ctx context.Context) (prefixStates, error) {
	states := prefixStates{}
	err := a.source.Prefixes(ctx, func(some []Prefix) error {
		states.add(some)
		return context.Cause(ctx)
	})
	states.gravest()
	return states, err
}

// kept is an answer of the daemon that is shown until it is old, and longer where there is no other.
type kept[T any] struct {
	answer T
	at     notice.Time // null: there never was one
	err    error       // why there is no newer one
	again  time.Time
	pause  time.Duration // after a failure
}

// The pause after a failure: what took too long is likely to do so again.
const (
	leastPause = 10 * time.Second
	mostPause  = 10 * time.Minute
)

// ask asks anew where the answer is old: at most every rate, so that the daemon has rest for most of the time.
func (k *kept[T]) ask(ctx context.Context, bound, rate time.Duration, get func(context.Context) (T, error)) {
	began := time.Now()
	if began.Before(k.again) {
		return
	}
	bounded, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	answer, err := get(bounded)
	if ctx.Err() != nil {
		return // who asked went away
	}
	now := time.Now()
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			err = fmt.Errorf("there was no answer within %v", bound)
		}
		k.pause = min(max(leastPause, 2*k.pause), mostPause)
		k.err, k.again = err, now.Add(k.pause)
		return
	}
	k.answer, k.at, k.err, k.pause = answer, notice.At(now), nil, 0
	k.again = now.Add(max(rate, prefixLoad*now.Sub(began)))
}

// missing says why something is not known, or only as it was.
func (k *kept[T]) missing() string {
	switch {
	case k.err == nil:
		return ""
	case k.at.IsZero():
		return "not known: " + k.err.Error()
	}
	return fmt.Sprintf("as of %s: %v", moment(k.at), k.err)
}
