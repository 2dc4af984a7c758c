package daemon

import (
	"net/netip"
	"reflect"

	"github.com/gaissmai/bart"

	"peervane/bgp/detect"
	"peervane/config"
)

// plan is what a configuration changes. It is worked out beside the engine, which goes on judging meanwhile: reading what
// a million prefixes are takes longer than putting the difference in force.
type plan struct {
	cfg      *config.Config
	settings *detect.Settings
	regs     *registry

	added, removed []*registration
	changed        []changedRegistration
	everything     bool // what all routes are judged by changed
	known          bool // the vantages that may come back changed, or whose origins are ours
}

// changedRegistration stays, with all that is remembered of it, and is judged otherwise from now on.
type changedRegistration struct {
	*registration
	policy     *detect.Policy
	connection *detect.Connection
}

// plan compares a configuration with the one in force. Only what a reload may change is read, so it may run beside the
// engine's goroutine, one plan at a time; each must be adopted before the next is made, or dropped.
func (e *engine) plan(cfg *config.Config, replay bool) *plan {
	old, regs := e.cfg, e.regs
	if old == nil {
		old, regs = &config.Config{}, noPrefixes()
	}
	own := *cfg
	if reflect.DeepEqual(old.Detect.Relationships, own.Detect.Relationships) {
		own.Detect.Relationships = old.Detect.Relationships // comparing two copies takes long
	}
	p := &plan{cfg: &own, settings: settings(&own, replay)}
	p.everything = e.settings == nil || !sameRules(old, &own)
	p.known = p.everything || !reflect.DeepEqual(knownPeersOf(old), knownPeersOf(&own)) || !reflect.DeepEqual(e.settings.Ours, p.settings.Ours)
	diff := config.Compare(old, &own)
	p.regs = &registry{unlisted: regs.unlisted, policies: regs.policies.carry(diff.Policies)}
	if len(own.ASNs) == 0 {
		p.regs.unlisted = nil
	} else if p.regs.unlisted == nil {
		p.regs.unlisted = &registration{Registration: *detect.Unlisted()}
	}
	p.register(regs, &diff, connections(&own))
	return p
}

// sameRules says whether two configurations differ at most in what belongs to single registrations, sessions, POPs and
// channels.
func sameRules(a, b *config.Config) bool {
	return a.Daemon.ASN == b.Daemon.ASN && reflect.DeepEqual(a.Neighbours, b.Neighbours) && reflect.DeepEqual(a.ASNs, b.ASNs) &&
		reflect.DeepEqual(a.Detect, b.Detect) && reflect.DeepEqual(a.Severity, b.Severity)
}

func connections(cfg *config.Config) map[string]*detect.Connection {
	by := map[string]*detect.Connection{}
	for _, c := range cfg.Connections {
		by[c.Name] = &detect.Connection{
			Name: c.Name, Provider: c.Provider, Primary: c.Primary, Backup: c.Backup, MinPrimary: c.MinPrimary,
		}
	}
	return by
}

// register makes the new tries of the old ones. Registrations that share a policy or a connection go on sharing it.
func (p *plan) register(old *registry, diff *config.Difference, sites map[string]*detect.Connection) {
	var come, gone []netip.Prefix
	for _, c := range diff.Added {
		p.added = append(p.added, &registration{Registration: detect.Registration{
			Prefix: c.Prefix, Policy: p.regs.policies.of(c), Connection: sites[c.Connection],
		}})
		come = append(come, c.Prefix)
	}
	for _, c := range diff.Changed {
		p.changed = append(p.changed, changedRegistration{old.exact(c.New.Prefix), p.regs.policies.of(c.New), sites[c.New.Connection]})
	}
	for _, c := range diff.Removed {
		p.removed = append(p.removed, old.exact(c.Prefix))
		gone = append(gone, c.Prefix)
	}
	p.regs.watched = old.watched.Change(come, gone)
	p.regs.trie = changedTrie(old.trie, p.added, gone)
}

// persistent is up to how many changes the nodes on the way to each are copied; beyond it, the whole trie is.
const persistent = 1000

// changedTrie leaves the old one as it is.
func changedTrie(t *bart.Table[*registration], added []*registration, removed []netip.Prefix) *bart.Table[*registration] {
	if len(added)+len(removed) <= persistent {
		for _, q := range removed {
			t = t.DeletePersist(q)
		}
		for _, reg := range added {
			t = t.InsertPersist(reg.Prefix, reg)
		}
		return t
	}
	t = t.Clone()
	for _, q := range removed {
		t.Delete(q)
	}
	for _, reg := range added {
		t.Insert(reg.Prefix, reg)
	}
	return t
}

// touches says of what prefixes the registration is another one.
func (p *plan) touches() *bart.Lite {
	set := &bart.Lite{}
	for _, list := range [2][]*registration{p.added, p.removed} {
		for _, reg := range list {
			set.Insert(reg.Prefix)
		}
	}
	for _, c := range p.changed {
		set.Insert(c.Prefix)
	}
	return set
}
