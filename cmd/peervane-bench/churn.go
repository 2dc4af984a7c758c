package main

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"peervane/bgp"
	"peervane/bgp/wire"
)

// round is what the churn says in one go over its prefixes: each of them is announced by one of two paths, or withdrawn.
type round struct {
	stream []byte
	ends   []int // of each UPDATE
	paths  []string
}

const (
	churned = 200_000              // prefixes at most
	slice   = 5 * time.Millisecond // the rate is kept over so long
	rounds  = 3
)

// churn loads a full table, changes it at a steady rate for a long time, and looks whether memory grows, an UPDATE is lost, or
// the processor is kept busy.
func churn(ctx context.Context, o *options, t *table) error {
	b, err := peervaneFull.newBed(o, t, 1)
	if err != nil {
		return err
	}
	defer b.remove()
	p, err := start(b.command(b))
	if err != nil {
		return err
	}
	defer p.stop()
	s, err := connect(ctx, b.listen(), 0)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.send(t.of(s.asn)); err != nil {
		return err
	}
	if _, err := b.whole(ctx, p, t); err != nil {
		return err
	}
	prefixes := t.churnable()
	plan := makeRounds(s.asn, prefixes)
	time.Sleep(o.settle)
	sent, last, sizes, before := 0, 0, []int64{}, p.usage()
	began := time.Now()
	for ctx.Err() == nil && time.Since(began) < o.duration {
		last = sent / len(prefixes) % rounds
		n, err := plan[last].say(ctx, o, s, sent, began)
		if err != nil {
			return err
		}
		sent += n
		sizes = append(sizes, p.usage().resident)
	}
	took, after := time.Since(began), p.usage()
	if err := b.churned(ctx, o, t, plan[last], prefixes, sent); err != nil {
		return err
	}
	third := len(sizes) / 3
	fmt.Printf("%d UPDATEs in %.0f s (%.0f a second), none lost. Memory: %.0f MB after a third of the time, %.0f MB in the end, %.0f MB at most. "+
		"All of the process took %.0f %% of one core.\n\n", sent, took.Seconds(), float64(sent)/took.Seconds(), megabytes(sizes[third]),
		megabytes(sizes[len(sizes)-1]), megabytes(after.top), 100*(after.cpu-before.cpu).Seconds()/took.Seconds())
	return nil
}

// churnable gives one prefix of each of many attribute sets.
func (t *table) churnable() (out []netip.Prefix) {
	for _, s := range t.sets {
		if len(out) < churned {
			out = append(out, s.prefixes[0])
		}
	}
	return out
}

// makeRounds announces all by one path, then by another but for one of ten, which is withdrawn, then by the first again.
func makeRounds(asn uint32, prefixes []netip.Prefix) (out [rounds]round) {
	for i, p := range prefixes {
		for n := range out {
			r := &out[n]
			path := bgp.Sequence(asn, transits[(i+n%2)%len(transits)], firstASN+uint32(i%manyASNs))
			if n == 1 && i%10 == 0 {
				r.stream = wire.AppendUpdate(r.stream, speaks, nil, nil, []wire.NLRI{{Prefix: p}})
				r.paths = append(r.paths, "")
			} else {
				a := &bgp.Attrs{Path: path, NextHop: nextHops[bgp.FamilyOf(p)]}
				r.stream = wire.AppendUpdate(r.stream, speaks, a, []wire.NLRI{{Prefix: p}}, nil)
				r.paths = append(r.paths, path.String())
			}
			r.ends = append(r.ends, len(r.stream))
		}
	}
	return out
}

// say sends a round at the rate that is asked for, sent UPDATEs after the beginning.
func (r *round) say(ctx context.Context, o *options, s *speaker, sent int, began time.Time) (n int, err error) {
	from := 0
	for n < len(r.ends) && ctx.Err() == nil {
		due := int(time.Since(began).Seconds()*float64(o.rate)) - sent
		to := min(max(due, n), len(r.ends))
		if to > n {
			if err := s.send(r.stream[from:r.ends[to-1]]); err != nil {
				return n, err
			}
			n, from = to, r.ends[to-1]
		}
		time.Sleep(slice)
	}
	return n, ctx.Err()
}

// churned holds what the daemon shows in the end against what the last round said.
func (b *bed) churned(ctx context.Context, o *options, t *table, r round, prefixes []netip.Prefix, sent int) error {
	time.Sleep(o.settle)
	gone := 0
	for _, path := range r.paths {
		if path == "" {
			gone++
		}
	}
	peers, err := b.peervanePeers(ctx)
	if err != nil {
		return err
	}
	if want := uint64(t.updates + len(bgp.Families) + sent); peers[0].Updates != want {
		return fmt.Errorf("peervane counted %d UPDATEs of %d", peers[0].Updates, want)
	}
	if got, want := peers[0].Routes["ipv4"]+peers[0].Routes["ipv6"], t.total()-gone; got != want {
		return fmt.Errorf("peervane holds %d routes, want %d", got, want)
	}
	for i := 0; i < len(prefixes); i += 1 + len(prefixes)/500 {
		var routes []struct {
			ASPath string `json:"as_path"`
		}
		if err := b.ask(ctx, "routes?match=exact&prefix="+url.QueryEscape(prefixes[i].String()), &routes); err != nil {
			return err
		}
		var paths []string
		for _, r := range routes {
			paths = append(paths, r.ASPath)
		}
		if got := strings.Join(paths, ", "); got != r.paths[i] {
			return fmt.Errorf("%s: peervane shows %q, was told %q", prefixes[i], got, r.paths[i])
		}
	}
	return nil
}
