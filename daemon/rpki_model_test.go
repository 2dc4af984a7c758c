package daemon

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"peervane/bgp/rpki"
	"peervane/config"
)

// ageModel knows of rpki_stale what its page says: no VRPs, or no ASPAs where there ever were some, that are newer than allowed;
// to have no data yet is no recovery.
type ageModel struct {
	vrps, aspas rpki.Provenance
	after       time.Duration
	sourced     bool
	open        bool
}

// begin is a validator that has just started.
func (m *ageModel) begin(now time.Time) {
	m.vrps, m.aspas = rpki.Provenance{Fetched: now, Offered: true}, rpki.Provenance{Fetched: now}
}

func (m *ageModel) set() *rpki.Set {
	if !m.sourced {
		return &rpki.Set{}
	}
	return &rpki.Set{VRPs: m.vrps, ASPAs: m.aspas}
}

func (m *ageModel) see(now time.Time) {
	old := func(p rpki.Provenance) bool { return p.Offered && now.Sub(p.Fetched) >= m.after }
	switch {
	case !m.sourced:
		m.open = false
	case old(m.vrps) || old(m.aspas):
		m.open = true
	case m.vrps.Source != "":
		m.open = false
	}
}

// After random data, expiries, reloads, restarts and waits rpki_stale stands when the model says so.
func TestRPKIStaleEqualsTheModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		m := &ageModel{after: 2 * time.Hour, sourced: true}
		cfg := func() *config.Config {
			c := twoPeers(registered("203.0.113.0/24", 64496))
			if c.RPKI.StaleAfter = m.after; m.sourced {
				c.RPKI.File = "rpki.json"
			}
			return c
		}
		w := newWorld(t, cfg())
		m.begin(w.now)
		given := func() rpki.Provenance {
			age := time.Duration(rapid.IntRange(0, 180).Draw(r, "age")) * time.Minute
			return rpki.Provenance{Source: "rpki.json", Fetched: w.now.Add(-age), Offered: true}
		}
		for range rapid.IntRange(5, 40).Draw(r, "steps") {
			switch rapid.SampledFrom([]string{"vrps", "aspas", "expire", "wait", "wait", "limit", "source", "restart"}).Draw(r, "op") {
			case "vrps":
				m.vrps = given()
			case "aspas":
				m.aspas = given()
			case "expire":
				m.vrps.Source, m.aspas.Source = "", ""
			case "wait":
				w.pass(time.Duration(rapid.IntRange(1, 200).Draw(r, "minutes")) * time.Minute)
			case "limit":
				m.after = time.Duration(rapid.IntRange(1, 5).Draw(r, "hours")) * time.Hour
				w.engine.reload(cfg())
			case "source":
				m.sourced = !m.sourced
				m.begin(w.now)
				w.engine.reload(cfg())
			case "restart":
				w = w.restart()
				m.begin(w.now)
			}
			w.engine.validated(m.set())
			w.tell()
			m.see(w.now)
			var open []string
			for _, rec := range w.engine.book.Records() {
				if rec.Cleared.IsZero() { // one that flaps stays open a while longer
					open = append(open, rec.Notice.Type)
				}
			}
			if slices.Contains(open, "rpki_stale") != m.open {
				r.Fatalf("open: %v; the model: %+v at %s", open, *m, w.now)
			}
		}
	})
}
