package daemon

import (
	"fmt"
	"net/netip"
	"time"

	"peervane/config"
	"peervane/daemon/join"
	"peervane/probe/stats"
)

const (
	// placeError is how far off the coordinates of a city may be, both ends together, in kilometres.
	placeError = 100
	// A nearest POP is far if it is so many kilometres and so many times farther away than one that answers.
	farBy    = 500
	farTimes = 2
)

// places are where this host and the POPs stand, as far as that is configured.
type places struct {
	here  stats.Place
	known bool
	pops  map[string]stats.Place
}

// placesOf takes the place of this host from [probe], or from the connections, where all that have one have the same.
func placesOf(cfg *config.Config) places {
	p := places{pops: map[string]stats.Place{}}
	for _, pop := range cfg.POPs {
		if pop.Located {
			p.pops[pop.Name] = stats.Place{Latitude: pop.Latitude, Longitude: pop.Longitude}
		}
	}
	if cfg.Probe.Located {
		p.here, p.known = stats.Place{Latitude: cfg.Probe.Latitude, Longitude: cfg.Probe.Longitude}, true
		return p
	}
	for _, c := range cfg.Connections {
		at := stats.Place{Latitude: c.Latitude, Longitude: c.Longitude}
		switch {
		case !c.Located:
		case p.known && p.here != at:
			p.known = false
			return p
		default:
			p.here, p.known = at, true
		}
	}
	return p
}

// distance of a POP in kilometres.
func (p places) distance(pop string) (km float64, known bool) {
	at, located := p.pops[pop]
	return p.here.Distance(at), p.known && located
}

// hints tell what does not fit the places: an answer that is faster than light, and a nearest POP that is far away.
func (p places) hints(reports []join.Report) map[string][]string {
	hints := map[string][]string{}
	if !p.known {
		return hints
	}
	closest := p.closest(reports)
	for _, r := range reports {
		km, known := p.distance(r.POP)
		if !known || r.RTTs == 0 {
			continue
		}
		if floor := stats.FibreFloor(km - placeError); r.Min < floor {
			hints[r.POP] = append(hints[r.POP], fmt.Sprintf("%s %s answers within %s, and light in fibre takes %s for the %.0f km: "+
				"something nearer answers (anycast, a proxy), or the coordinates are wrong", r.Addr, r.Method, inMS(r.Min), inMS(stats.FibreFloor(km)), km))
		}
		other := closest[arenaOf(r)]
		near, _ := p.distance(other.POP)
		if r.Nearest && other.POP != r.POP && km >= near+farBy && km >= farTimes*near {
			hints[r.POP] = append(hints[r.POP], fmt.Sprintf("%s, %.0f km away, is the nearest by latency (%s); %s, %.0f km away, takes %s: "+
				"the way there is a detour", r.POP, km, inMS(r.Min), other.POP, near, inMS(other.Min)))
		}
	}
	for pop, texts := range hints {
		hints[pop] = unique(texts)
	}
	return hints
}

// arena is what POPs are compared in.
type arena struct {
	service string
	v6      bool
	source  netip.Addr
}

func arenaOf(r join.Report) arena { return arena{r.Service, r.Addr.Is6(), r.Source} }

// closest finds in each arena the POP that is the closest on the map of those that answered their latest batch.
func (p places) closest(reports []join.Report) map[arena]join.Report {
	out := map[arena]join.Report{}
	for _, r := range reports {
		km, known := p.distance(r.POP)
		if !known || r.Median == 0 {
			continue
		}
		best, found := out[arenaOf(r)]
		if least, _ := p.distance(best.POP); !found || km < least {
			out[arenaOf(r)] = r
		}
	}
	return out
}

func inMS(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

// unique keeps the first of those that are equal.
func unique(texts []string) (out []string) {
	seen := map[string]bool{}
	for _, t := range texts {
		if !seen[t] {
			out = append(out, t)
		}
		seen[t] = true
	}
	return out
}
