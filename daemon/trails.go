package daemon

import (
	"encoding/json"
	"time"

	"go.uber.org/zap"

	"peervane/daemon/join"
	"peervane/daemon/store"
)

// kindTrails is the kind of state under which it is kept what the paths to each POP have meant for the latency.
const kindTrails = "trails"

// trailsRate is how often that is written, where it has changed.
const trailsRate = 10 * time.Minute

// keepTrails has what has changed written from time to time.
func (e *engine) keepTrails(now time.Time) {
	if now.Sub(e.trailsKept) >= trailsRate {
		e.out.trails = append(e.out.trails, e.plane.TrailsSince(e.trailsKept)...)
		e.trailsKept = now
	}
}

// rememberTrails goes on from what an earlier run kept. What belongs to a POP that is no longer configured is deleted.
func (e *engine) rememberTrails(kept [][]byte) {
	for _, b := range kept {
		var t join.Trails
		if err := json.Unmarshal(b, &t); err != nil {
			e.log.Error("what the paths to a POP meant cannot be read, going on without it", zap.Error(err))
			continue
		}
		if e.pops.byName[t.Flow.POP] == nil {
			e.out.trails = append(e.out.trails, join.Trails{Flow: t.Flow})
			continue
		}
		e.plane.Remember(t)
	}
}

// trails makes rows; one without paths is deleted.
func (p *publisher) trails(changed []join.Trails) (out []store.KV) {
	for i := range changed {
		t := &changed[i]
		kv := store.KV{Kind: kindTrails, Key: t.Key()}
		if len(t.Paths) > 0 {
			value, err := json.Marshal(t)
			if err != nil {
				p.log.Error("what the paths to a POP meant cannot be encoded", zap.String("flow", t.Key()), zap.Error(err))
				continue
			}
			kv.Value = value
		}
		out = append(out, kv)
	}
	return out
}
