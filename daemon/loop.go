package daemon

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/daemon/api"
)

const (
	bite         = 32                     // scopes judged between two looks at what has come in, at most,
	biteLeast    = 2                      // at the least,
	biteTime     = time.Millisecond       // and else as many as are judged in that
	snapshotRate = 250 * time.Millisecond // a snapshot is at most so old while things change,
	snapshotLoad = 20                     // or so many times as old as it took to make, which with thousands of POPs is some time,
	snapshotSlow = 5 * time.Second        // but never older than this
	idleRate     = time.Second            // and else: sessions fail and count without a word to the engine
)

// loop is the engine's goroutine. It waits for nothing but its inputs.
type loop struct {
	*Daemon
	inputs  []bgp.Input
	dirty   bool          // something changed since the last snapshot
	shown   time.Time     // when that was
	rate    time.Duration // until the next
	bite    int           // how many scopes are judged at once
	backlog bool          // judge has more to do
	status  string        // what the service manager was told last
	rings   time.Time     // when the timer does; zero: it has
}

func (d *Daemon) runEngine(ctx context.Context) error {
	l := &loop{Daemon: d, dirty: true, bite: bite}
	d.show = l.display
	timer := time.NewTimer(0)
	defer timer.Stop()
	alive := d.watchdog()
	defer alive.Stop()
	for {
		select {
		case <-ctx.Done():
			d.recorders.stop(d.engine, time.Now(), "the daemon ends")
			d.publisher.flush(d.engine)
			return nil
		case <-d.wake:
			l.take()
		case b := <-d.scheduler.Batches():
			d.engine.batch(b)
		case t := <-d.tracer.traced:
			d.engine.traced(t, time.Now())
		case f := <-d.calls:
			f()
		case <-timer.C:
			l.rings = time.Time{}
		case <-alive.C:
			d.tell("watchdog", d.opts.Manager.Alive)
		}
		l.step()
		l.wind(timer)
	}
}

// wind has a timer ring when the loop must go on by itself. One that rings before is left: that costs a step, and to set a timer wakes
// the thread that waits for the network.
func (l *loop) wind(timer *time.Timer) {
	now := time.Now()
	in := l.next().Sub(now)
	at := now.Add(in) // by the clock that nobody sets, as is when it rings
	if in > 0 && !l.rings.IsZero() && !at.Before(l.rings) {
		return
	}
	l.rings = at
	timer.Reset(in)
}

// take hands what the peers have for us to the engine.
func (l *loop) take() {
	if targets := l.targets.Swap(nil); targets != nil {
		l.engine.probed(targets.targets, targets.locals, time.Now())
		l.peers.watch(l.engine.watchedSet())
		l.feeds.watch(l.engine.watching)
	}
	if set := l.rpki.fresh.Swap(nil); set != nil {
		if l.engine.validated(set) {
			l.peers.judgeLeaks(l.engine.settings)
		}
	}
	if l.channelsChanged.Swap(false) {
		l.engine.channelsAre(l.channelStates())
	}
	var more bool
	if l.inputs, more = l.peers.take(l.engine, l.inputs[:0]); more {
		signal(l.wake)
	}
	if l.inputs, more = l.feeds.take(l.inputs); more {
		signal(l.wake)
	}
	for _, in := range l.inputs {
		l.engine.input(in)
	}
	clear(l.inputs)
}

// step judges a bite of what there is to judge, and publishes what came of it.
func (l *loop) step() {
	now := time.Now()
	if k := l.found.Swap(nil); k != nil {
		l.publisher.rejoin(&k.kept)
		l.engine.rejoin(k, now, now.Sub(l.started))
		l.lookAtChannels()
		l.rewrite.Store(true) // with what it gave
	}
	l.backlog = l.engine.judge(now, l.bite)
	l.bite = nextBite(l.bite, time.Since(now), toSend(l.engine.out.notices))
	if l.backlog {
		signal(l.wake)
	}
	if l.rewrite.Swap(false) {
		l.publisher.rewrite(l.engine)
	}
	out := l.engine.take()
	for _, addr := range out.bursts {
		l.scheduler.Burst(addr)
	}
	for _, p := range out.traces {
		l.tracer.ask(p)
	}
	l.publisher.publish(out, l.engine.book.Changed(), now)
	l.engine.reuse(out)
	l.dirty = true
	if now.Sub(l.shown) >= l.rate {
		l.display(now)
	}
}

// nextBite says how many scopes to judge after n that took so long, or fewer where what is to be sent cut them short: those with
// incidents take many times as long as others, and a change at another session waits for all of them.
func nextBite(n int, took time.Duration, short bool) int {
	switch {
	case took > biteTime:
		return max(n/2, biteLeast)
	case took < biteTime/2 && !short:
		return min(n*2, bite)
	}
	return n
}

// display publishes a snapshot.
func (l *loop) display(now time.Time) {
	l.snapshot.Store(l.picture(now))
	l.shown, l.dirty = now, false
	l.rate = min(max(snapshotRate, snapshotLoad*time.Since(now)), snapshotSlow)
	l.tellStatus(l.snapshot.Load().Status)
}

// tellStatus gives the service manager the line that it shows of us, when it has changed.
func (l *loop) tellStatus(s api.Status) {
	text := fmt.Sprintf("%d of %d sessions up, %d registered prefixes, %d open incidents", s.PeersUp, s.Peers, s.Prefixes, s.OpenIncidents)
	if text == l.status || l.opts.Manager.Status == nil {
		return
	}
	l.status = text
	l.tell("status", func() error { return l.opts.Manager.Status(text) })
}

// next is when the loop must go on by itself.
func (l *loop) next() time.Time {
	at := l.shown.Add(max(idleRate, l.rate))
	if l.dirty {
		at = l.shown.Add(l.rate)
	}
	if due, ok := l.engine.next(); ok {
		at = earliest(at, due)
	}
	return earliest(at, l.publisher.due())
}

// watchdog ticks twice as often as the service manager wants to hear of us. It is read by the loop, so that an engine
// that hangs is noticed.
func (d *Daemon) watchdog() *time.Ticker {
	if d.opts.Manager.Watchdog <= 0 {
		t := time.NewTicker(time.Hour)
		t.Stop()
		return t
	}
	return time.NewTicker(d.opts.Manager.Watchdog / 2)
}

// tell speaks to the service manager; that it does not listen is worth a line, no more.
func (d *Daemon) tell(what string, say func() error) {
	if say == nil {
		return
	}
	if err := say(); err != nil {
		d.log.Warn("service manager not told", zap.String("what", what), zap.Error(err))
	}
}
