package source

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"
	"golang.org/x/time/rate"

	"peervane/bgp/rib"
)

const (
	maxBMPRouters = 256
	maxBMPNew     = 16 // connections that have not said yet that they are a router's
	bmpBreath     = time.Second
	bmpGreeting   = 10 * time.Second // until which they must
	bmpAgain      = time.Minute      // between two times that all routers are made to show all again
	bmpPatience   = time.Minute      // a message that has begun must be there so soon
)

// bmp waits for routers that show the Adj-RIB-In of their neighbours (RFC 7854), before their policy. Each neighbour is a vantage.
type bmp struct {
	*feed
	refusals *rate.Limiter // that are logged
	greeting time.Duration // see bmpGreeting

	routers sync.Mutex                // guards what follows
	by      map[netip.Addr]*bmpRouter // that have sent an Initiation
	fresh   []net.Conn                // that have not, the oldest first
	bound   netip.AddrPort
	asked   time.Time   // when routers were last made to show all again
	asking  *time.Timer // until they are
}

var errShowAgain = errors.New("more is watched now: it is to connect again, and to show all routes")

// bmpRouter is one connection.
type bmpRouter struct {
	conn  net.Conn
	ended chan struct{}
	again bool // it was closed to have it show all again
}

func newBMP(f *feed) *bmp {
	return &bmp{feed: f, greeting: bmpGreeting, refusals: rate.NewLimiter(rate.Every(10*time.Second), 5), by: map[netip.Addr]*bmpRouter{}}
}

// Run implements Feed.
func (b *bmp) Run(ctx context.Context) error {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = time.Second, time.Minute
	// A router may vanish without a word, and has none to say while its routes do not change.
	lc := net.ListenConfig{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3}}
	for {
		l, err := lc.Listen(ctx, "tcp", b.cfg.Listen.String())
		if err == nil {
			b.waits(time.Now())
			wait.Reset()
			err = b.serve(ctx, l)
		}
		if ctx.Err() != nil {
			return nil
		}
		b.down(fmt.Sprintf("cannot wait for routers: %v: give listen another address", err), time.Now())
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait.NextBackOff()):
		}
	}
}

// serve takes connections until ctx ends or the listener fails, and waits for all of them.
func (b *bmp) serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	b.routers.Lock()
	b.bound, _ = netip.ParseAddrPort(l.Addr().String())
	b.routers.Unlock()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	running.Go(func() { b.forgets(ctx) })
	for {
		conn, err := l.Accept()
		if passes(err) { // the routers that are there stay
			if b.refusals.Allow() {
				b.log.Error("cannot take connections of routers for now", zap.Error(err))
			}
			select {
			case <-ctx.Done():
			case <-time.After(bmpBreath):
			}
			continue
		}
		if err != nil {
			l.Close()
			return err
		}
		running.Go(func() {
			defer conn.Close()
			b.serveRouter(ctx, conn)
		})
	}
}

// forgets forgets those that are lost for long, also while no router says anything.
func (b *bmp) forgets(ctx context.Context) {
	tick := time.NewTicker(forgetEach)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			b.mu.Lock()
			b.tidy(now)
			b.mu.Unlock()
		}
	}
}

