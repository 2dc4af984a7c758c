package daemon

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"peervane/config"
	"peervane/daemon/incident"
	"peervane/daemon/join"
	"peervane/daemon/notice"
	"peervane/daemon/store"
)

// kindReigns is the kind of state under which it is kept which POPs are the nearest.
const kindReigns = "nearest"

// nearest records that the nearest POP of a service is another one.
func (e *engine) nearest(change join.Change, at time.Time) {
	e.record(event{at: at, typ: "pop_change", severity: notice.Info, pop: change.To, detail: describeChange(change)})
	e.reigns.touched = true
}

// reigns is when the nearest POPs must be judged: now, or at a time.
type reigns struct {
	touched bool
	due     time.Time
	waits   []string // POPs of which the next batch is waited for: what is found is not certain yet
	kept    []byte   // as they were written last
}

var nearestScope = incident.Scope{Kind: incident.Service, Subject: "nearest"}

// judgeNearest finds the services whose nearest POP is not the usual one.
func (e *engine) judgeNearest(now time.Time) {
	if !e.reigns.touched && (e.reigns.due.IsZero() || now.Before(e.reigns.due)) {
		return
	}
	if e.uplink.holds { // what is nearest is judged once that is over
		e.reigns.touched, e.reigns.due, e.reigns.waits = true, time.Time{}, nil
		return
	}
	findings, due := e.plane.Usurped(now)
	if len(findings) > 0 {
		hints := e.places.hints(e.plane.Reports(now))
		for i := range findings {
			findings[i].Hints = hints[findings[i].POP]
		}
	}
	findings = e.held(findings)
	e.reigns.touched, e.reigns.due, e.reigns.waits = false, due, nil
	for i := range findings {
		if f := &findings[i]; f.Quiet {
			e.reigns.waits = append(e.reigns.waits, f.POP)
		}
	}
	e.keepReigns()
	e.tell(e.book.Reconcile(nearestScope, findings, now, incident.World{}), now)
}

// describeChange says why the nearest POP is another one.
func describeChange(c join.Change) string {
	if c.From == "" {
		return fmt.Sprintf("%s: %s is the nearest (%s)", c.Contest, c.To, inMillis(c.After))
	}
	return fmt.Sprintf("%s: %s (%s) after %s (%s): %s", c.Contest, c.To, inMillis(c.After), c.From, inMillis(c.Before), c.Reason)
}

// inMillis tells the lowest round-trip time of a POP.
func inMillis(d time.Duration) string {
	if d == 0 {
		return "no answer"
	}
	return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
}

// keepReigns has written which POPs are the nearest, where that has changed.
func (e *engine) keepReigns() {
	reigns := e.plane.Reigns()
	if len(reigns) == 0 && e.reigns.kept == nil {
		return
	}
	b, err := json.Marshal(reigns)
	if err != nil {
		e.log.Error("nearest POPs cannot be encoded", zap.Error(err))
		return
	}
	if !bytes.Equal(b, e.reigns.kept) {
		e.reigns.kept, e.out.reigns = b, b
	}
}

// resumeReigns goes on from what an earlier run kept, where the POP still serves what it was the nearest of.
func (e *engine) resumeReigns(kept []byte) {
	if kept == nil {
		return
	}
	var reigns []join.Reign
	if err := json.Unmarshal(kept, &reigns); err != nil {
		e.log.Error("which POPs were the nearest cannot be read, going on without it", zap.Error(err))
		return
	}
	for _, r := range reigns {
		if slices.ContainsFunc(e.cfg.POPs, func(p config.POP) bool { return p.Name == r.Latest.To && p.Service == r.Service }) {
			e.plane.Resume(r)
		}
	}
}

// reignRows makes the row of which POPs are the nearest; none where that is not news.
func reignRows(reigns []byte) []store.KV {
	if reigns == nil {
		return nil
	}
	return []store.KV{{Kind: kindReigns, Key: "all", Value: reigns}}
}
