package daemon

import (
	"context"
	"math"
	"time"

	"peervane/daemon/api"
	"peervane/daemon/join"
	"peervane/daemon/notice"
	"peervane/probe/stats"
)

func (e *engine) pictureOfPOPs(now time.Time) []api.POP {
	probes := map[string][]api.Probe{}
	nearest := map[string]bool{}
	reports := e.plane.Reports(now)
	hints := e.places.hints(reports)
	for _, r := range reports {
		probes[r.POP] = append(probes[r.POP], probeOf(r))
		nearest[r.POP] = nearest[r.POP] || r.Nearest
	}
	var out []api.POP
	for _, c := range e.cfg.POPs {
		p := api.POP{
			Name: c.Name, Service: c.Service, City: c.City, Nearest: nearest[c.Name], Hints: some(hints[c.Name]), Probes: some(probes[c.Name]),
		}
		if km, known := e.places.distance(c.Name); known {
			km = math.Round(km)
			p.DistanceKM, p.FloorMS = &km, ms(stats.FibreFloor(km))
		}
		out = append(out, p)
	}
	return out
}

func probeOf(r join.Report) api.Probe {
	p := api.Probe{Address: r.Addr, Method: r.Method, Nearest: r.Nearest, LastAt: notice.At(r.Last), Figures: figures(r.Summary)}
	if r.Source.IsValid() {
		p.Source = r.Source.String()
	}
	if r.Offender.IsValid() {
		p.Offender = r.Offender.String()
	}
	if r.Median > 0 {
		p.LastMS = ms(r.Median)
	}
	return p
}

func figures(s stats.Summary) api.Figures {
	f := api.Figures{
		Sent: s.Sent, Received: s.Received, Late: s.Late, Duplicate: s.Duplicate, Refused: s.Refused,
		Unreachable: s.Unreachable, Lost: s.Lost, LocalDrop: s.LocalDrop, Foreign: s.Foreign, Loss: s.Loss(), TSSource: s.TSSource,
	}
	if s.RTTs > 0 {
		f.MinMS, f.P50MS, f.P95MS = ms(s.Min), ms(s.P50), ms(s.P95)
		f.P99MS, f.MaxMS, f.JitterMS = ms(s.P99), ms(s.Max), ms(s.Jitter())
	}
	return f
}

func ms(d time.Duration) *float64 {
	f := float64(d.Microseconds()) / 1000
	return &f
}

// Transits asks the engine what each AS on the way has meant for the latency.
func (d *Daemon) Transits(ctx context.Context) ([]api.Transit, error) {
	var known []join.Transit
	if !d.call(ctx, func() { known = d.engine.plane.Transits() }) {
		return nil, context.Cause(ctx)
	}
	var out []api.Transit
	for _, t := range known {
		out = append(out, api.Transit{ASN: t.ASN, CostMS: *ms(t.Cost), POPs: t.POPs, With: t.With, Without: t.Without})
	}
	return out, nil
}
