package rpki

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap/zaptest"
)

// lab is a Validator between scripted caches, in a bubble of fake time.
type lab struct {
	*Validator
	t      *testing.T
	caches map[string]script
	wait   sync.WaitGroup

	mu     sync.Mutex // guards what follows
	sets   []*Set
	dials  map[string]int // how often each cache was dialled,
	opened map[string]int // how often that gave a connection,
	closed map[string]int // and how many of them ended
}

// script plays a cache for its n-th connection, counted from 0; nil refuses all.
type script func(c *fakeCache, n int)

var errRefused = errors.New("connection refused")

func (l *lab) dial(ctx context.Context, url string) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dials[url]++
	play := l.caches[url]
	if play == nil {
		return nil, errRefused
	}
	n := l.opened[url]
	l.opened[url]++
	client, server := net.Pipe()
	l.wait.Go(func() {
		defer func() {
			server.Close()
			l.mu.Lock()
			l.closed[url]++
			l.mu.Unlock()
		}()
		play(&fakeCache{t: l.t, Conn: server}, n)
	})
	return client, nil
}

// inLab runs body beside a Validator, and ends both.
func inLab(t *testing.T, cfg Config, caches map[string]script, body func(l *lab)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := &lab{t: t, caches: caches, dials: map[string]int{}, opened: map[string]int{}, closed: map[string]int{}}
		if cfg.StaleAfter == 0 {
			cfg.StaleAfter = 4 * time.Hour
		}
		cfg.Dial = l.dial
		l.Validator = New(cfg, zaptest.NewLogger(t), l.take)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- l.Run(ctx) }()
		body(l)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run gives %v", err)
		}
		l.wait.Wait()
	})
}

// after lets time pass until all is quiet, and gives the Set in force.
func (l *lab) after(d time.Duration) *Set {
	time.Sleep(d)
	synctest.Wait()
	sets := l.published()
	return sets[len(sets)-1]
}

func (l *lab) take(s *Set) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sets = append(l.sets, s)
}

func (l *lab) published() []*Set {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.sets)
}

// oneOnTheWay wants that nothing but one VRP was in force between what was first and what is last.
func (l *lab) oneOnTheWay() {
	l.t.Helper()
	for _, s := range l.published()[1:] {
		if n, _ := s.Size(); n != 1 {
			l.t.Errorf("%d VRPs on the way", n)
		}
	}
}

func (l *lab) count(of map[string]int, url string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return of[url]
}

func (l *lab) holds(about string, s *Set, want ...VRP) {
	l.t.Helper()
	if got := s.vrps.list(); !slices.Equal(got, want) {
		l.t.Errorf("%s: holds %v, want %v", about, got, want)
	}
}

// fakeCache is the cache's end of one connection.
type fakeCache struct {
	net.Conn
	t *testing.T
}

// expect reads what the client must send next; false means that it has gone.
func (c *fakeCache) expect(want []byte) bool {
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil {
		return false
	}
	if !bytes.Equal(got, want) {
		c.t.Errorf("the client sends %x, want %x", got, want)
		return false
	}
	return true
}

// report reads an Error Report of the client.
func (c *fakeCache) report(want errorCode) {
	p, err := newPDUReader(c).next()
	if err != nil || p.kind != errorReport || errorCode(p.session) != want {
		c.t.Errorf("the client sends %+v (%v), want an error report of %v", p, err, want)
	}
}

func (c *fakeCache) send(parts ...[]byte) bool {
	for _, b := range parts {
		if _, err := c.Write(b); err != nil {
			return false
		}
	}
	return true
}

// hold keeps the connection until the client closes it.
func (c *fakeCache) hold() { io.Copy(io.Discard, c) }

func only(play func(c *fakeCache)) script {
	return func(c *fakeCache, n int) {
		if n == 0 {
			play(c)
		}
	}
}

// serve is a cache that loads records and then stays.
func serve(session uint16, records ...[]byte) script {
	return func(c *fakeCache, _ int) {
		if c.expect(reset(2)) && c.send(load(2, session, 1, records...)) {
			c.hold()
		}
	}
}

func a(v VRP) []byte { return encodeVRP(2, v, true) }

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func exportOf(built time.Time, aspas string, vrps ...VRP) string {
	text := fmt.Sprintf(`{"metadata": {"buildtime": %q}, "roas": [`, built.UTC().Format(time.RFC3339))
	for i, v := range vrps {
		if i > 0 {
			text += ","
		}
		text += fmt.Sprintf(`{"prefix": %q, "maxLength": %d, "asn": %d}`, v.Prefix, v.MaxLength, v.ASN)
	}
	return text + `], "aspas": [` + aspas + `]}`
}

func tempFile(t *testing.T, text string) string {
	path := filepath.Join(t.TempDir(), "rpki.json")
	write(t, path, text)
	return path
}
