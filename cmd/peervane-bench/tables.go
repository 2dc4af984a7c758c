package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// series are the runs of one receiver with so many peers.
type series struct {
	*receiver
	runs []measurement
}

// tables measures every receiver with every number of peers, the receivers in turns, so that all find the machine alike.
func tables(ctx context.Context, o *options, t *table) error {
	chosen := choose(o)
	for _, peers := range o.peers {
		all := make([]series, len(chosen))
		for i, r := range chosen {
			all[i].receiver = r
		}
		for range o.runs {
			for i := range all {
				m, err := measure(ctx, o, all[i].receiver, t, peers)
				if err == nil {
					err = all[i].check(o, m, t, peers)
				}
				switch {
				case ctx.Err() != nil:
					return ctx.Err()
				case err != nil: // it does not keep the others from being measured
					fmt.Fprintf(os.Stderr, "%s with %d peers: %v\n", all[i].name, peers, err)
				default:
					all[i].runs = append(all[i].runs, m)
				}
			}
		}
		show(peers, all)
	}
	return nil
}

// choose gives the receivers that are wanted and can run, and says what they are.
func choose(o *options) (out []*receiver) {
	for _, r := range receivers {
		wanted := func(word string) bool { return strings.Contains(strings.ToLower(r.name), strings.ToLower(word)) }
		if !slices.ContainsFunc(strings.Split(o.only, ","), wanted) {
			continue
		}
		if why := r.missing(); why != "" {
			fmt.Printf("- %s: left out: %s\n", r.name, why)
			continue
		}
		fmt.Printf("- %s: %s\n", r.name, r.versionLine(o))
		out = append(out, r)
	}
	fmt.Println()
	return out
}

// check holds the routes that a receiver shows against those that were sent.
func (s *series) check(o *options, m measurement, t *table, peers int) error {
	want := peers * t.total()
	if s.watched {
		want = peers * t.related(t.sample(o.watched))
	}
	if m.routes >= 0 && m.routes != want {
		return fmt.Errorf("%s with %d peers shows %d routes, but was sent %d", s.name, peers, m.routes, want)
	}
	return nil
}

func show(peers int, all []series) {
	base := slices.IndexFunc(all, func(s series) bool { return s.receiver == birdShared && len(s.runs) > 0 })
	fmt.Printf("| %d peer(s) | time, s | CPU, s | peak, MB | settled, MB | over idle, MB | faster than BIRD | of its memory |\n|---|---|---|---|---|---|---|---|\n", peers)
	for _, s := range all {
		if len(s.runs) == 0 {
			fmt.Printf("| %s | failed | | | | | | |\n", s.name)
			continue
		}
		times, rest := s.of(func(m measurement) float64 { return m.took.Seconds() }), s.of(func(m measurement) float64 { return megabytes(m.rest) })
		faster, smaller := "", ""
		if base >= 0 {
			faster = fmt.Sprintf("%.1f x", all[base].of(func(m measurement) float64 { return m.took.Seconds() }).median()/times.median())
			smaller = fmt.Sprintf("%.0f %%", 100*rest.median()/all[base].of(func(m measurement) float64 { return megabytes(m.rest) }).median())
		}
		fmt.Printf("| %s | %s | %s | %s | %s | %s | %s | %s |\n", s.name, times.text(3),
			s.of(func(m measurement) float64 { return m.cpu.Seconds() }).text(2),
			s.of(func(m measurement) float64 { return megabytes(m.peak) }).text(0), rest.text(0),
			s.of(func(m measurement) float64 { return megabytes(m.rest - m.idle) }).text(0), faster, smaller)
	}
	fmt.Println()
}

func megabytes(n int64) float64 { return float64(n) / 1e6 }

// figures are one figure of all runs, sorted.
type figures []float64

func (s *series) of(figure func(measurement) float64) figures {
	var out figures
	for _, m := range s.runs {
		out = append(out, figure(m))
	}
	slices.Sort(out)
	return out
}

func (f figures) median() float64 { return f[len(f)/2] }

// text is the median, and the least and the most where there are several.
func (f figures) text(digits int) string {
	if len(f) == 1 {
		return fmt.Sprintf("%.*f", digits, f[0])
	}
	return fmt.Sprintf("%.*f (%.*f–%.*f)", digits, f.median(), digits, f[0], digits, f[len(f)-1])
}

// percentile sorts durations, and gives one of them.
func percentile(list []time.Duration, q float64) time.Duration {
	slices.Sort(list)
	return list[min(int(q*float64(len(list))), len(list)-1)]
}
