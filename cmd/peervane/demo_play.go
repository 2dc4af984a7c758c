package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"peervane/daemon/api"
	"peervane/daemon/notice"
)

// demoPlay is what a play needs besides a page and a stage.
type demoPlay struct {
	dir    string // for the configuration, the log and the state
	pace   float64
	why    error // there is no miniature internet; nil: there is, or nobody asked for it
	stderr io.Writer
}

// demoPlayer tells the story, and holds the daemon to it.
type demoPlayer struct {
	page     *demoPage
	stage    *demoStage
	daemon   *demoDaemon
	receiver *demoReceiver
	pace     float64

	sent    time.Time       // just before the first UPDATE of the scene
	settled time.Time       // when its last one was found in the daemon's table
	scene   []demoArrival   // the alerts that came since
	all     []demoArrival   // every alert
	seen    map[string]bool // deliveries: each may come twice
	open    map[string]bool // incidents that have fired and not resolved
}

// playDemo starts all that takes part, tells the story, and ends them in reverse.
func playDemo(ctx context.Context, page *demoPage, stage *demoStage, play demoPlay) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	receiver, err := newDemoReceiver(ctx, key)
	if err != nil {
		return err
	}
	d, err := newDemoDaemon(ctx, play.dir, stage, receiver, "whsec_"+base64.StdEncoding.EncodeToString(key))
	if err != nil {
		return errors.Join(err, receiver.listener.Close())
	}
	p := &demoPlayer{
		page: page, stage: stage, daemon: d, receiver: receiver, pace: play.pace,
		seen: map[string]bool{}, open: map[string]bool{},
	}
	p.opening(play.why)
	p.announce(demoBefore)
	endWorld := background(ctx, fail, receiver.run, stage.transits[transitA].run, stage.transits[transitB].run)
	endDaemon := background(ctx, fail, d.Run)
	err = p.tell(ctx)
	endDaemon()
	endWorld()
	if cause := context.Cause(ctx); cause != nil {
		err = cause // whatever else went wrong follows from it
	}
	if err != nil && err != page.err && !errors.Is(err, context.Canceled) {
		fmt.Fprintf(play.stderr, "The end of the daemon's log:\n%s\n", d.logTail(20))
	}
	return errors.Join(err, d.close())
}

func (t *demoTransit) run(ctx context.Context) error { return t.serve(ctx, t.listener) }

// background runs tasks until the returned function ends them, and waits for them. One that fails ends the demo.
func background(ctx context.Context, fail context.CancelCauseFunc, tasks ...func(context.Context) error) (end func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	for _, task := range tasks {
		running.Go(func() {
			if err := task(ctx); err != nil {
				fail(err)
			}
		})
	}
	return func() { cancel(); running.Wait() }
}

// tell tells every chapter that the stage allows.
func (p *demoPlayer) tell(ctx context.Context) error {
	n := 0
	for _, c := range demoChapters {
		if c.needs != nil && !c.needs(p.stage) {
			continue
		}
		n++
		p.page.heading(fmt.Sprintf("%d  %s", n, c.title))
		for i := range c.scenes {
			if i > 0 {
				p.page.gap()
			}
			if err := p.play(ctx, &c.scenes[i]); err != nil {
				return err
			}
		}
	}
	if err := p.checkAll(); err != nil {
		return err
	}
	p.closing()
	return p.page.err
}

// play lets one thing happen, and waits for what must come of it.
func (p *demoPlayer) play(ctx context.Context, s *demoScene) error {
	p.page.scene(s)
	p.scene = nil
	if s.move != nil && p.stage.internet != nil {
		if err := s.move(p.stage.internet); err != nil {
			return err
		}
	}
	p.sent = time.Now()
	p.announce(s.updates)
	for _, u := range s.updates {
		p.page.update(p.stage.transits[u.transit], u)
	}
	if err := p.await(ctx, s.expect); err != nil {
		return err
	}
	if err := p.settle(ctx, s.updates); err != nil {
		return err
	}
	for _, show := range s.show {
		if err := show(ctx, p); err != nil {
			return err
		}
	}
	return p.rest(ctx, s.pause)
}

