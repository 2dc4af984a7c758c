package daemon

import (
	"iter"
	"net/netip"
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
	trie bart.Table[*registration]
}

// compile makes the registry of a configuration. Registrations that share a policy or a connection go on sharing it.
func compile(cfg *config.Config) *registry {
	sites := map[string]*detect.Connection{}
	for _, c := range cfg.Connections {
		sites[c.Name] = &detect.Connection{
			Name: c.Name, Provider: c.Provider, Primary: c.Primary, Backup: c.Backup, MinPrimary: c.MinPrimary,
		}
	}
	policies := map[policyKey]*detect.Policy{}
	r := &registry{}
	for _, reg := range cfg.Prefixes {
		key := policyKey{policy: reg.Policy}
		if n := reg.MaxLength(); n > reg.Prefix.Bits() {
			key.longer = n
		}
		if policies[key] == nil {
			policies[key] = policyOf(reg.Policy, key.longer)
		}
		r.trie.Insert(reg.Prefix, &registration{Registration: detect.Registration{
			Prefix: reg.Prefix, Policy: policies[key], Connection: sites[reg.Connection],
		}})
	}
	return r
}

// policyKey tells compiled policies apart: longer is the longest legitimate more-specific, 0 for the prefix's own length.
type policyKey struct {
	policy *config.PrefixPolicy
	longer int
}

func policyOf(p *config.PrefixPolicy, maxLength int) *detect.Policy {
	return &detect.Policy{
		Origins:         p.Origins,
		AnyOrigin:       p.AnyOrigin,
		Expect:          p.Expect,
		Upstreams:       p.Upstreams,
		Required:        p.RequiredUpstreams,
		CoveringOrigins: p.CoveringOrigins,
		MaxLength:       maxLength,
		MinVantages:     p.MinVantages,
		Ignore:          p.Ignore,
		Labels:          p.Labels,
		MaxPathLength:   p.MaxPathLength,
		AllowPrivateASN: p.AllowPrivateASN,
		AllowPrepending: p.AllowPrepending,
		NoExport:        p.NoExport,
	}
}

// settings gives what the detectors have in common.
func settings(cfg *config.Config, replay bool) *detect.Settings {
	s := &detect.Settings{
		OurASN:         cfg.Daemon.ASN,
		Neighbours:     map[uint32]bgp.Relationship{},
		Siblings:       map[uint32]uint32{},
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
	for typ, severity := range cfg.Severity {
		s.Off[typ] = severity == "off"
	}
	return s
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
