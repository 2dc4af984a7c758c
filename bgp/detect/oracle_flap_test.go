package detect_test

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// flapping adds up all that ever happened to each path of each site, from the beginning.
func (o *oracle) flapping() []string {
	var bad []string
	var since time.Time
	for _, path := range o.flapped() {
		if over := o.over(path); !over.IsZero() {
			bad = append(bad, path[:2])
			since = earliest(since, over)
		}
	}
	if bad == nil {
		return nil
	}
	return []string{o.line("flapping", "warning", exact, 0, slices.Compact(bad), since, nil)}
}

func nameOf(vantage string, id uint32) string { return fmt.Sprint(vantage, "/", id) }

// flapped names the paths to which anything happened.
func (o *oracle) flapped() (paths []string) {
	for _, f := range o.lab.flaps {
		paths = append(paths, nameOf(f.Vantage, f.PathID))
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// over says since when a path flaps: over 6,000, and not yet at 750 again.
func (o *oracle) over(path string) (since time.Time) {
	figure, at := 0.0, o.lab.now
	decay := func(now time.Time) {
		figure *= math.Pow(0.5, now.Sub(at).Minutes()/15)
		at = now
		if figure <= 750 {
			since = time.Time{}
		}
	}
	for _, f := range o.lab.flaps {
		if nameOf(f.Vantage, f.PathID) != path {
			continue
		}
		decay(f.At)
		figure = math.Min(figure+1000*float64(f.Withdrawn)+500*float64(f.Changed), 12000)
		if figure > 6000 && since.IsZero() {
			since = f.At
		}
	}
	decay(o.lab.now)
	return since
}