// announce has the routers say what they are to say.
func (p *demoPlayer) announce(updates []demoUpdate) {
	for _, u := range updates {
		p.stage.transits[u.transit].announce(u.prefix, u.path...)
	}
}

// await waits for alerts; others that come meanwhile are told too.
func (p *demoPlayer) await(ctx context.Context, alerts []demoAlert) error {
	late := time.NewTimer(demoPatience)
	defer late.Stop()
	for _, want := range alerts {
		if want.measured && !p.stage.measures() {
			continue
		}
		for !p.came(want) {
			select {
			case a := <-p.receiver.arrivals:
				p.arrived(a)
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-late.C:
				return fmt.Errorf("no alert came in %s: %s", demoPatience, want)
			}
		}
	}
	return p.page.err
}

func (p *demoPlayer) came(want demoAlert) bool {
	return p.first(func(n *notice.Notice) bool {
		return n.Type == want.kind && (want.status == "" || n.Status == want.status) && n.Offending == want.offending &&
			(!want.measured || measured(n))
	}) != nil
}

// arrived tells of an alert.
func (p *demoPlayer) arrived(a demoArrival) {
	n := &a.notice
	if p.seen[n.Delivery] {
		return
	}
	p.seen[n.Delivery] = true
	if n.Status == notice.Resolved {
		delete(p.open, n.Incident)
	} else {
		p.open[n.Incident] = true
	}
	a.after = a.at.Sub(p.sent)
	p.scene, p.all = append(p.scene, a), append(p.all, a)
	p.page.raw(a.body)
	p.page.alert(&a)
}

// settle waits until the daemon's table holds what was announced.
func (p *demoPlayer) settle(ctx context.Context, updates []demoUpdate) error {
	for _, u := range updates {
		t := p.stage.transits[u.transit]
		want := pathText(t.asn, u.path)
		err := p.until(ctx, fmt.Sprintf("the table lacks %s from %s", u.prefix, t.name), func() (bool, error) {
			p.settled = time.Now()
			routes, err := p.daemon.routes(ctx, u.prefix)
			for _, r := range routes {
				if r.Vantage == t.name && r.Prefix == u.prefix && r.ASPath == want {
					return true, nil
				}
			}
			return false, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

const askAgain = 20 * time.Millisecond

// until asks until the answer is yes. An error of the daemon's API is none for as long as there is patience.
func (p *demoPlayer) until(ctx context.Context, otherwise string, yes func() (bool, error)) error {
	late := time.NewTimer(demoPatience)
	defer late.Stop()
	again := time.NewTicker(askAgain)
	defer again.Stop()
	for {
		ok, err := yes()
		if ok {
			return nil
		}
		select {
		case a := <-p.receiver.arrivals:
			p.arrived(a)
		case <-again.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-late.C:
			return errors.Join(fmt.Errorf("after %s %s", demoPatience, otherwise), err)
		}
	}
}

// rest gives the reader time. Alerts are told when they come.
func (p *demoPlayer) rest(ctx context.Context, d time.Duration) error {
	if p.page.err != nil {
		return p.page.err
	}
	over := time.NewTimer(time.Duration(p.pace * float64(d)))
	defer over.Stop()
	for {
		select {
		case a := <-p.receiver.arrivals:
			p.arrived(a)
		case <-over.C:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// checkAll holds the alerts to their promise: each incident fires, and resolves under the id under which it fired.
func (p *demoPlayer) checkAll() error {
	for i := range p.all {
		n, first := &p.all[i].notice, true
		for _, earlier := range p.all[:i] {
			first = first && earlier.notice.Incident != n.Incident
		}
		if first != (n.Status == notice.Firing) {
			return fmt.Errorf("incident %s came as %s out of turn: %s", n.Incident, n.Status, n.Summary)
		}
	}
	if len(p.open) > 0 {
		return fmt.Errorf("%d incidents did not resolve", len(p.open))
	}
	return nil
}

// routes asks for what the vantages hold of a prefix, what covers it and what it holds.
func (d *demoDaemon) routes(ctx context.Context, prefix fmt.Stringer) (routes []api.Route, err error) {
	return routes, d.get(ctx, "/api/v1/routes?prefix="+prefix.String(), &routes)
}
