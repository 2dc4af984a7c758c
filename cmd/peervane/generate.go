package main

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"peervane/bgp"
	"peervane/bgp/source"
	"peervane/config"
	"peervane/daemon/draft"
)

// generation is what was asked of generate.
type generation struct {
	draft.Options
	config   string
	out      string
	http     string
	prune    bool
	live     bool
	duration time.Duration
	asns     []string
	prefixes []string
}

func generateCommand(e *env) *cobra.Command {
	var g generation
	c := &cobra.Command{
		Use:   "generate [-c FILE] [-o FILE] [--asn N]... [--prefix P]... INPUT... | --live",
		Short: "Draft [[prefix]] and [[asn]] tables from what is seen now",
		Long: `Generate drafts registrations from what the vantages of recordings hold at their end (MRT files and RIS Live JSON
lines, as replay reads them), or from what the running daemon holds (--live). Read a draft before you use it: what is wrong
while it is made, at enough vantages, is in it.

Without --asn and --prefix it drafts all prefixes that it sees. With --asn, only those that these ASNs originate, with no
other origin, and an [[asn]] table for each ASN. With --prefix, only these prefixes and what the same origins announce inside
of them. Other origins, and those that fewer than a tenth of a prefix's vantages show, are told in comments.

With -c FILE the draft leaves out what FILE and its other includes register, and stderr tells what is new (+), different (~),
not seen now but kept (=), gone (-), or seen otherwise than it is registered by hand (!). What was drafted before is read from
conf.d/generated.toml beside FILE, or from the file of -o, and stays in the draft when it is not seen now, which may be an
outage; --prune leaves it out. Nothing is written but to stdout or the file of -o, and that only if no person changed it.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, inputs []string) error {
			if err := g.parse(inputs); err != nil {
				return usage(c, err)
			}
			return e.generate(c, &g, inputs)
		},
	}
	f := c.Flags()
	f.StringVarP(&g.config, "config", "c", "", "the configuration `file` that the draft is for")
	f.StringVarP(&g.out, "out", "o", "", "write the draft to this `file` instead of stdout")
	f.StringSliceVar(&g.asns, "asn", nil, "draft what this `ASN` originates; may be repeated")
	f.StringSliceVar(&g.prefixes, "prefix", nil, "draft this `prefix`; may be repeated")
	f.Var((*spanFlag)(&g.duration), "for", "read only the first so much of the recorded `time`; 0 = all")
	f.IntVar(&g.MinVantages, "min-vantages", 1, "leave out what fewer than so many `vantages` show")
	f.BoolVar(&g.Upstreams, "upstreams", false, "draft neighbours as legitimate, not only in comments")
	f.BoolVar(&g.prune, "prune", false, "leave out what was drafted before and is not seen now")
	f.BoolVar(&g.live, "live", false, "draft from what the running daemon holds")
	f.StringVar(&g.http, "http", "", "the daemon's `address` for HTTP, with --live (default daemon.http of FILE, or "+defaultHTTP+")")
	return c
}

func (g *generation) parse(inputs []string) error {
	switch {
	case g.live && len(inputs) > 0:
		return errors.New("--live takes no recordings: use one of both")
	case g.live && len(g.asns)+len(g.prefixes) == 0:
		return errors.New("--live needs to know what is yours, since the daemon holds others' covering routes too: use --asn or --prefix")
	case g.live && g.duration != 0:
		return errors.New("--for is for recordings: leave it out with --live")
	case !g.live && g.http != "":
		return errors.New("--http is for --live: leave it out with recordings")
	case !g.live && len(inputs) == 0:
		return errors.New("no recordings are given: name some, or use --live")
	}
	for _, text := range g.asns {
		asn, err := strconv.ParseUint(strings.TrimPrefix(text, "AS"), 10, 32)
		if err != nil || asn == 0 {
			return fmt.Errorf("--asn %s is no ASN: use 1 to 4294967295", text)
		}
		g.ASNs = append(g.ASNs, uint32(asn))
	}
	for _, text := range g.prefixes {
		p, err := netip.ParsePrefix(text)
		if err != nil || p != p.Masked() || p.Bits() == 0 {
			return fmt.Errorf("--prefix %s is no prefix to register: use one as 203.0.113.0/24", text)
		}
		g.Prefixes = append(g.Prefixes, p)
	}
	return nil
}

// generate writes the draft, then says on stderr what it changes. Inputs that ended before their end make it fail, after
// all else was done.
func (e *env) generate(c *cobra.Command, g *generation, inputs []string) error {
	layers, err := e.layers(g)
	if err != nil {
		return err
	}
	view, from, readErr := e.look(c, g, layers.Manual, inputs)
	if view == nil {
		return readErr
	}
	d := draft.Make(view, g.Options)
	for _, missing := range d.Unseen(g.Options) {
		fmt.Fprintf(e.stderr, "peervane: %s\n", missing)
	}
	if len(d.Prefixes) == 0 && layers.Before == nil && len(g.ASNs)+len(g.Prefixes) > 0 {
		return errors.Join(readErr, errors.New("nothing of what was asked for is seen: nothing was drafted"))
	}
	changes := d.Settle(layers)
	if err := e.writeDraft(g, d.TOML(from...)); err != nil {
		return err
	}
	if g.config != "" || g.out != "" {
		for _, c := range changes {
			fmt.Fprintln(e.stderr, c)
		}
	}
	e.sumUp(d, changes)
	return readErr
}

// look gives what is seen now, and in words from where. Without a view there is nothing to draft from.
func (e *env) look(c *cobra.Command, g *generation, cfg *config.Config, inputs []string) (*draft.View, []string, error) {
	if g.live {
		return e.lookLive(c, g, cfg)
	}
	view := &draft.View{}
	recording := source.NewRecording(inputs, source.RecordingOptions{Report: e.report})
	err := recording.Run(c.Context(), firstOf(view, g.duration))
	if errors.Is(err, errEnough) {
		err = nil
	}
	if view.First.IsZero() {
		return nil, nil, errors.Join(err, errors.New("the recordings show no routes: nothing to draft from"))
	}
	names := make([]string, len(inputs))
	for i, name := range inputs {
		names[i] = filepath.Base(name)
	}
	return view, []string{
		"From " + strings.Join(names, ", ") + ",",
		fmt.Sprintf("as it stood at %s, after %s.", stamp(view.Last), view.Last.Sub(view.First).Round(time.Second)),
	}, err
}

// errEnough ends a recording of which enough was read.
var errEnough = errors.New("enough")

// firstOf lets through what came in the first d of a recording; all, if d is 0.
func firstOf(view *draft.View, d time.Duration) source.Sink {
	return source.SinkFunc(func(in bgp.Input) error {
		if d > 0 && !view.First.IsZero() && in.When().Sub(view.First) >= d {
			return errEnough
		}
		return view.Put(in)
	})
}

func (e *env) sumUp(d *draft.Draft, changes []draft.Change) {
	fmt.Fprintf(e.stderr, "drafted   %s, %s\n", count(len(d.Prefixes), "registered prefix"), count(len(d.ASNs), "ASN"))
	if d.LeftOut > 0 {
		fmt.Fprintf(e.stderr, "left out  %s of which too few vantages show an origin\n", count(d.LeftOut, "prefix"))
	}
	marks := map[byte]int{}
	for _, c := range changes {
		marks[c.Mark]++
	}
	fmt.Fprintf(e.stderr, "changes   %d new, %d different, %d not seen but kept, %d gone; %d seen otherwise than registered\n",
		marks[draft.New], marks[draft.Different], marks[draft.Kept], marks[draft.Gone], marks[draft.Stranger])
}
