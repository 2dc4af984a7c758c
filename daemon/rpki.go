package daemon

import (
	"context"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/bgp/rpki"
	"peervane/config"
	"peervane/daemon/api"
	"peervane/daemon/incident"
	"peervane/daemon/notice"
)

// validation keeps RPKI data up to date as the configuration asks. The engine takes each new set when it is woken.
type validation struct {
	log   *zap.Logger
	wake  chan struct{}
	fresh atomic.Pointer[rpki.Set] // not taken yet
	last  atomic.Pointer[rpki.Set] // stands in while other sources load

	mu        sync.Mutex
	config    config.RPKI
	validator *rpki.Validator
	changed   chan struct{}
}

func newValidation(log *zap.Logger, wake chan struct{}) *validation {
	return &validation{log: log.Named("rpki"), wake: wake, changed: make(chan struct{}, 1)}
}

// sourced says whether a configuration names any source of RPKI data.
func sourced(c config.RPKI) bool { return len(c.RTR) > 0 || c.File != "" }

// set applies a configuration. Sources that stay are left untouched, but the SLURM file is read again.
func (v *validation) set(c config.RPKI) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if reflect.DeepEqual(c, v.config) {
		if v.validator != nil {
			v.validator.Reload()
		}
		return
	}
	v.config, v.validator = c, nil
	if sourced(c) {
		v.validator = rpki.New(rpki.Config{
			RTR: c.RTR, File: c.File, SLURM: c.SLURM, StaleAfter: c.StaleAfter, Previous: v.last.Load(),
		}, v.log, v.publish)
	} else {
		v.publish(&rpki.Set{})
	}
	signal(v.changed)
}

// publish is called with each new set.
func (v *validation) publish(s *rpki.Set) {
	v.last.Store(s)
	v.fresh.Store(s)
	signal(v.wake)
}

// run fetches until ctx ends, from other sources whenever the configuration names others.
func (v *validation) run(ctx context.Context) error {
	for ctx.Err() == nil {
		validator := v.current()
		inner, cancel := context.WithCancel(ctx)
		var running sync.WaitGroup
		if validator != nil {
			running.Go(func() { _ = validator.Run(inner) }) // always nil
		}
		for ctx.Err() == nil && v.current() == validator {
			select {
			case <-ctx.Done():
			case <-v.changed:
			}
		}
		cancel()
		running.Wait()
	}
	return nil
}

func (v *validation) current() *rpki.Validator {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.validator
}

// picture shows what is in force, and what of the sources fails.
func (v *validation) picture() *api.RPKI {
	validator := v.current()
	if validator == nil {
		return nil
	}
	st := validator.Status()
	vrps, aspas := st.Set.Size()
	shown := &api.RPKI{VRPs: rpkiData(vrps, st.Set.VRPs), ASPAs: rpkiData(aspas, st.Set.ASPAs), Errors: []string{}}
	for _, c := range st.Caches {
		if c.Error != "" && c.State != "synced" {
			shown.Errors = append(shown.Errors, c.URL+": "+c.Error)
		}
	}
	for _, f := range []rpki.FileStatus{st.File, st.SLURM} {
		if f.Error != "" {
			shown.Errors = append(shown.Errors, f.Error) // it names the file
		}
	}
	return shown
}

func rpkiData(records int, p rpki.Provenance) api.RPKIData {
	d := api.RPKIData{Records: records, Source: p.Source}
	if p.Source != "" {
		d.At = notice.At(p.Fetched)
	}
	return d
}

// validated puts a new set in force, and asks for exactly the routes to be judged again that it touches. It says whether paths
// can have other verdicts, watched or not.
func (e *engine) validated(set *rpki.Set) (paths bool) {
	diff := rpki.Compare(e.settings.RPKI, set)
	e.reviewUnjudged(e.settings.RPKI, set)
	e.settings.RPKI = set
	e.rpki.touched = true
	if diff.Empty() {
		return false
	}
	other := &change{}
	for p, entry := range e.table.byPrefix.AllSorted() {
		if reg := e.regs.owner(p); reg != nil && touched(diff, p, entry) {
			entry.anew = other
			e.agenda.review(scope{reg.Prefix, p})
		}
	}
	return len(diff.Customers) > 0
}

func touched(diff *rpki.Diff, p netip.Prefix, entry *entry) bool {
	if diff.TouchesPrefix(p) {
		return true
	}
	var last *bgp.Path
	for _, h := range entry.held {
		if h.attrs == nil || h.attrs.Path == last {
			continue
		}
		last = h.attrs.Path
		if diff.TouchesPath(last) {
			return true
		}
	}
	return false
}

// dataAge is when the age of the RPKI data must be judged: now, or at a time.
type dataAge struct {
	touched bool
	due     time.Time
}

// rpkiScope is where the age of the data is judged.
var rpkiScope = incident.Scope{Kind: incident.Service, Subject: "rpki"}

// judgeRPKI says when the data is too old to be relied on. In a replay the data is of another day than the clock.
func (e *engine) judgeRPKI(now time.Time) {
	if !e.rpki.touched && (e.rpki.due.IsZero() || now.Before(e.rpki.due)) {
		return
	}
	e.rpki = dataAge{}
	if !sourced(e.cfg.RPKI) || e.settings.Replay {
		e.tell(e.book.Reconcile(rpkiScope, nil, now, incident.World{Reason: notice.ReasonConfig}), now)
		return
	}
	set := e.settings.RPKI
	if set.VRPs.Fetched.IsZero() {
		return // the first set, which may hold nothing, is still to come
	}
	var findings []bgp.Finding
	findings, e.rpki.due = staleData(set, e.cfg.RPKI.StaleAfter, now)
	if len(findings) == 0 && set.VRPs.Source == "" {
		return // to have no data yet is no recovery from what was told before a restart
	}
	e.tell(e.book.Reconcile(rpkiScope, findings, now, incident.World{}), now)
}

// staleData finds each kind of data that is expected and older than allowed. due is when the next will be.
func staleData(set *rpki.Set, after time.Duration, now time.Time) (findings []bgp.Finding, due time.Time) {
	var old []string
	var since time.Time
	for _, kind := range []struct {
		name string
		rpki.Provenance
	}{{"VRPs", set.VRPs}, {"ASPAs", set.ASPAs}} {
		if kind.name == "ASPAs" && !kind.Offered {
			continue // no source ever had any: nobody relies on them
		}
		ends := kind.Fetched.Add(after)
		if now.Before(ends) {
			due = earliest(due, ends)
			continue
		}
		old = append(old, describeAge(kind.name, kind.Provenance))
		since = earliest(since, ends)
	}
	if len(old) == 0 {
		return nil, due
	}
	return []bgp.Finding{{
		Type: notice.RPKIStale, Severity: notice.Warning.String(), Since: since,
		Summary: "RPKI data is too old to be relied on: " + strings.Join(old, "; "),
	}}, due
}

func describeAge(kind string, p rpki.Provenance) string {
	if p.Source == "" && !p.Offered {
		return fmt.Sprintf("no %s since %s, no source has given any", kind, p.Fetched.UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf("%s last confirmed at %s by %s", kind, p.Fetched.UTC().Format(time.RFC3339), p.Source)
}
