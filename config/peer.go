package config

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

const relationshipHint = `write what the neighbour is to us, such as relationship = "provider"`

var peerSchema = schema[Peer]{
	name:  "peer",
	title: "[[peer]]",
	rows: []key[Peer]{
		identify("name", func(p *Peer) *string { return &p.Name }, itemName, `write how it is called, name = "edge1-v4"`),
		field("description", func(p *Peer) *string { return &p.Description }, text, ""),
		field("enabled", func(p *Peer) *bool { return &p.Enabled }, boolean, true),
		required(custom("address", setPeerAddress), `write the neighbour's address, address = "192.0.2.1"`),
		need("asn", func(p *Peer) *uint32 { return &p.ASN }, asn, "write the neighbour's AS number, asn = 64500"),
		field("local_asn", func(p *Peer) *uint32 { return &p.LocalASN }, asnOrZero, 0),
		field("relationship", func(p *Peer) *string { return &p.Relationship },
			oneOf(Provider, PeerAS, Customer, RouteServer, RSClient, Internal, Collector), ""),
		field("role", func(p *Peer) *string { return &p.Role }, oneOf("auto", "strict", "off"), "auto"),
		field("port", func(p *Peer) *uint16 { return &p.Port }, portNumber, 179),
		field("local_address", func(p *Peer) *netip.Addr { return &p.LocalAddress }, addressOrNone, netip.Addr{}),
		field("interface", func(p *Peer) *string { return &p.Interface }, device, ""),
		field("passive", func(p *Peer) *bool { return &p.Passive }, boolean, false),
		field("ttl", func(p *Peer) *int { return &p.TTL }, number(1, 255), 64),
		field("gtsm_hops", func(p *Peer) *int { return &p.GTSMHops }, number(0, 254), 0),
		field("families", func(p *Peer) *[]string { return &p.Families }, families, []string{"ipv4", "ipv6"}),
		field("add_path", func(p *Peer) *bool { return &p.AddPath }, boolean, true),
		field("hold_time", func(p *Peer) *time.Duration { return &p.HoldTime },
			seconds(offOr(3*time.Second, 65535*time.Second)), 90*time.Second),
		field("connect_retry", func(p *Peer) *time.Duration { return &p.ConnectRetry },
			span(time.Second, time.Hour), 30*time.Second),
		field("password_file", func(p *Peer) *Secret { return &p.Password }, password, Secret{}),
		field("graceful_restart", func(p *Peer) *time.Duration { return &p.GracefulRestart },
			seconds(span(0, 4095*time.Second)), 120*time.Second),
		field("table", func(p *Peer) *string { return &p.Table }, oneOf("watched", "full"), "watched"),
		field("max_prefixes", func(p *Peer) *int { return &p.MaxPrefixes }, number(0, 1<<31-1), 0),
		field("max_prefixes_action", func(p *Peer) *string { return &p.MaxPrefixesAction }, oneOf("warn", "restart"), "warn"),
		field("max_prefixes_idle", func(p *Peer) *time.Duration { return &p.MaxPrefixesIdle },
			span(time.Second, day), 15*time.Minute),
		field("labels", func(p *Peer) *map[string]string { return &p.Labels }, labelTable, nil),
	},
	check: checkPeer,
}

// families are address families, at least one.
func families(l *loading, v value) ([]string, bool) {
	list, ok := setOf(oneOf("ipv4", "ipv6"))(l, v)
	if ok && list == nil {
		return wrong[[]string](l, v, `at least one of "ipv4", "ipv6"`)
	}
	return list, ok
}

// setPeerAddress takes the address of one neighbour, or the network of many.
func setPeerAddress(l *loading, p *Peer, v value) {
	p.Address, p.Dynamic = netip.Addr{}, netip.Prefix{}
	if s, _ := v.raw.(string); strings.Contains(s, "/") {
		p.Dynamic, _ = network(l, v)
		return
	}
	p.Address, _ = unicast(l, v)
}

func checkPeer(l *loading, p *Peer, it item) {
	checkPeerASN(l, p, it)
	checkPeerAddress(l, p, it)
	if p.Dynamic.IsValid() {
		if v, own := it.own("passive"); own && !p.Passive {
			l.fail(v.pos(), "passive is false, but neighbours out of a prefix can only be waited for; remove it")
		}
		p.Passive = true
	}
	if _, ttl := it.own("ttl"); ttl && p.GTSMHops > 0 {
		if v, gtsm := it.own("gtsm_hops"); gtsm {
			l.fail(v.pos(), "gtsm_hops and ttl exclude each other: GTSM always sends 255; remove one")
		}
	}
}

// checkPeerASN resolves the local ASN and what the neighbour is to us.
func checkPeerASN(l *loading, p *Peer, it item) {
	if p.LocalASN == 0 {
		p.LocalASN = l.cfg.Daemon.ASN
	}
	ours := p.ASN != 0 && p.ASN == p.LocalASN
	switch {
	case ours && p.Relationship == "":
		p.Relationship = Internal
	case ours && p.Relationship != Internal && p.Relationship != Collector:
		if v, own := it.own("relationship"); own {
			l.fail(v.pos(), `relationship is %q, but AS%d is ours; write "internal", or remove it`, p.Relationship, p.ASN)
		}
		p.Relationship = Internal
	case p.LocalASN != 0 && p.ASN != 0 && !it.has("relationship"):
		l.fail(it.table.keyPos(), "[[peer]] has no relationship; %s", relationshipHint)
	}
	if v, own := it.own("role"); own && p.Role == "strict" && (p.Relationship == Internal || p.Relationship == Collector) {
		l.fail(v.pos(), `role is "strict", but none is ever agreed with a neighbour that is %q; write "auto" or "off"`, p.Relationship)
	}
}

func checkPeerAddress(l *loading, p *Peer, it item) {
	remote := p.Address
	if p.Dynamic.IsValid() {
		remote = p.Dynamic.Addr()
	}
	if remote.IsLinkLocalUnicast() && p.Interface == "" {
		l.fail(it.at("address"), `address is link-local, but there is no interface; write the one it is on, interface = "eth0"`)
	}
	if remote.IsValid() && p.LocalAddress.IsValid() && remote.Is4() != p.LocalAddress.Is4() {
		l.fail(it.at("local_address"), "local_address is of another family than address; write one of the same")
	}
	if p.LocalAddress.IsValid() && p.LocalAddress == p.Address {
		l.fail(it.at("local_address"), "local_address is the neighbour's own address; write one of this host")
	}
}

func (l *loading) peers() []Peer {
	peers, items := readEach(l, &peerSchema, peerSchema.base(l, l.tables.defaults["peer"]))
	names := make([]string, len(peers))
	for i := range peers {
		names[i] = peers[i].Name
	}
	l.unique("peer", items, names)
	l.uniqueNeighbours(peers, items)
	return peers
}

// uniqueNeighbours reports peers whose connections could not be told apart.
func (l *loading) uniqueNeighbours(peers []Peer, items []item) {
	first := make(map[string]string)
	for i, p := range peers {
		if !p.Address.IsValid() && !p.Dynamic.IsValid() {
			continue
		}
		id := fmt.Sprint(p.Address, p.Dynamic, p.Port, p.LocalAddress, p.Interface)
		if other, ok := first[id]; ok {
			l.fail(items[i].at("address"), "address is that of peer %q too; give each neighbour one [[peer]], or another local_address or interface", other)
			continue
		}
		first[id] = p.Name
	}
}
