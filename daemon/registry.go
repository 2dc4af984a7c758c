package daemon

import (
	"iter"
	"net/netip"
	"regexp"
	"slices"

	"github.com/gaissmai/bart"

	"peervane/bgp"
	"peervane/bgp/detect"
	"peervane/config"
)

// registration is one registered prefix, with what must be remembered of it.
type registration struct {
	detect.Registration
	memory detect.Memory
	born   int // the configuration with which it came; a session that has not told all of it since knows nothing of it
}

// registry holds the registered prefixes. A route is judged under the longest one that holds it.
type registry struct {
	trie     bart.Table[*registration]
	unlisted *registration // of all that is not registered; nil: that is not judged
}

// compile makes the registry of a configuration. Registrations that share a policy or a connection go on sharing it.
func compile(cfg *config.Config) *registry {
	sites := map[string]*detect.Connection{}
	for _, c := range cfg.Connections {
		sites[c.Name] = &detect.Connection{
			Name: c.Name, Provider: c.Provider, Primary: c.Primary, Backup: c.Backup, MinPrimary: c.MinPrimary,
		}
	}
	shared := policies{map[policyKey]*detect.Policy{}, map[string]*regexp.Regexp{}}
	r := &registry{}
	if len(cfg.ASNs) > 0 {
		r.unlisted = &registration{Registration: *detect.Unlisted()}
	}
	for i := range cfg.Prefixes {
		reg := &cfg.Prefixes[i]
		r.trie.Insert(reg.Prefix, &registration{Registration: detect.Registration{
			Prefix: reg.Prefix, Policy: shared.of(reg), Connection: sites[reg.Connection],
		}})
	}
	return r
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
	for i := range cfg.Prefixes {
		p := cfg.Prefixes[i].Policy
		if seen[p] {
			continue
		}
		seen[p] = true
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
		for _, reg := range r.trie.AllSorted() {
			if !reg.Policy.Ignore && !yield(reg) {
				return
			}
		}
	}
}
