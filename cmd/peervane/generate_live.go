package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"peervane/bgp"
	"peervane/config"
	"peervane/daemon/api"
	"peervane/daemon/draft"
)

// lookLive asks the running daemon what it holds: of the prefixes that were asked for, or, for ASNs, everything.
func (e *env) lookLive(c *cobra.Command, g *generation, cfg *config.Config) (*draft.View, []string, error) {
	d, err := g.daemon(c, cfg)
	if err != nil {
		return nil, nil, err
	}
	if err := d.learnPeers(c.Context()); err != nil {
		return nil, nil, err
	}
	wanted := g.Prefixes
	if len(g.ASNs) > 0 {
		wanted = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	}
	view := &draft.View{}
	for _, p := range wanted {
		var routes []api.Route
		if err := d.get(c.Context(), "routes?match=watched&prefix="+url.QueryEscape(p.String()), &routes); err != nil {
			return nil, nil, err
		}
		for _, r := range routes {
			change, err := d.change(r)
			if err != nil {
				return nil, nil, err
			}
			_ = view.Put(change) // cannot fail
		}
	}
	if view.First.IsZero() {
		return nil, nil, fmt.Errorf("the daemon at %s holds no route of what was asked for: it keeps the prefixes that are "+
			"registered, and the paths that hold an ASN of its [[asn]] tables", d.base)
	}
	return view, []string{"From what the daemon at " + d.base + " held."}, nil
}

// daemonAPI is the running daemon, as its read-only API shows it.
type daemonAPI struct {
	base     string
	vantages map[string]*bgp.Vantage
}

// daemon finds out where the daemon answers.
func (g *generation) daemon(c *cobra.Command, cfg *config.Config) (*daemonAPI, error) {
	where := daemonAddress{http: g.http}
	if g.http == "" && cfg != nil {
		if !cfg.Daemon.HTTP.IsValid() {
			return nil, fmt.Errorf("%s has no daemon.http: the daemon cannot be asked", g.config)
		}
		where.http = cfg.Daemon.HTTP.String()
	}
	base, err := where.base(c)
	return &daemonAPI{base: base}, err
}

func (d *daemonAPI) get(ctx context.Context, page string, into any) error {
	body, err := fetch(ctx, d.base+"/api/v1/"+page)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("read %s of the daemon at %s: %w: is it of another version?", page, d.base, err)
	}
	return nil
}

// learnPeers makes a vantage of each of the daemon's own sessions.
func (d *daemonAPI) learnPeers(ctx context.Context) error {
	var peers []api.Peer
	if err := d.get(ctx, "peers", &peers); err != nil {
		return err
	}
	d.vantages = map[string]*bgp.Vantage{}
	for _, p := range peers {
		relationship, err := bgp.ParseRelationship(p.Relationship)
		if err != nil {
			return fmt.Errorf("peer %s: %w", p.Name, err)
		}
		d.vantages[p.Name] = &bgp.Vantage{Name: p.Name, Addr: p.Address, ASN: p.ASN, Relationship: relationship}
	}
	return nil
}

// change makes of a route what a source would have told.
func (d *daemonAPI) change(r api.Route) (bgp.Change, error) {
	path, err := bgp.ParsePath(r.ASPath)
	return bgp.Change{
		Vantage: d.vantage(r.Vantage), Prefix: r.Prefix, PathID: r.PathID, Attrs: &bgp.Attrs{Path: path}, At: r.Since.Time,
	}, err
}

// vantage finds one by name. Those that are no peers are a feed's, FEED/COLLECTOR/ADDRESS/ASN, or without the collector.
func (d *daemonAPI) vantage(name string) *bgp.Vantage {
	v := d.vantages[name]
	if v == nil {
		v = &bgp.Vantage{Name: name}
		parts := strings.Split(name, "/")
		if asn, err := strconv.ParseUint(parts[len(parts)-1], 10, 32); err == nil && len(parts) >= 3 {
			v.Collector, v.ASN = parts[0], uint32(asn)
		}
		d.vantages[name] = v
	}
	return v
}