// passes says whether a connection could not be taken for want of something that may come back.
func passes(err error) bool {
	for _, errno := range []error{unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM, unix.ECONNABORTED} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// serveRouter keeps one connection. A second one of the same router takes the place of the first, which the router has given up,
// once it has shown that it is one: anybody may connect, with an address of a host that many share too.
func (b *bmp) serveRouter(ctx context.Context, conn net.Conn) {
	from, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	addr := from.Addr().Unmap().WithZone("")
	if err != nil || !b.allows(addr) {
		b.refuse("its address is not in allow", addr)
		return
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	s := &bmpSession{feed: b.feed, router: addr, conn: conn, in: bufio.NewReaderSize(conn, 64<<10), peers: map[bmpKey]*bmpNeighbour{}}
	b.greets(conn)
	first, err := s.greeting(b.greeting)
	b.greeted(conn)
	if err != nil {
		b.refuse(err.Error(), addr)
		return
	}
	r := &bmpRouter{conn: conn, ended: make(chan struct{})}
	if !b.enter(addr, r) {
		b.refuse("there are too many routers", addr)
		return
	}
	err = s.run(first)
	b.routers.Lock()
	if r.again {
		err = errShowAgain
	}
	b.routers.Unlock()
	why := fmt.Sprintf("router %s: %v", addr, err)
	if ctx.Err() == nil {
		b.log.Warn("router of a feed is lost", zap.Stringer("router", addr), zap.String("name", s.name), zap.Error(err))
	}
	s.lose(why, time.Now())
	b.leave(addr, r, why, time.Now())
}

// SetWatched implements Feed. A router shows its routes only once, and those of what is newly watched were dropped: it has to show
// all again, which it does when it connects again.
func (b *bmp) SetWatched(w *rib.Watched) {
	if now := time.Now(); b.setWatched(w, now) {
		b.askAgain(now)
	}
}

// askAgain ends the connections of all routers, soon where it has done so just now: what the neighbours hold is unknown until they
// are back.
func (b *bmp) askAgain(now time.Time) {
	b.routers.Lock()
	defer b.routers.Unlock()
	if len(b.by) == 0 || b.asking != nil {
		return
	}
	b.asking = time.AfterFunc(bmpAgain-min(now.Sub(b.asked), bmpAgain), func() {
		b.routers.Lock()
		defer b.routers.Unlock()
		b.asking, b.asked = nil, time.Now()
		for _, r := range b.by {
			r.again = true
			r.conn.Close()
		}
	})
}

// greets keeps a connection of which nothing is known. Of too many the oldest is closed: a router says who it is at once.
func (b *bmp) greets(conn net.Conn) {
	b.routers.Lock()
	defer b.routers.Unlock()
	if len(b.fresh) >= maxBMPNew {
		b.fresh[0].Close()
		b.fresh = slices.Delete(b.fresh, 0, 1)
	}
	b.fresh = append(b.fresh, conn)
}

func (b *bmp) greeted(conn net.Conn) {
	b.routers.Lock()
	defer b.routers.Unlock()
	b.fresh = slices.DeleteFunc(b.fresh, func(c net.Conn) bool { return c == conn })
}

func (b *bmp) allows(addr netip.Addr) bool {
	for _, p := range b.cfg.Allow {
		if p.Contains(addr) {
			return true
		}
	}
	return len(b.cfg.Allow) == 0
}

func (b *bmp) refuse(why string, addr netip.Addr) {
	if b.refusals.Allow() {
		b.log.Warn("router refused", zap.Stringer("router", addr), zap.String("reason", why))
	}
}

// enter makes a router's connection the one that counts, once the one before it has ended.
func (b *bmp) enter(addr netip.Addr, r *bmpRouter) bool {
	for {
		b.routers.Lock()
		old := b.by[addr]
		if old == nil {
			defer b.routers.Unlock()
			if len(b.by) >= maxBMPRouters {
				return false
			}
			b.by[addr] = r
			return true
		}
		b.routers.Unlock()
		old.conn.Close()
		<-old.ended
	}
}

// leave is the end of a router's connection. Without any router the feed is down.
func (b *bmp) leave(addr netip.Addr, r *bmpRouter, why string, now time.Time) {
	b.routers.Lock()
	delete(b.by, addr)
	left := len(b.by)
	b.routers.Unlock()
	close(r.ended)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status.LastError, b.status.LastErrorAt = why, now
	b.forgetLost(now)
	if left == 0 && b.status.State == FeedUp {
		b.is(FeedDown, now, why)
	}
}

func (b *bmp) waits(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.is(FeedWaiting, now, "")
}
