package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// measurement is what one run of a receiver took.
type measurement struct {
	took       time.Duration // from the first byte of the tables to the last route
	cpu        time.Duration // until it rested
	idle       int64         // bytes, before
	peak, rest int64         // bytes, at most and in the end
	routes     int           // shown in the end; -1: it cannot be asked
}

// measure runs a receiver, sends it as many tables at once as there are peers, and waits until it has them and rests.
func measure(ctx context.Context, o *options, r *receiver, t *table, peers int) (m measurement, err error) {
	ctx, cancel := context.WithTimeout(ctx, o.patience)
	defer cancel()
	b, err := r.newBed(o, t, peers)
	if err != nil {
		return m, err
	}
	defer b.remove()
	p, err := start(b.command(b))
	if err != nil {
		return m, err
	}
	defer p.stop()
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, p.log.String())
		}
	}()
	speakers, err := connectAll(ctx, b, peers)
	defer closeAll(speakers)
	if err != nil {
		return m, err
	}
	time.Sleep(o.settle) // what sessions begin with is not measured
	before := p.usage()
	m.idle = before.resident
	if m.took, err = m.load(ctx, b, p, speakers, t); err != nil {
		return m, err
	}
	time.Sleep(o.settle)
	after := p.usage()
	m.cpu, m.peak, m.rest = after.cpu-before.cpu, after.top, after.resident
	m.routes = -1
	if r.shown != nil {
		m.routes, err = r.shown(ctx, b)
	}
	return m, err
}

func connectAll(ctx context.Context, b *bed, peers int) (all []*speaker, err error) {
	for i := range peers {
		s, err := connect(ctx, b.listen(), i)
		if err != nil {
			return all, err
		}
		all = append(all, s)
	}
	return all, nil
}

func closeAll(all []*speaker) {
	for _, s := range all {
		s.close()
	}
}

// load sends all tables, and waits for the last route.
func (m *measurement) load(ctx context.Context, b *bed, p *process, speakers []*speaker, t *table) (time.Duration, error) {
	streams := make([][]byte, len(speakers))
	for i, s := range speakers {
		streams[i] = t.of(s.asn)
	}
	began := time.Now()
	var sending sync.WaitGroup
	for i, s := range speakers {
		sending.Go(func() { _ = s.send(streams[i]) }) // what fails is missed in the end
	}
	at, err := b.whole(ctx, p, t)
	if err != nil {
		closeAll(speakers) // which ends the sending
	}
	sending.Wait()
	return at.Sub(began), err
}

// whole waits until the receiver has all, and says when that was.
func (b *bed) whole(ctx context.Context, p *process, t *table) (time.Time, error) {
	if b.shown == nil {
		return p.rested(ctx)
	}
	again := time.NewTicker(b.every)
	defer again.Stop()
	for {
		done, err := b.has(ctx, t)
		if done {
			return time.Now(), nil
		}
		select {
		case <-ctx.Done():
			return time.Now(), errors.Join(fmt.Errorf("%s did not show all routes in time", b.name), err)
		case <-p.done:
			return time.Now(), fmt.Errorf("%s has ended", b.name)
		case <-again.C:
		}
	}
}

func (b *bed) has(ctx context.Context, t *table) (bool, error) {
	if b.ready != nil {
		return b.ready(ctx, b)
	}
	n, err := b.shown(ctx, b)
	return n == len(b.Peers)*t.total(), err
}

const (
	restful  = 1500 * time.Millisecond // with no more CPU time than this is rest
	little   = 2 * tick
	restLook = 20 * time.Millisecond
)

// rested waits until a process has used CPU time, and then none for a while. A table that is too small to show in CPU time
// counts as taken in when it should have shown.
func (p *process) rested(ctx context.Context) (time.Time, error) {
	began, last, at := time.Now(), p.usage().cpu, time.Now()
	worked := false
	for time.Since(at) < restful || !worked && time.Since(began) < 2*restful {
		select {
		case <-ctx.Done():
			return at, errors.New("it does not come to rest")
		case <-p.done:
			return at, errors.New("it has ended")
		case <-time.After(restLook):
		}
		if now := p.usage().cpu; now > last+little {
			last, at, worked = now, time.Now(), true
		}
	}
	return at, nil
}
