package daemon

import (
	"iter"
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"

	"peervane/bgp"
	"peervane/bgp/detect"
	"peervane/bgp/rib"
	"peervane/config"
)

// registration is one registered prefix, with what must be remembered of it.
type registration struct {
	detect.Registration
	memory detect.Memory
	born   int // the configuration with which it came; a session that has not told all of it since knows nothing of it
}

// registry holds the registered prefixes. A route is judged under the longest one that holds it. A reload makes another
// one, which shares with it what did not change; so it may be read by whoever has it.
type registry struct {
	trie     *bart.Table[*registration]
	watched  *rib.Watched  // the same prefixes
	unlisted *registration // of all that is not registered; nil: that is not judged
	policies *policies
}

// noPrefixes is the registry before the first configuration.
func noPrefixes() *registry {
	return &registry{trie: &bart.Table[*registration]{}, watched: rib.NewWatched(nil, nil), policies: newPolicies()}
}

// settings gives what the detectors have in common.
func settings(cfg *config.Config, replay bool) *detect.Settings {
	s := &detect.Settings{
		OurASN:         cfg.Daemon.ASN,
		Neighbours:     map[uint32]bgp.Relationship{},
		Siblings:       map[uint32]uint32{},
		RouteServers:   map[uint32]bool{},
		ASNs:           map[uint32]detect.WatchedAS{},
		Ours:           originsOf(cfg),
		Hold:           cfg.Detect.Hold,
		AbsenceHold:    cfg.Detect.AbsenceHold,
		PathChangeHold: cfg.Detect.PathChangeHold,
		PathSettle:     cfg.Detect.PathSettle,
		Off:            map[string]bool{},
		Replay:         replay,
	}
	for _, n := range cfg.Neighbours {
		// The configuration was checked: an unknown relationship cannot come here.
		s.Neighbours[n.ASN], _ = bgp.ParseRelationship(n.Relationship)
	}
	for _, group := range cfg.Detect.Siblings {
		for _, asn := range group {
			s.Siblings[asn] = slices.Min(group)
		}
	}
	for _, asn := range cfg.Detect.RouteServers {
		s.RouteServers[asn] = true
	}
	for _, w := range cfg.ASNs {
		s.ASNs[w.ASN] = detect.WatchedAS{Upstreams: w.Upstreams, Downstreams: w.Downstreams, Unlisted: w.Unlisted}
	}
	for typ, severity := range cfg.Severity {
		s.Off[typ] = severity == "off"
	}
	relate(s, &cfg.Detect)
	return s
}

// originsOf lists every legitimate origin. A million registrations share few policies.
func originsOf(cfg *config.Config) map[uint32]bool {
	seen, ours := map[*config.PrefixPolicy]bool{}, map[uint32]bool{}
	var last *config.PrefixPolicy
	for i := range cfg.Prefixes {
		p := cfg.Prefixes[i].Policy
		if p == last || seen[p] {
			continue
		}
		seen[p], last = true, p
		for _, asn := range p.Origins {
			ours[asn] = true
		}
	}
	return ours
}

// exact finds the registration of a prefix; nil when there is none.
func (r *registry) exact(p netip.Prefix) *registration {
	reg, _ := r.trie.Get(p)
	return reg
}

// owner finds the registration under which routes of a prefix are judged; nil when there is none, or it is carved out.
func (r *registry) owner(p netip.Prefix) *registration {
	reg, ok := r.trie.LookupPrefix(p)
	if !ok || reg.Policy.Ignore {
		return nil
	}
	return reg
}

// judges finds the registration under which routes of a prefix are judged, where they are not inside a registered one, too.
func (r *registry) judges(p netip.Prefix) *registration {
	if reg, registered := r.trie.LookupPrefix(p); !registered {
		return r.unlisted
	} else if !reg.Policy.Ignore {
		return reg
	}
	return nil
}

// inside yields the registrations that are more specific than a prefix.
func (r *registry) inside(p netip.Prefix) iter.Seq[*registration] {
	return func(yield func(*registration) bool) {
		for q, reg := range r.trie.Subnets(p) {
			if q != p && !reg.Policy.Ignore && !yield(reg) {
				return
			}
		}
	}
}

// all yields the registrations that are judged, in order.
func (r *registry) all() iter.Seq[*registration] {
	return func(yield func(*registration) bool) {
		for _, f := range bgp.Families {
			for reg := range r.of(f) {
				if !yield(reg) {
					return
				}
			}
		}
	}
}

// of yields those of a family.
func (r *registry) of(f bgp.Family) iter.Seq[*registration] {
	sorted := r.trie.AllSorted4()
	if f == bgp.IPv6 {
		sorted = r.trie.AllSorted6()
	}
	return func(yield func(*registration) bool) {
		for _, reg := range sorted {
			if !reg.Policy.Ignore && !yield(reg) {
				return
			}
		}
	}
}
