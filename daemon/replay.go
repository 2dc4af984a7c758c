package daemon

import (
	"fmt"
	"math"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/bgp/rib"
	"peervane/bgp/rpki"
	"peervane/config"
	"peervane/daemon/api"
	"peervane/daemon/incident"
	"peervane/daemon/notice"
)

// Replay is the daemon's engine on the clock of recorded routes. It opens nothing, sends nothing, and keeps its state in
// memory. It is a sink for recordings; one goroutine uses it.
type Replay struct {
	engine  *engine
	tell    func(notice.Notice) error
	now     time.Time
	summary ReplaySummary
}

// ReplaySummary counts what came out.
type ReplaySummary struct {
	Vantages                  int
	Firing, Updated, Resolved int
	Open                      int // incidents that hold at the end

	Relationships *api.Relationships // nil: no file of them is configured
}

// NewReplay makes a replay of a configuration; tell gets every notice in order. Channels, feeds and POPs of the
// configuration are ignored, and its peers but for the names, labels and connections of those that told a recording of our own: every
// other vantage is primary. Of RPKI data the files are read, once. singly tells
// every incident by itself, however many of a kind there are.
func NewReplay(cfg *config.Config, singly bool, tell func(notice.Notice) error, log *zap.Logger) (*Replay, error) {
	own := *cfg
	own.POPs, own.Channels, own.Feeds = nil, nil, nil
	options := incident.Options{Source: "replay", OurASN: cfg.Daemon.ASN, NewID: derivedID, Severity: cfg.Severity, Singly: singly}
	r := &Replay{engine: newEngine(&own, options, true, log), tell: tell}
	if cfg.RPKI.File != "" || cfg.RPKI.SLURM != "" {
		set, err := rpki.ReadSet(cfg.RPKI.File, cfg.RPKI.SLURM, time.Now())
		if err != nil {
			return nil, fmt.Errorf("read the RPKI data: %w", err)
		}
		r.engine.validated(set)
	}
	return r, nil
}

// Put takes the next record in: first all that was due before its time, then the record itself. A record that is older
// than the one before it is judged at the time that was reached: the clock never goes back.
func (r *Replay) Put(in bgp.Input) error {
	if err := r.Until(in.When()); err != nil {
		return err
	}
	r.engine.input(in)
	if s, ok := in.(bgp.Standing); ok && s.More {
		return nil // what is not told yet would be missed
	}
	return r.judge(in.When())
}

// Registered takes what was registered in the daemon that was recorded, for source.RecordingOptions. What was due before is judged by what
// was registered then.
func (r *Replay) Registered(at time.Time, before int, all []bgp.Registered) error {
	if err := r.Until(at); err != nil {
		return err
	}
	r.engine.relive(before, all)
	return nil
}

// Until judges what is due by then. Where a recording ends with records that nobody watches, its clock goes on to the last.
func (r *Replay) Until(at time.Time) error {
	for {
		due, ok := r.engine.next()
		if !ok || due.After(at) {
			return nil
		}
		if err := r.judge(due); err != nil {
			return err
		}
	}
}

func (r *Replay) judge(at time.Time) error {
	if at.After(r.now) {
		r.now = at
	}
	for r.engine.judge(r.now, math.MaxInt) { // what is to be sent ends a bite
	}
	for _, n := range r.engine.take().notices {
		if n.Held != "" {
			continue
		}
		if err := r.send(n); err != nil {
			return err
		}
	}
	return nil
}

func (r *Replay) send(n notice.Notice) error {
	s := &r.summary
	switch n.Status {
	case notice.Firing:
		s.Firing++
	case notice.Updated:
		s.Updated++
	case notice.Resolved:
		s.Resolved++
	}
	n.Delivery = derivedID(n.Incident, n.UpdatedAt.Time, s.Firing+s.Updated+s.Resolved)
	if err := r.tell(n); err != nil {
		return fmt.Errorf("write a notice: %w", err)
	}
	return nil
}

// Watched is what the engine wants to be told of.
func (r *Replay) Watched() *rib.Watched { return r.engine.watchedSet() }

// Summary says what was done so far.
func (r *Replay) Summary() ReplaySummary {
	s := r.summary
	s.Vantages = len(r.engine.vantages.list)
	s.Open = s.Firing - s.Resolved
	s.Relationships = r.engine.pictureOfRelationships()
	return s
}
